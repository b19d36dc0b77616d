//! `[[expect.time]]`: how long something takes, on the clock of the kernel that stamped the frames.

use std::time::Duration;

use super::evidence::{Evidence, Outcome, Subject};
use crate::check::Finding;
use crate::scenario::{Measure, Time};
use crate::tcp::{Seg, Side};
use crate::timeline::Nanos;
use crate::wire::Flags;

/// A time that was measured, and between which frames.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// How long, ns.
    pub took: Nanos,
    /// From this frame to this one.
    pub frames: [u64; 2],
}

pub fn judge(evidence: &Evidence<'_>, asked: &Time, outcome: &mut Outcome) {
    let subjects = evidence.named(asked.connection.as_ref());
    if subjects.is_empty() {
        outcome.findings.push(match &asked.connection {
            Some(name) => evidence.no_such(name),
            None => Finding {
                code: "no-such-connection",
                message: format!(
                    "there is no connection whose {} could be measured",
                    asked.measure.word()
                ),
                span: Some(asked.span.clone()),
                ..Finding::default()
            },
        });
    }
    for subject in subjects {
        one(subject, asked, outcome);
    }
}

fn one(subject: &Subject<'_>, asked: &Time, outcome: &mut Outcome) {
    let what = asked.measure.word();
    let expected = range(asked);
    let Some(measured) = measure(subject, asked.measure, asked.from) else {
        let mut finding = subject.finding(
            "time",
            format!("{}: there is no {what} to measure", subject.name()),
        );
        finding.span = Some(asked.span.clone());
        finding.expected = Some(expected);
        finding.actual = Some(format!("no {what}"));
        outcome.findings.push(finding);
        return;
    };
    let nanos = |duration: Duration| Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX);
    let forgiven = nanos(asked.tolerance);
    let early = asked
        .min
        .is_some_and(|min| measured.took < nanos(min).saturating_sub(forgiven));
    let late = asked
        .max
        .is_some_and(|max| measured.took > nanos(max).saturating_add(forgiven));
    if !early && !late {
        return;
    }
    let (took, word) = (shown(measured.took), if late { "more" } else { "less" });
    let mut finding = subject.finding(
        "time",
        format!(
            "{}: the {} took {took}, {word} than expected",
            subject.name(),
            noun(asked)
        ),
    );
    finding.span = Some(asked.span.clone());
    finding.expected = Some(expected);
    finding.actual = Some(format!(
        "{took}, from #{} to #{}",
        measured.frames[0], measured.frames[1]
    ));
    finding.frames = measured.frames.to_vec();
    outcome.findings.push(finding);
}

fn noun(asked: &Time) -> &'static str {
    match asked.measure {
        Measure::Handshake => "handshake",
        Measure::Answer => "longest answer",
        Measure::Gap => "longest gap",
    }
}

fn range(asked: &Time) -> String {
    let mut text = match (asked.min, asked.max) {
        (Some(min), Some(max)) => format!("{min:?} to {max:?}"),
        (Some(min), None) => format!("at least {min:?}"),
        (None, Some(max)) => format!("at most {max:?}"),
        (None, None) => "any time".to_owned(),
    };
    if asked.tolerance > Duration::ZERO {
        text.push_str(&format!(", {:?} more or less", asked.tolerance));
    }
    text
}

/// `41.3 ms`.
pub fn shown(nanos: Nanos) -> String {
    let ms = nanos as f64 / 1e6;
    if ms >= 1000.0 {
        format!("{:.2} s", ms / 1000.0)
    } else if ms >= 1.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.3} ms")
    }
}

/// Measures; `None` where there is nothing to measure.
pub fn measure(subject: &Subject<'_>, what: Measure, from: Option<Side>) -> Option<Measured> {
    match what {
        Measure::Handshake => handshake(subject),
        Measure::Answer => answers(subject).into_iter().max_by_key(|m| m.took),
        Measure::Gap => gaps(subject, from).max_by_key(|m| m.took),
    }
}

fn between(first: &Seg, then: &Seg) -> Measured {
    Measured {
        took: (then.time - first.time).max(0),
        frames: [first.frame, then.frame],
    }
}

fn handshake(subject: &Subject<'_>) -> Option<Measured> {
    let segments = &subject.conversation.segments;
    let syn = segments
        .iter()
        .find(|s| s.from == Side::Client && s.flags.contains(Flags::SYN))?;
    let answer = segments
        .iter()
        .find(|s| s.from == Side::Server && s.flags.contains(Flags::SYN))?;
    let done = segments.iter().find(|s| {
        s.from == Side::Client
            && s.flags.contains(Flags::ACK)
            && !s.flags.intersects(Flags::RST | Flags::SYN)
            && s.raw_ack.wrapping_sub(answer.raw_seq.wrapping_add(1)) as i32 >= 0
    })?;
    Some(between(syn, done))
}

/// From the last byte before an answer to its first byte, for each answer: server's data that
/// acknowledges client's data which nothing had answered.
fn answers(subject: &Subject<'_>) -> Vec<Measured> {
    let mut all = vec![];
    let client = subject.atoms.side(Side::Client);
    let mut answered = 0;
    for span in subject.atoms.side(Side::Server).spans.values() {
        // The last byte of the request that this one acknowledges.
        let until = span.ack.min(client.len());
        if until <= answered {
            continue;
        }
        answered = until;
        let request = client
            .frame_of(until - 1)
            .and_then(|frame| subject.segment(frame));
        if let (Some(request), Some(answer)) = (request, subject.segment(span.frame)) {
            all.push(between(request, answer));
        }
    }
    all
}

/// Between each segment and the one before it, in the order of their times.
fn gaps(subject: &Subject<'_>, from: Option<Side>) -> impl Iterator<Item = Measured> {
    let segments = subject.conversation.segments.iter();
    let mut own: Vec<&Seg> = segments
        .filter(|s| from.is_none_or(|from| s.from == from))
        .collect();
    own.sort_by_key(|segment| segment.time);
    let pairs: Vec<Measured> = own
        .windows(2)
        .map(|pair| between(pair[0], pair[1]))
        .collect();
    pairs.into_iter()
}
