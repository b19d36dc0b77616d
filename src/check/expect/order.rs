//! `[[expect.order]]`: what comes before what.
//!
//! Within a connection acknowledgement and sequence numbers decide: a segment comes after one of the
//! other side only if it acknowledges it. Between connections and actors times decide. A segment's
//! is that of the kernel, taken when it was sent: what it caused was sent later. A call's is that of
//! its return, or that of the first segment which it caused, where that is earlier (close(2) may
//! return after its FIN has been answered). All are of one clock. So what had to wait is never
//! called too early, and what is called too early did not wait.

use super::evidence::{Evidence, Outcome, Subject, means};
use crate::check::Finding;
use crate::scenario::{EventMatch, Happening, Order};
use crate::tcp::{Seg, Side};
use crate::timeline::{Event, Nanos, Op};
use crate::wire::Flags;

/// Something that happened.
struct Happened<'e> {
    at: Nanos,
    frame: Option<u64>,
    connection: Option<&'e str>,
    segment: Option<&'e Seg>,
    /// Place among the events: decides between two of the same time.
    index: usize,
}

pub fn judge(evidence: &Evidence<'_>, asked: &Order, outcome: &mut Outcome) {
    let first = find(evidence, &asked.first.what);
    let then = find(evidence, &asked.then.what);
    let names = [&asked.first, &asked.then].map(|moment| describe(&moment.what));
    let mut missing = false;
    for (found, moment, name) in [
        (&first, &asked.first, &names[0]),
        (&then, &asked.then, &names[1]),
    ] {
        if found.is_none() {
            missing = true;
            outcome.findings.push(Finding {
                code: "order",
                message: format!("{name} never happened"),
                span: Some(moment.span.clone()),
                expected: Some(format!("{} before {}", names[0], names[1])),
                actual: Some(format!("no {name}")),
                connection: connection_of(&moment.what),
                ..Finding::default()
            });
        }
    }
    let (Some(first), Some(then), false) = (first, then, missing) else {
        return;
    };
    let Some(actual) = wrong(&first, &then) else {
        return;
    };
    let mut frames: Vec<u64> = [first.frame, then.frame].into_iter().flatten().collect();
    frames.sort_unstable();
    frames.dedup();
    outcome.findings.push(Finding {
        code: "order",
        message: format!("{} did not wait for {}", names[1], names[0]),
        span: Some(asked.then.span.clone()),
        expected: Some(format!("{} before {}", names[0], names[1])),
        actual: Some(actual),
        frames,
        connection: then.connection.or(first.connection).map(str::to_owned),
        ..Finding::default()
    });
}

/// How the order is not the one asked for.
fn wrong(first: &Happened<'_>, then: &Happened<'_>) -> Option<String> {
    if let (Some(a), Some(b)) = (first.segment, then.segment)
        && first.connection == then.connection
    {
        return within(a, b);
    }
    if (first.at, first.index) < (then.at, then.index) {
        return None;
    }
    let early = (first.at - then.at) as f64 / 1e6;
    Some(format!("it came {early:.3} ms before"))
}

/// Two segments of one connection.
fn within(first: &Seg, then: &Seg) -> Option<String> {
    let size = |s: &Seg| {
        s.len + u32::from(s.flags.contains(Flags::SYN)) + u32::from(s.flags.contains(Flags::FIN))
    };
    let end = |s: &Seg| s.raw_seq.wrapping_add(size(s));
    let after = |a: u32, b: u32| a.wrapping_sub(b) as i32;
    if first.from == then.from {
        let order = after(then.raw_seq, first.raw_seq);
        let later = order > 0 || (order == 0 && then.frame > first.frame);
        return (!later).then(|| {
            format!(
                "#{} lies before #{} in the {}'s stream",
                then.frame, first.frame, then.from
            )
        });
    }
    let acknowledges =
        |a: &Seg, b: &Seg| a.flags.contains(Flags::ACK) && after(a.raw_ack, end(b)) >= 0;
    if acknowledges(then, first) {
        None
    } else if acknowledges(first, then) {
        Some(format!(
            "#{} acknowledges #{}: it came later",
            first.frame, then.frame
        ))
    } else {
        Some(format!(
            "#{} does not acknowledge #{}: it did not wait for it",
            then.frame, first.frame
        ))
    }
}

fn find<'e>(evidence: &'e Evidence<'_>, what: &Happening) -> Option<Happened<'e>> {
    match what {
        Happening::Event(event) => find_event(evidence, event),
        Happening::Segment {
            connection,
            from,
            flags,
            data,
            times,
        } => {
            let mut all: Vec<(&Subject<'_>, &Seg)> = evidence
                .subjects
                .iter()
                .filter(|s| connection.as_ref().is_none_or(|name| means(name, s.name())))
                .flat_map(|s| {
                    s.conversation
                        .segments
                        .iter()
                        .map(move |segment| (s, segment))
                })
                .filter(|(_, segment)| from.is_none_or(|from| from == segment.from))
                .filter(|(_, segment)| !*data || segment.len > 0)
                .filter(|(_, segment)| has(segment, flags))
                .collect();
            all.sort_by_key(|(_, segment)| segment.frame);
            let (subject, segment) = all.get((*times as usize).saturating_sub(1))?;
            Some(Happened {
                at: segment.time,
                frame: Some(segment.frame),
                connection: Some(subject.name()),
                segment: Some(segment),
                index: 0,
            })
        }
    }
}

fn has(segment: &Seg, flags: &str) -> bool {
    let mut wanted = flags
        .split(',')
        .map(str::trim)
        .filter(|flag| !flag.is_empty());
    wanted.all(|flag| segment.flags.iter_names().any(|(name, _)| name == flag))
}

fn find_event<'e>(evidence: &'e Evidence<'_>, what: &EventMatch) -> Option<Happened<'e>> {
    let matches = |event: &Event| {
        *event.actor == *what.actor && event.call == what.call && !event.failed && {
            what.connection.as_ref().is_none_or(|name| {
                *event.actor == **name
                    || evidence
                        .subjects
                        .iter()
                        .any(|s| means(name, s.name()) && s.owns(event))
            })
        }
    };
    let events = evidence.recording.events.iter().enumerate();
    let mut found = events.filter(|(_, event)| matches(event));
    let (index, event) = found.nth((what.times as usize).saturating_sub(1))?;
    let subject = evidence.subjects.iter().find(|subject| subject.owns(event));
    let frame = subject.and_then(|subject| caused(subject, event));
    let sent = subject
        .zip(frame)
        .and_then(|(subject, frame)| subject.time(frame));
    Some(Happened {
        at: sent.map_or(event.at, |sent| sent.min(event.at)),
        frame,
        connection: subject.map(|subject| subject.name()),
        segment: None,
        index,
    })
}

/// The first frame that a call put on the wire.
pub fn caused(subject: &Subject<'_>, event: &Event) -> Option<u64> {
    let side = subject.side_of(event)?;
    let own = subject.atoms.side(side);
    match event.op {
        Some(Op::Sent { start, .. }) => own.frame_of(start),
        Some(Op::Shutdown) => own.fin.map(|fin| fin.frame),
        Some(Op::Close { .. } | Op::Reset | Op::Killed) => own.fin.or(own.rst).map(|end| end.frame),
        _ if event.call == "connect" && event.errno.is_none() => {
            let mut segments = subject.conversation.segments.iter();
            let done = segments.find(|s| {
                s.from == Side::Client
                    && s.flags.contains(Flags::ACK)
                    && !s.flags.contains(Flags::RST)
            });
            done.map(|segment| segment.frame)
        }
        _ => None,
    }
}

fn connection_of(what: &Happening) -> Option<String> {
    match what {
        Happening::Event(event) => event.connection.clone(),
        Happening::Segment { connection, .. } => connection.clone(),
    }
    .filter(|name| !name.ends_with('*'))
}

/// `` `close` of first``, `the server's first data on second`.
fn describe(what: &Happening) -> String {
    let nth = |n: u32| match n {
        0 | 1 => String::new(),
        n => format!(" number {n}"),
    };
    match what {
        Happening::Event(event) => {
            let on = match &event.connection {
                Some(name) if *name != event.actor => format!(" on {name}"),
                _ => String::new(),
            };
            format!("{}'s {}(){}{on}", event.actor, event.call, nth(event.times))
        }
        Happening::Segment {
            connection,
            from,
            flags,
            data,
            times,
        } => {
            let whose = from.map_or("the".to_owned(), |from| format!("the {from}'s"));
            let on = connection
                .as_ref()
                .map_or(String::new(), |name| format!(" on {name}"));
            let what = if *data { "data" } else { flags };
            format!("{whose} {what}{}{on}", nth(*times))
        }
    }
}
