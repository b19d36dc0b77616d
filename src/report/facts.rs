//! Facts of a connection that machines ask for, counted from its segments.

use crate::check::Named;
use crate::flow::{Close, Handshake};
use crate::tcp::{Conversation, Seg, Side};
use crate::wire::Flags;

/// How it ended, in the words of the JSON: `fin`, `reset`, `open`, `half`; and who did it first.
pub(super) fn close(named: &Named) -> (&'static str, Option<&'static str>) {
    let name = |side| match side {
        Side::Client => "client",
        Side::Server => "server",
    };
    match &named.flow.close {
        Close::Fin(side) => ("fin", Some(name(*side))),
        Close::Crossed => ("fin", Some("both")),
        Close::Half(side) => ("half", Some(name(*side))),
        Close::Reset(resets) => match resets.as_slice() {
            [one] => ("reset", Some(name(one.by))),
            _ => ("reset", Some("both")),
        },
        // The RST that refuses a connection is the listener's side of it.
        Close::None if named.flow.handshake == Handshake::Refused => ("reset", Some("server")),
        Close::Open | Close::None | Close::Unreachable => ("open", None),
    }
}

/// Payload bytes of a direction that were on the wire, each counted once.
///
/// Counted from what was captured, not from sequence numbers alone, so that a RST with a wild
/// sequence number does not make bytes up.
pub(super) fn bytes(talk: &Conversation, side: Side) -> u64 {
    let data = talk.segments.iter().filter(|s| s.from == side && s.len > 0);
    let mut ranges: Vec<(u32, u32)> = data
        .map(|s| {
            let start = s.seq.wrapping_add(u32::from(s.flags.contains(Flags::SYN)));
            (start, s.len)
        })
        .collect();
    // Around the first segment's number, so that streams beyond 4 GiB and wraps keep their order.
    let Some(&(origin, _)) = ranges.first() else {
        return 0;
    };
    let mut position = 0i64;
    let mut spans: Vec<(i64, i64)> = vec![];
    let mut last = origin;
    for (start, len) in ranges.drain(..) {
        position += i64::from(start.wrapping_sub(last) as i32);
        last = start;
        spans.push((position, position + i64::from(len)));
    }
    spans.sort_unstable();
    let (mut total, mut reached) = (0, i64::MIN);
    for (start, end) in spans {
        total += (end - start.max(reached)).max(0) as u64;
        reached = reached.max(end);
    }
    total
}

/// Wireshark's `tcp.completeness`.
pub(super) fn completeness(talk: &Conversation) -> u8 {
    talk.segments.iter().fold(0, |sum, seg| sum | mark(seg))
}

fn mark(seg: &Seg) -> u8 {
    let has = |flag| seg.flags.contains(flag);
    let bit = |condition, value| if condition { value } else { 0u8 };
    let opening = match (has(Flags::SYN), has(Flags::ACK)) {
        (true, false) => 1,
        (true, true) => 2,
        (false, true) => bit(seg.len == 0 && !has(Flags::FIN) && !has(Flags::RST), 4),
        (false, false) => 0,
    };
    opening | bit(seg.len > 0, 8) | bit(has(Flags::FIN), 16) | bit(has(Flags::RST), 32)
}
