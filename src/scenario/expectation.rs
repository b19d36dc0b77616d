//! What is expected of a run, each with the span that asked for it: the model of `[expect]`.

use std::path::PathBuf;
use std::time::Duration;

use regex::bytes::Regex;

use super::inside::Inside;
use super::model::{EventMatch, Span};
use crate::filter::Filter;
use crate::flow::pattern::Patterns;
use crate::flow::{Handshake, Redaction};
use crate::tcp::Side;

/// What is expected.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Snapshot of every connection's flow (default true).
    pub snapshot: Option<bool>,
    /// Names of the accepted variants of a real race, besides the main snapshot; each has a snapshot `NAME@VARIANT.snap`.
    pub variants: Vec<String>,
    /// The scenario is expected to fail (it shows a broken program); the findings that must come, by code.
    pub fails: Vec<String>,
    /// Where `fails` stands.
    pub fails_span: Span,
    /// How many TCP connections there are.
    pub connections: Option<Asked<Bound>>,
    /// What holds of connections: of all, of some by name.
    pub of: Vec<OfConnections>,
    /// What comes before what, across connections and actors.
    pub order: Vec<Order>,
    /// How long something takes.
    pub time: Vec<Time>,
    /// How many packets a display filter finds.
    pub packets: Vec<Packets>,
    /// What varies within payloads and does not matter.
    pub redact: Vec<Redaction>,
    /// What external programs print.
    pub output: Vec<Output>,
}

/// A value and where it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<T> {
    /// What.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// A range of numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Least; `None` is no bound.
    pub min: Option<u64>,
    /// Greatest; `None` is no bound.
    pub max: Option<u64>,
}

impl Bound {
    /// This number and no other.
    pub fn exactly(n: u64) -> Bound {
        Bound {
            min: Some(n),
            max: Some(n),
        }
    }

    /// At least so many.
    pub fn at_least(n: u64) -> Bound {
        Bound {
            min: Some(n),
            max: None,
        }
    }

    /// Is the number within?
    pub fn holds(&self, n: u64) -> bool {
        self.min.is_none_or(|min| n >= min) && self.max.is_none_or(|max| n <= max)
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) if min == max => write!(f, "{min}"),
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("any"),
        }
    }
}

/// What holds of some connections.
#[derive(Debug, Clone, Default)]
pub struct OfConnections {
    /// Which: a name, `*` at its end for any rest; `None` is all.
    pub name: Option<Asked<String>>,
    /// Their flow.
    pub flow: Option<FlowText>,
    /// Who closed first.
    pub closed_by: Option<Asked<ClosedBy>>,
    /// How they ended.
    pub close: Option<Asked<CloseKind>>,
    /// How they began.
    pub handshake: Option<Asked<Handshake>>,
    /// Facts that are numbers.
    pub numbers: Vec<Number>,
    /// What one side sent.
    pub payload: Vec<Payload>,
    /// TCP options of the SYNs.
    pub options: Vec<TcpOption>,
}

impl OfConnections {
    /// Is nothing expected?
    pub fn is_empty(&self) -> bool {
        self.flow.is_none()
            && self.closed_by.is_none()
            && self.close.is_none()
            && self.handshake.is_none()
            && self.numbers.is_empty()
            && self.payload.is_empty()
            && self.options.is_empty()
    }
}

/// A flow pattern, and where each of its bytes stands in the file.
#[derive(Debug, Clone)]
pub struct FlowText {
    /// As written, TOML's escapes resolved.
    pub text: String,
    /// As read.
    pub patterns: Patterns,
    /// From offsets in `text` to offsets in the file.
    pub inside: Inside,
}

/// Who closed a connection first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedBy {
    /// The client.
    Client,
    /// The server.
    Server,
    /// Both at once: neither knew of the other.
    Both,
    /// Nobody.
    Nobody,
}

impl ClosedBy {
    /// As the file says it.
    pub fn word(self) -> &'static str {
        match self {
            ClosedBy::Client => "client",
            ClosedBy::Server => "server",
            ClosedBy::Both => "both",
            ClosedBy::Nobody => "nobody",
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseKind {
    /// Two FINs, one after the other.
    Fin,
    /// Two FINs, neither acknowledging the other.
    Crossed,
    /// At least one RST.
    Reset,
    /// One FIN.
    Half,
    /// Neither FIN nor RST.
    Open,
    /// There was nothing to close.
    None,
}

impl CloseKind {
    /// As the file says it.
    pub fn word(self) -> &'static str {
        match self {
            CloseKind::Fin => "fin",
            CloseKind::Crossed => "crossed",
            CloseKind::Reset => "reset",
            CloseKind::Half => "half",
            CloseKind::Open => "open",
            CloseKind::None => "none",
        }
    }
}

/// Facts that are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// SYNs without ACK, sent again ones included.
    Syns,
    /// Segments with RST.
    Resets,
    /// Segments that Wireshark calls retransmissions, fast and spurious ones included.
    Retransmissions,
    /// Duplicate ACKs.
    DuplicateAcks,
    /// Segments with a window of 0.
    ZeroWindow,
    /// Segments.
    Segments,
    /// Bytes of the stream, each counted once.
    Bytes,
}

impl Count {
    /// Its key in the file.
    pub fn key(self) -> &'static str {
        match self {
            Count::Syns => "syns",
            Count::Resets => "resets",
            Count::Retransmissions => "retransmissions",
            Count::DuplicateAcks => "duplicate-acks",
            Count::ZeroWindow => "zero-window",
            Count::Segments => "segments",
            Count::Bytes => "bytes",
        }
    }
}

/// A number and what it may be.
#[derive(Debug, Clone)]
pub struct Number {
    /// Which.
    pub what: Count,
    /// Of one side's segments; `None` is of both together.
    pub side: Option<Side>,
    /// What it may be.
    pub bound: Bound,
    /// Where it was asked for.
    pub span: Span,
}

/// What one side sent, or a program printed.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Exactly these bytes.
    Bytes(Vec<u8>),
    /// Exactly the contents of this file, relative to the scenario's folder.
    File(PathBuf),
    /// Exactly so many bytes of the pattern.
    Pattern(u64),
    /// These bytes somewhere.
    Contains(Vec<u8>),
    /// This expression matches somewhere.
    Regex(Regex),
}

/// What one side must have sent.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Who.
    pub side: Side,
    /// What.
    pub wanted: Wanted,
    /// Where it was asked for.
    pub span: Span,
}

/// A TCP option of the SYNs.
#[derive(Debug, Clone)]
pub struct TcpOption {
    /// Whose SYN; `None` is both: negotiated.
    pub side: Option<Side>,
    /// Which, and its value.
    pub wanted: OptionValue,
    /// Where it was asked for.
    pub span: Span,
}

/// Options that a SYN can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionValue {
    /// Maximum segment size in bytes.
    Mss(Bound),
    /// Shift of the window.
    WindowScale(Bound),
    /// Selective acknowledgements allowed?
    SackPermitted(bool),
    /// Timestamps?
    Timestamps(bool),
}

/// One thing comes before another.
#[derive(Debug, Clone)]
pub struct Order {
    /// This first.
    pub first: Moment,
    /// Then this.
    pub then: Moment,
    /// The table.
    pub span: Span,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub struct Moment {
    /// What.
    pub what: Happening,
    /// Where it was asked for.
    pub span: Span,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// An actor's call returns.
    Event(EventMatch),
    /// A segment is sent.
    Segment {
        /// On which connection, by name; `None` is any.
        connection: Option<String>,
        /// Who sends it; `None` is either.
        from: Option<Side>,
        /// Flags that must be set (`"FIN,ACK"`).
        flags: String,
        /// It must carry payload.
        data: bool,
        /// How many of them (1: the first).
        times: u32,
    },
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// From the first SYN to the client's first segment that acknowledges the server's SYN.
    Handshake,
    /// From the last byte of a request to the first byte of its answer: the longest of a connection.
    Answer,
    /// Between two segments of a connection, or of one side of it: the longest.
    Gap,
}

impl Measure {
    /// As the file says it.
    pub fn word(self) -> &'static str {
        match self {
            Measure::Handshake => "handshake",
            Measure::Answer => "answer",
            Measure::Gap => "gap",
        }
    }
}

/// How long something takes.
#[derive(Debug, Clone)]
pub struct Time {
    /// What.
    pub measure: Measure,
    /// On which connections; `None` is all.
    pub connection: Option<Asked<String>>,
    /// Of a gap: between this side's segments; `None` is both sides'.
    pub from: Option<Side>,
    /// At least so long.
    pub min: Option<Duration>,
    /// At most so long.
    pub max: Option<Duration>,
    /// How much more or less is forgiven.
    pub tolerance: Duration,
    /// Where the range was asked for.
    pub span: Span,
}

/// How many packets a display filter finds.
#[derive(Debug, Clone)]
pub struct Packets {
    /// The filter.
    pub filter: Filter,
    /// How many.
    pub count: Bound,
    /// Where the number was asked for, else the filter.
    pub span: Span,
}

/// What an external program prints.
#[derive(Debug, Clone)]
pub struct Output {
    /// Whose.
    pub actor: String,
    /// Standard error? Otherwise standard output.
    pub stderr: bool,
    /// What.
    pub wanted: Wanted,
    /// Where it was asked for.
    pub span: Span,
}
