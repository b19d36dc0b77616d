//! Capture files read: pcap in all its dialects and pcapng, plain or compressed, from a file or a
//! pipe.
//!
//! The house reads files with its own code and not with `pcap-file`, which it uses for writing:
//! that crate knows no modified (Kuznetzov) format, reports a truncated last record as an error
//! without saying what was there, refuses timestamps and lengths that Wireshark accepts, and
//! parses every option list whether or not anybody asks.

mod buffer;
mod compressed;
mod error;
mod pcap;
mod pcapng;
mod reader;

pub use compressed::Compression;
pub use error::{Problem, ReadError, Truncated};
pub use reader::{Comment, Format, Interface, Reader, Subject};
