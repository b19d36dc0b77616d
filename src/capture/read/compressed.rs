//! gzip and zstd, told by their magic numbers, decompressed as a stream.

use std::io::{Cursor, ErrorKind, Read};

/// How the file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952
    Gzip,
    /// RFC 8878
    Zstd,
}

impl Compression {
    /// `gzip` or `zstd`.
    pub fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

/// Looks at the first four bytes and puts the right decoder in front.
pub(super) fn open(
    mut source: Box<dyn Read>,
) -> std::io::Result<(Box<dyn Read>, Option<Compression>)> {
    let mut magic = [0; 4];
    let mut have = 0;
    while have < magic.len() {
        match source.read(&mut magic[have..]) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let seen = &magic[..have];
    let whole = Cursor::new(seen.to_vec()).chain(source);
    Ok(if seen.starts_with(&[0x1f, 0x8b]) {
        let whole = std::io::BufReader::with_capacity(128 * 1024, whole);
        let decoder = flate2::bufread::MultiGzDecoder::new(whole);
        (Box::new(decoder), Some(Compression::Gzip))
    } else if matches!(
        seen,
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18]
    ) {
        (
            Box::new(zstd::Decoder::new(whole)?),
            Some(Compression::Zstd),
        )
    } else {
        (Box::new(whole), None)
    })
}
