//! What each segment of a conversation means, in words that a student can learn from.
//!
//! A call is named only where an event proves it; without events (a capture file) the sentence
//! says what is certain, or names the alternatives.

use super::order::{Causes, Story};
use crate::tcp::{Analysis, Conversation, Seg, Side};
use crate::timeline::{Event, Op};
use crate::wire::Flags;

/// A sentence, and the payload that may be shown within it.
pub(super) struct Meaning {
    /// What stands before the payload's preview, or the whole sentence.
    pub text: String,
    /// Show the payload after `text`?
    pub payload: bool,
    /// What follows the payload.
    pub tail: String,
}

/// What has been seen of a connection so far; index 0 is the client.
#[derive(Default)]
struct Seen {
    syn: [bool; 2],
    /// One past the highest relative sequence number that a FIN took.
    fin: [Option<u32>; 2],
    /// The FIN was acknowledged.
    fin_acked: [bool; 2],
    /// Highest relative acknowledgement number sent.
    acked: [u32; 2],
    established: bool,
    window_zero: [bool; 2],
}

/// One meaning for each segment.
pub(super) fn of(talk: &Conversation, story: &Story<'_>) -> Vec<Meaning> {
    let mut seen = Seen::default();
    let crossed = crossed(talk);
    let segments = talk.segments.iter().enumerate();
    segments
        .map(|(index, seg)| {
            let mut meaning = one(
                seg,
                &seen,
                story.causes.get(index).copied().unwrap_or_default(),
                crossed,
            );
            meaning.tail.push_str(&side_notes(seg, &seen));
            seen.note(seg);
            meaning
        })
        .collect()
}

/// Two FINs, neither acknowledging the other?
fn crossed(talk: &Conversation) -> bool {
    let fin = |side| {
        talk.segments
            .iter()
            .find(|s| s.from == side && s.flags.contains(Flags::FIN))
    };
    match (fin(Side::Client), fin(Side::Server)) {
        (Some(c), Some(s)) => c.ack < end(s) && s.ack < end(c),
        _ => false,
    }
}

/// Relative sequence number one past what the segment takes.
fn end(seg: &Seg) -> u32 {
    seg.seq
        .wrapping_add(seg.len)
        .wrapping_add(u32::from(seg.flags.contains(Flags::SYN)))
        .wrapping_add(u32::from(seg.flags.contains(Flags::FIN)))
}

impl Seen {
    fn note(&mut self, seg: &Seg) {
        let (me, peer) = (seg.from.index(), seg.from.other().index());
        if seg.flags.contains(Flags::SYN) {
            self.syn[me] = true;
        }
        if seg.flags.contains(Flags::FIN) {
            self.fin[me] = Some(end(seg));
        }
        if seg.flags.contains(Flags::ACK) {
            self.acked[me] = self.acked[me].max(seg.ack);
            if self.fin[peer].is_some_and(|fin| seg.ack >= fin) {
                self.fin_acked[peer] = true;
            }
            if seg.from == Side::Client && self.syn[1] && seg.ack > 0 {
                self.established = true;
            }
        }
        if !seg.flags.contains(Flags::RST) {
            self.window_zero[me] = seg.window == 0;
        }
    }
}

fn plain(text: impl Into<String>) -> Meaning {
    Meaning {
        text: text.into(),
        payload: false,
        tail: String::new(),
    }
}

fn one(seg: &Seg, seen: &Seen, cause: Causes<'_>, crossed: bool) -> Meaning {
    let (me, peer) = (seg.from.index(), seg.from.other().index());
    let has = |flag| seg.flags.contains(flag);
    let is = |flag| seg.analysis.contains(flag);
    if has(Flags::RST) {
        return plain(reset(seg, seen, cause.end));
    }
    if has(Flags::SYN) {
        let again = seen.syn[me];
        return plain(match (has(Flags::ACK), again) {
            (false, false) if is(Analysis::REUSED_PORTS) => {
                "SYN: connect(), the same ports as an earlier connection"
            }
            (false, false) => "SYN: connect()",
            (false, true) => "SYN again: no answer yet",
            (true, false) => "SYN-ACK: kernel agrees",
            (true, true) => "SYN-ACK again: its ACK is missing",
        });
    }
    if is(Analysis::KEEP_ALIVE) {
        return plain("keep-alive: is the peer still there?");
    }
    if is(Analysis::KEEP_ALIVE_ACK) {
        return plain("keep-alive answered");
    }
    if is(Analysis::ZERO_WINDOW_PROBE) {
        return plain("window probe: is there room by now?");
    }
    if is(Analysis::ZERO_WINDOW_PROBE_ACK) {
        return plain("probe answered: still no room");
    }
    let again = if is(Analysis::FAST_RETRANSMISSION) {
        Some("fast retransmission")
    } else if is(Analysis::SPURIOUS_RETRANSMISSION) {
        Some("needless retransmission, already acknowledged")
    } else if is(Analysis::RETRANSMISSION) {
        Some("retransmission")
    } else {
        None
    };
    if let Some(word) = again {
        let what = match (seg.len > 0, has(Flags::FIN)) {
            (true, _) => "",
            (false, true) => " of the FIN",
            (false, false) => " of an ACK",
        };
        return Meaning {
            text: format!("{word}{what}"),
            payload: seg.len > 0,
            tail: String::new(),
        };
    }
    let fin = has(Flags::FIN).then(|| fin(seg, seen, cause.end, crossed));
    if seg.len > 0 {
        return Meaning {
            text: "data".to_owned(),
            payload: true,
            tail: fin.map(|fin| format!(", then {fin}")).unwrap_or_default(),
        };
    }
    if let Some(fin) = fin {
        return plain(fin);
    }
    if is(Analysis::DUPLICATE_ACK) {
        return plain(format!("duplicate ACK: still waiting for {}", seg.ack));
    }
    if seg.from == Side::Client && !seen.established && seen.syn[1] {
        return plain("ACK: handshake done");
    }
    if is(Analysis::WINDOW_UPDATE) || (seen.window_zero[me] && seg.window > 0) {
        return plain("window update: there is room again");
    }
    plain(pure_ack(seg, seen, me, peer))
}

/// What a segment without data, SYN, FIN or RST acknowledges for the first time.
fn pure_ack(seg: &Seg, seen: &Seen, me: usize, peer: usize) -> String {
    let fin = seen.fin[peer].is_some_and(|fin| seg.ack >= fin) && !seen.fin_acked[peer];
    // The first acknowledgement also covers the SYN.
    let known = seen.acked[me].max(1);
    let bytes = seg.ack.saturating_sub(known) - u32::from(fin && seg.ack > known);
    match (bytes, fin) {
        (0, true) => "ACK of the FIN".to_owned(),
        (0, false) => "pure ACK, nothing new".to_owned(),
        (n, false) => format!("ACK of {}", bytes_of(n)),
        (n, true) => format!("ACK of {} and of the FIN", bytes_of(n)),
    }
}

fn bytes_of(n: u32) -> String {
    super::tally::count(n as usize, "byte")
}

fn fin(seg: &Seg, seen: &Seen, cause: Option<&Event>, crossed: bool) -> String {
    let call = match cause.and_then(|event| event.op) {
        Some(Op::Shutdown) => "shutdown()",
        Some(Op::Close { .. }) => "close()",
        Some(Op::Killed) => "the process was killed",
        _ if killed(cause) => "the process was killed",
        _ if ended(cause) => "the process ended",
        _ => "close() or shutdown()",
    };
    let peer = seg.from.other().index();
    let answers = seen.fin[peer].is_some_and(|fin| seg.ack >= fin);
    match (answers, crossed) {
        _ if seen.fin[seg.from.index()].is_some() => format!("FIN again: {call}"),
        (true, _) => format!("FIN: {call} here too"),
        (false, true) => format!("FIN: {call}; the two FINs cross"),
        (false, false) => format!("FIN: {call}"),
    }
}

fn reset(seg: &Seg, seen: &Seen, cause: Option<&Event>) -> String {
    let again = matches!(seg.from, Side::Server) && !seen.syn[1] && seen.syn[0];
    if again {
        return "RST: refused, no listener".to_owned();
    }
    match cause.and_then(|event| event.op) {
        Some(Op::Close { unread }) if unread > 0 => {
            format!("RST: close() left {} unread", bytes_of(clamp(unread)))
        }
        Some(Op::Close { .. }) => "RST: close()".to_owned(),
        Some(Op::Reset) => "RST: close() with SO_LINGER 0".to_owned(),
        Some(Op::Killed) => "RST: the process was killed".to_owned(),
        _ if killed(cause) => "RST: the process was killed".to_owned(),
        _ if ended(cause) => "RST: the process ended".to_owned(),
        _ if seg.flags.contains(Flags::ACK) => "RST: connection aborted".to_owned(),
        _ => "RST: answers a segment that no socket wants".to_owned(),
    }
}

fn ended(cause: Option<&Event>) -> bool {
    cause.is_some_and(|event| event.call == "exit")
}

/// By a signal?
fn killed(cause: Option<&Event>) -> bool {
    ended(cause) && cause.is_some_and(|event| event.result.starts_with("SIG"))
}

fn clamp(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What is remarkable beside the main meaning.
fn side_notes(seg: &Seg, seen: &Seen) -> String {
    let mut notes = String::new();
    let is = |flag| seg.analysis.contains(flag);
    let fresh = !seen.window_zero[seg.from.index()];
    if seg.window == 0 && !seg.flags.intersects(Flags::RST | Flags::SYN) && fresh {
        notes.push_str("; window 0: its receive buffer is full");
    }
    if is(Analysis::WINDOW_FULL) {
        notes.push_str("; fills the peer's window");
    }
    if is(Analysis::OUT_OF_ORDER) {
        notes.push_str("; out of order");
    }
    if is(Analysis::LOST_SEGMENT) {
        notes.push_str("; bytes before it were not captured");
    }
    if is(Analysis::ACK_LOST_SEGMENT) {
        notes.push_str("; acknowledges bytes that were not captured");
    }
    notes
}
