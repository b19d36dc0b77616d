//! What can be wrong with a capture file.

use std::fmt;

/// A capture file that cannot be read (further), and where.
#[derive(Debug)]
pub struct ReadError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    file: String,
    at: u64,
    problem: Problem,
}

impl ReadError {
    pub(super) fn new(file: &str, at: u64, problem: Problem) -> Self {
        ReadError(Box::new(Inner {
            file: file.to_owned(),
            at,
            problem,
        }))
    }

    /// The file's name as given, or `standard input`.
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// Byte offset in the (decompressed) file of the header or record that is wrong.
    pub fn at(&self) -> u64 {
        self.0.at
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { file, at, problem } = &*self.0;
        match problem {
            Problem::Open(_) | Problem::Empty => write!(f, "{file}: {problem}"),
            _ => write!(f, "{file}: at byte {at}: {problem}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.problem {
            Problem::Open(e) | Problem::Io(e) | Problem::Corrupt(_, e) => Some(e),
            _ => None,
        }
    }
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file could not be opened.
    #[error("cannot open: {0}")]
    Open(#[source] std::io::Error),
    /// A read failed.
    #[error("cannot read: {0}")]
    Io(#[source] std::io::Error),
    /// The compressed stream is damaged.
    #[error("the {0} stream is damaged: {1}")]
    Corrupt(&'static str, #[source] std::io::Error),
    /// No bytes at all.
    #[error("the file is empty: not even a pcap header")]
    Empty,
    /// Neither pcap nor pcapng.
    #[error("not a pcap or pcapng file (it begins with {magic:02x?}{})", hint(.looks_like))]
    UnknownFormat {
        /// The first bytes, at most 4.
        magic: Vec<u8>,
        /// What it is, where the first bytes tell.
        looks_like: Option<&'static str>,
    },
    /// The file ends inside its header, before any packet.
    #[error("the file ends inside its header: {have} of {need} bytes")]
    ShortHeader {
        /// Bytes present.
        have: u64,
        /// Bytes of the header.
        need: u64,
    },
    /// A pcap or pcapng version that nobody reads.
    #[error("{format} version {major}.{minor} is not known")]
    Version {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// The reserved bits of the pcap header's link type are set.
    #[error("the reserved bits of the link type field are not zero ({0:#010x})")]
    ReservedLinkBits(u32),
    /// A record longer than any packet.
    #[error("packet of {0} bytes: no packet is longer than {1}")]
    PacketTooLong(u64, u64),
    /// A pcapng block whose length cannot be.
    #[error("pcapng block of type {kind:#010x} with the impossible length {len}")]
    BlockLength {
        /// Block type.
        kind: u32,
        /// The length it gives.
        len: u32,
    },
    /// The length before and after a pcapng block differ.
    #[error("pcapng block whose two lengths differ: {0} before, {1} after")]
    BlockTrailer(u32, u32),
    /// A section header without the byte-order magic.
    #[error("pcapng section header without a byte-order magic ({0:#010x})")]
    ByteOrder(u32),
    /// A pcapng option that runs over its block.
    #[error("pcapng option {code} of {len} bytes in a block with room for {room}")]
    Option {
        /// Option code.
        code: u16,
        /// Its length.
        len: u16,
        /// Bytes left in the block.
        room: usize,
    },
    /// A packet of an interface that no block described.
    #[error("pcapng packet of interface {id}, but the section describes {known}")]
    NoInterface {
        /// The packet's interface.
        id: u32,
        /// How many interfaces the section has described so far.
        known: usize,
    },
    /// Captured length and block length disagree.
    #[error("pcapng packet of {captured} bytes in a block with room for {room}")]
    PacketInBlock {
        /// Captured length.
        captured: u32,
        /// Bytes the block has for it.
        room: u32,
    },
}

fn hint(looks_like: &Option<&'static str>) -> String {
    looks_like.map_or(String::new(), |what| format!(": {what}"))
}

/// A file that ends in the middle of a record. What came before it has been delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncated {
    /// What was cut: `packet record`, `block`, `gzip stream`…
    pub what: &'static str,
    /// Byte offset in the (decompressed) file where it begins.
    pub at: u64,
    /// Bytes of it that the file holds.
    pub have: u64,
    /// Bytes that it should have, as far as is known.
    pub need: u64,
}

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Truncated {
            what,
            at,
            have,
            need,
        } = self;
        write!(f, "cut short in the middle of a {what} at byte {at}")?;
        if need > have {
            write!(f, ": {have} of {need} bytes are there")?;
        }
        Ok(())
    }
}
