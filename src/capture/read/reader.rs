//! The reader: format told by magic, frames lent one by one.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::buffer::Window;
use super::compressed::{self, Compression};
use super::error::{Problem, ReadError, Truncated};
use super::{pcap, pcapng};
use crate::timeline::Nanos;
use crate::wire::Frame;
use crate::wire::LinkType;

/// Comments beyond this many bytes of text are counted, not kept: a file must not decide how much
/// memory it takes.
const COMMENT_BYTES: usize = 1 << 20;

/// The format of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// pcap; timestamps in ns rather than µs?
    Pcap {
        /// Nanosecond magic number.
        nanos: bool,
        /// Big endian?
        big: bool,
        /// A dialect with longer record headers (Kuznetzov's patches, Nokia).
        modified: bool,
    },
    /// pcapng
    Pcapng,
}

/// An interface that the file describes. A pcap file has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// How to read its frames.
    pub link: LinkType,
    /// Snapshot length in bytes, 0 for none.
    pub snaplen: u32,
    /// Bytes of frame check sequence at the end of each frame, where the file says. Of Ethernet
    /// frames the reader delivers them without it, as Wireshark counts their lengths.
    pub fcs: Option<u8>,
    /// `if_name`.
    pub name: Option<String>,
}

/// What a comment speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The section, so the whole file where it has one.
    Section,
    /// An interface, by its number in the file (from 0, over all sections).
    Interface(usize),
    /// A frame, by its number.
    Frame(u64),
}

/// A comment of a pcapng file (`opt_comment`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// What it speaks of.
    pub on: Subject,
    /// Its text; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Where the next frame lies, relative to the start of its record.
pub(super) struct Record {
    pub(super) time: Nanos,
    pub(super) link: LinkType,
    pub(super) wire_len: u32,
    /// Bytes of the whole record or block, already consumed.
    pub(super) size: usize,
    /// Start of the frame in it.
    pub(super) from: usize,
    pub(super) len: usize,
    /// Bytes of frame check sequence at its end, 0 where the file does not say.
    pub(super) fcs: u8,
}

/// Why there is no (further) record.
pub(super) enum Stop {
    Problem(Problem),
    Truncated(Truncated),
}

impl From<std::io::Error> for Stop {
    fn from(e: std::io::Error) -> Self {
        Stop::Problem(Problem::Io(e))
    }
}

/// What both formats share.
pub(super) struct Shared {
    pub(super) window: Window,
    pub(super) interfaces: Vec<Interface>,
    pub(super) comments: Vec<Comment>,
    comment_bytes: usize,
    comments_dropped: u64,
    /// Frames delivered.
    pub(super) frames: u64,
}

impl Shared {
    pub(super) fn comment(&mut self, on: Subject, text: &[u8]) {
        if self.comment_bytes + text.len() + size_of::<Comment>() > COMMENT_BYTES {
            self.comments_dropped += 1;
            return;
        }
        self.comment_bytes += text.len() + size_of::<Comment>();
        self.comments.push(Comment {
            on,
            text: String::from_utf8_lossy(text).into_owned(),
        });
    }
}

enum State {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

/// Reads a capture file, frame by frame.
pub struct Reader {
    name: String,
    compression: Option<Compression>,
    shared: Shared,
    state: State,
    done: bool,
    truncated: Option<Truncated>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("name", &self.name)
            .field("format", &self.format())
            .field("frames", &self.shared.frames)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a file and reads its header. Fails on what is not a capture file.
    pub fn open(path: impl AsRef<Path>) -> Result<Reader, ReadError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| ReadError::new(&name, 0, Problem::Open(e)))?;
        Reader::start(name, Box::new(file))
    }

    /// Reads from a stream, such as standard input, and reads the header.
    pub fn from_read(source: Box<dyn Read>) -> Result<Reader, ReadError> {
        Reader::start("standard input".into(), source)
    }

    fn start(name: String, source: Box<dyn Read>) -> Result<Reader, ReadError> {
        let (source, compression) =
            compressed::open(source).map_err(|e| ReadError::new(&name, 0, Problem::Io(e)))?;
        let mut shared = Shared {
            window: Window::new(source),
            interfaces: vec![],
            comments: vec![],
            comment_bytes: 0,
            comments_dropped: 0,
            frames: 0,
        };
        let state = (|| {
            shared.window.want(4)?;
            let magic: Vec<u8> = shared.window.ready().iter().take(4).copied().collect();
            if magic.is_empty() {
                return Err(Stop::Problem(Problem::Empty));
            }
            if let Some(pcap) = pcap::Pcap::open(&mut shared, &magic)? {
                return Ok(State::Pcap(pcap));
            }
            if let Some(pcapng) = pcapng::Pcapng::open(&mut shared, &magic)? {
                return Ok(State::Pcapng(pcapng));
            }
            let looks_like = looks_like(&magic);
            Err(Stop::Problem(Problem::UnknownFormat { magic, looks_like }))
        })()
        .map_err(|stop| match stop {
            Stop::Problem(p) => {
                ReadError::new(&name, shared.window.offset(), named(p, compression))
            }
            Stop::Truncated(t) => {
                let (have, need) = (t.have, t.need);
                ReadError::new(&name, t.at, Problem::ShortHeader { have, need })
            }
        })?;
        Ok(Reader {
            name,
            compression,
            shared,
            state,
            done: false,
            truncated: None,
        })
    }

    /// The next frame, numbered from 1; `None` at the end. After an error the reader is at its
    /// end. What [`Reader::truncated`] says is final once `None` was returned.
    #[allow(clippy::should_implement_trait)] // it lends from its buffer: no `Iterator`
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        if self.done {
            return Ok(None);
        }
        let record = match &mut self.state {
            State::Pcap(pcap) => pcap.next(&mut self.shared),
            State::Pcapng(pcapng) => pcapng.next(&mut self.shared),
        };
        match record {
            Ok(Some(r)) => {
                let (mut wire_len, mut len) = (r.wire_len, r.len);
                if r.fcs != 0 && r.link == LinkType::ETHERNET {
                    wire_len = wire_len.saturating_sub(r.fcs.into());
                    len = len.min(wire_len as usize);
                }
                Ok(Some(Frame {
                    number: self.shared.frames,
                    time: r.time,
                    link: r.link,
                    wire_len,
                    data: self.shared.window.behind(r.size, r.from, len),
                }))
            }
            Ok(None) => {
                self.done = true;
                Ok(None)
            }
            Err(stop) => self.stop(stop),
        }
    }

    #[cold]
    fn stop(&mut self, stop: Stop) -> Result<Option<Frame<'_>>, ReadError> {
        self.done = true;
        let at = self.shared.window.offset();
        match (stop, self.compression) {
            (Stop::Truncated(t), _) => self.truncated = Some(t),
            (Stop::Problem(Problem::Io(e)), Some(compression))
                if e.kind() == ErrorKind::UnexpectedEof =>
            {
                let what = match compression {
                    Compression::Gzip => "gzip stream",
                    Compression::Zstd => "zstd stream",
                };
                let have = self.shared.window.ready().len() as u64;
                self.truncated = Some(Truncated {
                    what,
                    at,
                    have,
                    need: 0,
                });
            }
            (Stop::Problem(p), compression) => {
                return Err(ReadError::new(&self.name, at, named(p, compression)));
            }
        }
        Ok(None)
    }

    /// The file's format.
    pub fn format(&self) -> Format {
        match &self.state {
            State::Pcap(pcap) => pcap.format(),
            State::Pcapng(_) => Format::Pcapng,
        }
    }

    /// How the file is compressed, if it is.
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// The interfaces met so far, over all sections.
    pub fn interfaces(&self) -> &[Interface] {
        &self.shared.interfaces
    }

    /// The comments met so far, in file order; at most 1 MiB of them are kept.
    pub fn comments(&self) -> &[Comment] {
        &self.shared.comments
    }

    /// How many comments were not kept.
    pub fn comments_dropped(&self) -> u64 {
        self.shared.comments_dropped
    }

    /// Frames delivered so far.
    pub fn frames(&self) -> u64 {
        self.shared.frames
    }

    /// Does the file end in the middle of a record? Known when [`Reader::next`] returned `None`.
    pub fn truncated(&self) -> Option<&Truncated> {
        self.truncated.as_ref()
    }

    /// The file's name as given, or `standard input`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn named(problem: Problem, compression: Option<Compression>) -> Problem {
    match (problem, compression) {
        (Problem::Io(e), Some(c))
            if matches!(
                e.kind(),
                ErrorKind::InvalidInput
                    | ErrorKind::InvalidData
                    | ErrorKind::Other
                    | ErrorKind::UnexpectedEof
            ) =>
        {
            Problem::Corrupt(c.name(), e)
        }
        (p, _) => p,
    }
}

/// Other formats that people take for pcap.
fn looks_like(magic: &[u8]) -> Option<&'static str> {
    Some(match magic {
        b"snoo" => "Sun snoop",
        b"RTSS" | b"GMBU" => "Microsoft Network Monitor",
        b"XCP\0" => "NetXRay or Sniffer",
        b"\x04\x22\x4d\x18" => "LZ4; decompress it first",
        b"BZh9" | b"BZh8" => "bzip2; decompress it first",
        b"\xfd7zX" => "xz; decompress it first",
        b"PK\x03\x04" => "a zip archive",
        b"5VIE" => "an EyeSDN trace",
        _ => return None,
    })
}
