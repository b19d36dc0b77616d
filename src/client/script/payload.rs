//! Bytes to send or to compare with, read piece by piece: a large file or pattern is never in memory as a whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::scenario::Data;

/// Bytes by offset.
#[derive(Debug)]
pub enum Payload {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file of this length.
    File(File, u64),
    /// Byte i is `i % 251`: position-dependent, so that a lost or doubled piece shows.
    Pattern(u64),
}

/// A file of the scenario that cannot be used.
#[derive(Debug, Error)]
#[error("cannot read {}: {source}", .path.display())]
pub struct PayloadError {
    path: PathBuf,
    source: io::Error,
}

impl Payload {
    /// Opens what a scenario names; files are relative to `folder`.
    ///
    /// # Errors
    /// `PayloadError` names the file.
    pub fn open(data: &Data, folder: &Path) -> Result<Self, PayloadError> {
        match data {
            Data::Bytes(bytes) => Ok(Payload::Bytes(bytes.clone())),
            Data::Pattern(len) => Ok(Payload::Pattern(*len)),
            Data::File(path) => Payload::file(&folder.join(path)),
        }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// `PayloadError` names it.
    pub fn file(path: &Path) -> Result<Self, PayloadError> {
        let open = || {
            let file = File::open(path)?;
            let meta = file.metadata()?;
            if !meta.is_file() {
                return Err(io::Error::other("it is not a regular file"));
            }
            Ok(Payload::File(file, meta.len()))
        };
        open().map_err(|source| PayloadError {
            path: path.to_path_buf(),
            source,
        })
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::File(_, len) | Payload::Pattern(len) => *len,
        }
    }

    /// No byte?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` from `offset` on; how much of it: less only at the end.
    ///
    /// # Errors
    /// What reading the file says.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.len().saturating_sub(offset);
        let n = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let buffer = &mut buffer[..n];
        match self {
            Payload::Bytes(bytes) => {
                let from = offset.min(bytes.len() as u64) as usize;
                buffer.copy_from_slice(&bytes[from..from + n]);
            }
            Payload::File(file, _) => file.read_exact_at(buffer, offset)?,
            Payload::Pattern(_) => {
                // One period, then copies of it: a GiB of divisions would take longer than sending it.
                let period = n.min(251);
                for (i, byte) in buffer[..period].iter_mut().enumerate() {
                    *byte = ((offset + i as u64) % 251) as u8;
                }
                let mut done = period;
                while done < n {
                    let next = done.min(n - done);
                    buffer.copy_within(..next, done);
                    done += next;
                }
            }
        }
        Ok(n)
    }
}

/// First difference between what came and what was expected at `offset`, as a message.
pub fn difference(expected: &Payload, offset: u64, actual: &[u8]) -> io::Result<Option<String>> {
    let mut wanted = vec![0; actual.len()];
    let n = expected.read(offset, &mut wanted)?;
    let Some(at) = (0..n).find(|i| wanted[*i] != actual[*i]) else {
        return Ok(None);
    };
    let show = |bytes: &[u8]| {
        let end = bytes.len().min(at + 16);
        bytes[at..end].escape_ascii().to_string()
    };
    Ok(Some(format!(
        "byte {} differs: expected \"{}\", got \"{}\"",
        offset + at as u64,
        show(&wanted[..n]),
        show(actual),
    )))
}
