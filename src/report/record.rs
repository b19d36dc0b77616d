//! The records of JSON Lines: what each holds.

use std::net::SocketAddr;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{excerpt, facts};
use crate::check::{Finding, Named};
use crate::scenario::Source;
use crate::tcp::{Analysis, By, Conversation, Handshake, How, Seg, Side, Summary};
use crate::timeline::{Event, Nanos, Op};
use crate::wire::Flags;

/// A record; its kind is written in `type`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Record<'a> {
    /// What was recorded.
    Capture(CaptureRecord<'a>),
    /// What an actor did.
    Event(EventRecord<'a>),
    /// One TCP segment.
    Segment(SegmentRecord<'a>),
    /// One TCP connection.
    Connection(ConnectionRecord<'a>),
    /// How a run ended.
    Verdict(VerdictRecord<'a>),
    /// How many runs ended how.
    Summary(SummaryRecord),
}

/// Which of several runs of one scenario a record is of; nothing is written of the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Which {
    /// With `--repeat`: which repetition, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition: Option<u32>,
    /// With `--retries`, where it was tried again: which attempt, from 1; the last counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// The capture behind the records that follow.
#[derive(Debug, Serialize)]
pub struct CaptureRecord<'a> {
    /// The scenario that ran, if one did.
    pub scenario: Option<&'a str>,
    /// Which of its runs.
    #[serde(flatten)]
    pub which: Which,
    /// Where the frames were written to, or read from.
    pub file: Option<String>,
    /// `LINKTYPE_` number.
    pub link: u16,
    /// Bytes kept of each frame.
    pub snaplen: u32,
    /// How many frames.
    pub frames: usize,
    /// Frames that the kernel dropped; `null` for a file.
    pub drops: Option<u32>,
    /// Proven complete? `null` for a file.
    pub complete: Option<bool>,
    /// Why it is not.
    pub reasons: &'a [String],
}

/// What an actor did.
#[derive(Debug, Serialize)]
pub struct EventRecord<'a> {
    /// The scenario that ran.
    pub scenario: Option<&'a str>,
    /// Which of its runs.
    #[serde(flatten)]
    pub which: Which,
    /// When the call had returned.
    #[serde(serialize_with = "seconds")]
    pub time: Nanos,
    /// Who.
    pub actor: &'a str,
    /// Own address, if on a connected socket.
    pub local: Option<SocketAddr>,
    /// The peer's.
    pub peer: Option<SocketAddr>,
    /// The call.
    pub call: &'a str,
    /// Its result in words.
    pub result: &'a str,
    /// The errno's name.
    pub errno: Option<&'a str>,
    /// What it means for the order of bytes.
    pub op: Option<Op>,
    /// Failed in a way that the scenario did not ask for.
    pub failed: bool,
    /// The scenario's line that asked for it, from 1.
    pub line: Option<usize>,
}

/// One TCP segment.
#[derive(Debug, Serialize)]
pub struct SegmentRecord<'a> {
    /// The scenario that ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<&'a str>,
    /// Which of its runs.
    #[serde(flatten)]
    pub which: Which,
    /// From 1, as in the capture file.
    pub frame: u64,
    /// As Wireshark's `tcp.stream`.
    pub stream: u32,
    /// Timestamp.
    #[serde(serialize_with = "seconds")]
    pub time: Nanos,
    /// Who sent it.
    pub from: Side,
    /// Source address and port.
    pub src: SocketAddr,
    /// Destination address and port.
    pub dst: SocketAddr,
    /// `SYN,ACK`, in the order FIN SYN RST PSH ACK URG ECE CWR.
    #[serde(serialize_with = "flags")]
    pub flags: Flags,
    /// Relative, as Wireshark shows it.
    pub seq: u32,
    /// Relative, as Wireshark shows it.
    pub ack: u32,
    /// Payload bytes.
    pub len: u32,
    /// The header's field, as Wireshark's `tcp.window_size_value`: not scaled.
    pub window: u16,
    /// Wireshark's names without the prefix.
    #[serde(serialize_with = "analysis")]
    pub analysis: Analysis,
}

impl<'a> SegmentRecord<'a> {
    /// The record of a conversation's segment.
    pub fn new(scenario: Option<&'a str>, which: Which, talk: &Conversation, seg: &Seg) -> Self {
        let (src, dst) = match seg.from {
            Side::Client => (talk.client, talk.server),
            Side::Server => (talk.server, talk.client),
        };
        SegmentRecord {
            scenario,
            which,
            frame: seg.frame,
            stream: talk.stream,
            time: seg.time,
            from: seg.from,
            src,
            dst,
            flags: seg.flags,
            seq: seg.seq,
            ack: seg.ack,
            len: seg.len,
            window: seg.window,
            analysis: seg.analysis,
        }
    }
}

/// One TCP connection.
#[derive(Debug, Serialize)]
pub struct ConnectionRecord<'a> {
    /// The scenario that ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<&'a str>,
    /// Which of its runs.
    #[serde(flatten)]
    pub which: Which,
    /// As Wireshark's `tcp.stream`.
    pub stream: u32,
    /// The client's name, its address if it has none.
    pub name: &'a str,
    /// The active opener's address.
    pub client: SocketAddr,
    /// The other end's.
    pub server: SocketAddr,
    /// `complete`, `refused`, `unanswered`, `partial`, `unseen`.
    pub handshake: Handshake,
    /// How it ended.
    pub close: CloseRecord,
    /// Payload bytes of each direction, each byte counted once.
    pub bytes: BytesRecord,
    /// Wireshark's `tcp.completeness`.
    pub completeness: u8,
    /// Zeek's `conn_state`.
    pub state: &'static str,
    /// Zeek's `history`.
    pub history: String,
    /// The canonical flow in its text form, of a connection that was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
}

/// How a connection ended.
#[derive(Debug, Serialize)]
pub struct CloseRecord {
    /// `fin`, `reset`, `open`, `half`.
    pub how: How,
    /// `client`, `server`, `both`.
    pub by: Option<By>,
}

/// Bytes by direction.
#[derive(Debug, Serialize)]
pub struct BytesRecord {
    /// Sent by the client.
    pub client: u64,
    /// Sent by the server.
    pub server: u64,
}

impl<'a> ConnectionRecord<'a> {
    /// The record of a connection's account, as `show` gives it.
    pub fn new(name: &'a str, summary: &Summary) -> Self {
        let [client, server] = &summary.sent;
        ConnectionRecord {
            scenario: None,
            which: Which::default(),
            stream: summary.stream,
            name,
            client: summary.client,
            server: summary.server,
            handshake: summary.handshake,
            close: CloseRecord {
                how: summary.close.how,
                by: summary.close.by,
            },
            bytes: BytesRecord {
                client: client.bytes,
                server: server.bytes,
            },
            completeness: summary.completeness.bits(),
            state: summary.state,
            history: summary.history.clone(),
            flow: None,
        }
    }

    /// The record of a connection that was judged; `None` if it has no segments.
    pub fn judged(scenario: Option<&'a str>, which: Which, named: &'a Named) -> Option<Self> {
        let talk = &named.conversation;
        let summary = facts::summary(talk)?;
        Some(ConnectionRecord {
            scenario,
            which,
            stream: talk.stream,
            flow: Some(named.flow.to_string()),
            ..Self::new(&named.name, &summary)
        })
    }
}

/// How a run ended.
#[derive(Debug, Serialize)]
pub struct VerdictRecord<'a> {
    /// The scenario that ran.
    pub scenario: &'a str,
    /// Which of its runs.
    #[serde(flatten)]
    pub which: Which,
    /// Its file.
    pub path: String,
    /// `passed`, `failed`, `inconclusive`, `error`.
    pub verdict: &'static str,
    /// The accepted variant that this run showed.
    pub variant: Option<&'a str>,
    /// What did not hold.
    pub findings: Vec<FindingRecord<'a>>,
    /// Findings that had to come (`fails`), and came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreseen: Vec<FindingRecord<'a>>,
    /// Why it is inconclusive.
    pub reasons: &'a [String],
    /// Why it could not run.
    pub error: Option<&'a str>,
    /// How many connections.
    pub connections: usize,
    /// The flow of every UDP exchange in its text form.
    pub datagrams: Vec<String>,
    /// How many frames.
    pub frames: usize,
    /// Frames that the kernel dropped.
    pub drops: u32,
    /// Wall time of the run in seconds.
    pub elapsed: f64,
    /// The exported capture.
    pub file: Option<String>,
    /// A snapshot was written.
    pub accepted: bool,
}

/// One thing that did not hold.
#[derive(Debug, Serialize)]
pub struct FindingRecord<'a> {
    /// Stable word for machines.
    pub code: &'static str,
    /// One sentence for people.
    pub message: &'a str,
    /// The scenario's line that asked for it, from 1.
    pub line: Option<usize>,
    /// Column, in characters, from 1.
    pub column: Option<usize>,
    /// What was asked for.
    pub expected: Option<&'a str>,
    /// What was there instead.
    pub actual: Option<&'a str>,
    /// A unified diff of the two.
    pub diff: Option<&'a str>,
    /// Frames concerned, by number.
    pub frames: &'a [u64],
    /// The connection concerned, by name.
    pub connection: Option<&'a str>,
    /// Why.
    pub cause: Option<CauseRecord<'a>>,
    /// Further lines.
    pub notes: &'a [String],
}

/// Why something happened.
#[derive(Debug, Serialize)]
pub struct CauseRecord<'a> {
    /// One sentence.
    pub text: &'a str,
    /// Does the recording prove it?
    pub proven: bool,
}

impl<'a> FindingRecord<'a> {
    pub(super) fn new(finding: &'a Finding, source: &Source) -> Self {
        let place = finding.span.as_ref();
        let place = place.map(|span| excerpt::position(&source.text, span.start));
        FindingRecord {
            code: finding.code,
            message: &finding.message,
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            expected: finding.expected.as_deref(),
            actual: finding.actual.as_deref(),
            diff: finding.diff.as_deref(),
            frames: &finding.frames,
            connection: finding.connection.as_deref(),
            cause: finding.cause.as_ref().map(|cause| CauseRecord {
                text: &cause.text,
                proven: cause.proven,
            }),
            notes: &finding.notes,
        }
    }
}

/// How many runs ended how.
#[derive(Debug, Serialize)]
pub struct SummaryRecord {
    /// All runs.
    pub scenarios: usize,
    /// Everything held.
    pub passed: usize,
    /// Something did not.
    pub failed: usize,
    /// The capture proves nothing.
    pub inconclusive: usize,
    /// Could not run.
    pub errors: usize,
    /// Wall time in seconds.
    pub elapsed: f64,
}

fn seconds<S: Serializer>(time: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
    // As text, since a binary float would lose the last digits.
    let sign = if *time < 0 { "-" } else { "" };
    let ns = time.unsigned_abs();
    let text = format!("{sign}{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    let raw = RawValue::from_string(text).map_err(serde::ser::Error::custom)?;
    raw.serialize(serializer)
}

fn flags<S: Serializer>(flags: &Flags, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(flags)
}

fn analysis<S: Serializer>(analysis: &Analysis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(analysis.names())
}

pub(super) fn event_record<'a>(
    scenario: Option<&'a str>,
    which: Which,
    event: &'a Event,
    source: &Source,
) -> EventRecord<'a> {
    let step = event.step.as_ref();
    EventRecord {
        scenario,
        which,
        time: event.at,
        actor: &event.actor,
        local: event.ends.map(|ends| ends.local),
        peer: event.ends.map(|ends| ends.peer),
        call: &event.call,
        result: &event.result,
        errno: event.errno.as_deref(),
        op: event.op,
        failed: event.failed,
        line: step.map(|step| excerpt::position(&source.text, step.start).0),
    }
}
