//! An answer, or the rest of a request, that waited for a delayed ACK: Nagle's algorithm
//! (RFC 9293, section 3.7.4) holds a small segment back while another is not acknowledged, and the
//! other end delays its acknowledgement (section 3.8.6.3) since it waits for the rest.

use super::{consistent, proven};
use crate::check::Cause;
use crate::check::expect::{Evidence, Subject};
use crate::scenario::SocketOption;
use crate::tcp::{Seg, Side};
use crate::timeline::{Nanos, Op};
use crate::wire::Flags;

/// Linux delays an acknowledgement by 40 ms or more; timers may be a tick early.
const DELAYED: Nanos = 30_000_000;

/// What is held back leaves at once when the acknowledgement is there.
const AT_ONCE: Nanos = 10_000_000;

/// The stall within these frames, if there is one.
pub(super) fn of(evidence: &Evidence<'_>, subject: &Subject<'_>, frames: &[u64]) -> Option<Cause> {
    let times: Vec<Nanos> = frames
        .iter()
        .filter_map(|&frame| subject.time(frame))
        .collect();
    let (from, to) = (*times.iter().min()?, *times.iter().max()?);
    let stalls = [Side::Client, Side::Server]
        .into_iter()
        .flat_map(|side| stalls(subject, side));
    // A stall explains what took as long as it.
    let within = |stall: &Stall<'_>| stall.held.time >= from && stall.ack.time <= to;
    let stall = stalls
        .filter(within)
        .max_by_key(|stall| stall.ack.time - stall.first.time)?;
    if no_delay(evidence, subject, stall.side) {
        return None;
    }
    let waited = (stall.ack.time - stall.first.time) as f64 / 1e6;
    let text = format!(
        "answer waited {waited:.0} ms: delayed ACK #{} met Nagle, which held #{} back; TCP_NODELAY is off",
        stall.ack.frame, stall.held.frame
    );
    match handed_over(evidence, subject, &stall) {
        Some((_, returned)) if returned < stall.ack.time => proven(text),
        // The program was late itself: it did something else after the acknowledgement had come.
        Some((before, _)) if before >= stall.ack.time => None,
        _ => consistent(text),
    }
}

struct Stall<'a> {
    side: Side,
    first: &'a Seg,
    ack: &'a Seg,
    held: &'a Seg,
}

/// Small segments that left right after the late acknowledgement of the one before them.
fn stalls<'a>(subject: &Subject<'a>, side: Side) -> Vec<Stall<'a>> {
    let segments = &subject.conversation.segments;
    let mss = segments
        .iter()
        .filter(|s| s.flags.contains(Flags::SYN))
        .filter_map(|s| s.options.mss);
    let mss = u32::from(mss.min().unwrap_or(536));
    let spans: Vec<_> = subject.atoms.side(side).spans.values().collect();
    let mut stalls = vec![];
    for pair in spans.windows(2) {
        let [first, held] = [pair[0], pair[1]].map(|span| subject.segment(span.frame));
        let (Some(first), Some(held)) = (first, held) else {
            continue;
        };
        if first.frame == held.frame || held.len >= mss {
            continue;
        }
        let end = first.raw_seq.wrapping_add(first.len);
        let ack = segments.iter().find(|s| {
            s.from != side
                && s.flags.contains(Flags::ACK)
                && s.raw_ack.wrapping_sub(end) as i32 >= 0
        });
        let Some(ack) = ack else { continue };
        let late = ack.time - first.time >= DELAYED;
        let next = held.time >= ack.time && held.time - ack.time <= AT_ONCE;
        if late && next && ack.len == 0 {
            stalls.push(Stall {
                side,
                first,
                ack,
                held,
            });
        }
    }
    stalls
}

/// When the program gave the kernel the first byte of what was held back: after its call before,
/// and when send() had returned. `None` if it does not tell.
fn handed_over(
    evidence: &Evidence<'_>,
    subject: &Subject<'_>,
    stall: &Stall<'_>,
) -> Option<(Nanos, Nanos)> {
    let own = subject.atoms.side(stall.side);
    let held = own
        .spans
        .iter()
        .find(|(_, span)| span.frame == stall.held.frame);
    let offset = held?.0;
    let events = &evidence.recording.events;
    let mut all = events.iter().enumerate();
    let (index, send) = all.find(|(_, event)| {
        let Some(Op::Sent { start, end, .. }) = event.op else {
            return false;
        };
        subject.side_of(event) == Some(stall.side) && (start..end).contains(offset)
    })?;
    let before = events[..index]
        .iter()
        .rev()
        .find(|event| event.actor == send.actor);
    Some((before.map_or(Nanos::MIN, |event| event.at), send.at))
}

/// Did this side switch Nagle's algorithm off?
fn no_delay(evidence: &Evidence<'_>, subject: &Subject<'_>, side: Side) -> bool {
    let server = subject.owned.server.as_deref();
    let actor = match side {
        Side::Client => subject.name().split('#').next().unwrap_or_default(),
        Side::Server => server.unwrap_or_default(),
    };
    let inherited = side == Side::Server
        && evidence.scenario.servers.iter().any(|server| {
            *server.name == *actor && server.options.contains(&SocketOption::NoDelay(true))
        });
    let set = evidence.recording.events.iter().any(|event| {
        *event.actor == *actor && event.call == "setsockopt" && event.result == "TCP_NODELAY on"
    });
    inherited || set
}
