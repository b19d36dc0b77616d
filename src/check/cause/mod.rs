//! Why something happened, as far as the recording proves it: one file a reason.
//!
//! A cause is *proven* where acknowledgement numbers, or what an actor reports of its own system
//! calls, leave no other; otherwise the recording is *consistent with* it.

mod close;
mod died;
mod handshake;
mod reset;
mod stall;

use super::expect::{Evidence, Subject};
use super::{Cause, Finding};
use crate::flow::{Close, Handshake};

/// Adds to each finding what caused it, as far as that is known.
pub fn explain(evidence: &Evidence<'_>, findings: &mut [Finding]) {
    for finding in findings {
        if finding.code == "program-failed" {
            died::of_program(evidence, finding);
        } else if finding.cause.is_none() {
            one(evidence, finding);
        }
    }
}

fn proven(text: String) -> Option<Cause> {
    Some(Cause { text, proven: true })
}

fn consistent(text: String) -> Option<Cause> {
    Some(Cause {
        text,
        proven: false,
    })
}

/// What a finding is about, as far as causes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    /// The beginning.
    Opening,
    /// The end, or bytes that did not come because of it.
    Ending,
    /// How long something took.
    Time,
    /// Something else.
    Other,
}

fn one(evidence: &Evidence<'_>, finding: &mut Finding) {
    let Some(subject) = subject(evidence, finding) else {
        return;
    };
    let topic = topic(finding, subject);
    let began = matches!(subject.flow.handshake, Handshake::Complete);
    finding.cause = match topic {
        Topic::Other => return,
        Topic::Time => stall::of(evidence, subject, &finding.frames)
            .or_else(|| handshake::of(evidence, subject)),
        _ if !began => handshake::of(evidence, subject),
        Topic::Opening => handshake::of(evidence, subject),
        Topic::Ending => ending(evidence, subject),
    };
    if finding.cause.is_some() && topic == Topic::Ending {
        died::last_words(evidence, subject, &mut finding.notes);
    }
}

fn ending(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Option<Cause> {
    died::of_connection(evidence, subject).or_else(|| match &subject.flow.close {
        Close::Reset(resets) => {
            let mut causes = resets
                .iter()
                .map(|reset| reset::of(evidence, subject, reset));
            causes.find_map(|cause| cause)
        }
        Close::Crossed => close::crossed(subject),
        Close::Half(by) => close::missing(evidence, subject, by.other()),
        Close::Open => close::open(evidence, subject),
        _ => None,
    })
}

/// The connection that a finding is about.
fn subject<'e, 'a>(evidence: &'e Evidence<'a>, finding: &Finding) -> Option<&'e Subject<'a>> {
    if let Some(name) = &finding.connection {
        return evidence
            .subjects
            .iter()
            .find(|subject| subject.name() == name);
    }
    if finding.code == "packets" {
        // The first packet that should not be there.
        let frame = *finding.frames.first()?;
        let has = |subject: &&Subject<'_>| subject.segment(frame).is_some();
        return evidence.subjects.iter().find(has);
    }
    if finding.code == "snapshot-differs" {
        // The first connection whose flow is not in what is stored.
        let stored = finding.expected.as_deref().unwrap_or_default();
        let differs = |subject: &&Subject<'_>| {
            !stored
                .split("\n\n")
                .any(|flow| flow.trim_end() == subject.flow.to_string().trim_end())
        };
        return evidence.subjects.iter().find(differs);
    }
    None
}

fn topic(finding: &Finding, subject: &Subject<'_>) -> Topic {
    // Of longer texts: does the end of the connection come into them?
    let about = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        ["fin", "reset", "close", "the end"]
            .iter()
            .any(|word| text.contains(word))
    };
    match finding.code {
        "handshake" | "syns" | "options" => Topic::Opening,
        "retransmissions" if syn_again(subject) => Topic::Opening,
        "time" => Topic::Time,
        "close" | "closed-by" | "resets" => Topic::Ending,
        // Bytes that are missing because the connection was cut off.
        "bytes" | "payload" if matches!(subject.flow.close, Close::Reset(_)) => Topic::Ending,
        "packets" => {
            let reset = |frame: &u64| {
                let segment = subject.segment(*frame);
                segment.is_some_and(|s| s.flags.contains(crate::wire::Flags::RST))
            };
            if finding.frames.iter().any(reset) {
                Topic::Ending
            } else {
                Topic::Other
            }
        }
        "flow" if about(&finding.actual) || about(&finding.expected) => Topic::Ending,
        "flow"
            if finding
                .actual
                .as_deref()
                .is_some_and(|a| a.starts_with("handshake")) =>
        {
            Topic::Opening
        }
        "snapshot-differs" => {
            let changed = finding.diff.as_deref().unwrap_or_default().lines();
            let changed = changed.filter(|line| line.starts_with(['+', '-'])).skip(2);
            let text = Some(changed.collect::<Vec<_>>().join("\n"));
            if about(&text) {
                Topic::Ending
            } else {
                Topic::Other
            }
        }
        "step-failed" => {
            // What was expected instead is no part of what happened.
            let text = finding.message.split(", but ").next().unwrap_or_default();
            let for_the_end =
                text.contains("timeout recv") && finding.message.contains("peer's end");
            if ["ECONNREFUSED", "timeout connect"]
                .iter()
                .any(|word| text.contains(word))
            {
                Topic::Opening
            } else if for_the_end
                || ["ECONNRESET", "EPIPE", "FIN", "RST", "closed"]
                    .iter()
                    .any(|word| text.contains(word))
            {
                Topic::Ending
            } else {
                Topic::Other
            }
        }
        _ => Topic::Other,
    }
}

/// The client's SYN was sent again.
fn syn_again(subject: &Subject<'_>) -> bool {
    let syns = subject.conversation.segments.iter().filter(|s| {
        s.flags.contains(crate::wire::Flags::SYN) && !s.flags.contains(crate::wire::Flags::ACK)
    });
    syns.count() > 1
}
