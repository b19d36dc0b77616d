//! `handshake`, `close` and `closed-by`.

use super::evidence::{Outcome, Subject};
use crate::flow::{Close, Handshake, Reset};
use crate::scenario::{CloseKind, ClosedBy, OfConnections};
use crate::tcp::Side;
use crate::wire::Flags;

pub fn judge(subject: &Subject<'_>, of: &OfConnections, outcome: &mut Outcome) {
    let name = subject.name();
    if let Some(asked) = &of.handshake {
        let actual = subject.flow.handshake;
        if actual != asked.value {
            let mut finding = subject.finding(
                "handshake",
                format!("{name}: the handshake is {actual}, not {}", asked.value),
            );
            finding.span = Some(asked.span.clone());
            finding.expected = Some(asked.value.to_string());
            finding.actual = Some(actual.to_string());
            finding.frames = opening(subject);
            outcome.findings.push(finding);
        }
    }
    if let Some(asked) = &of.close {
        let actual = kind(subject);
        if actual != asked.value {
            let how = ending(actual);
            let mut finding = subject.finding(
                "close",
                format!("{name}: {how}, not `{}`", asked.value.word()),
            );
            finding.span = Some(asked.span.clone());
            finding.expected = Some(asked.value.word().to_owned());
            finding.actual = Some(described(subject, actual.word()));
            finding.frames = frames(subject);
            outcome.findings.push(finding);
        }
    }
    if let Some(asked) = &of.closed_by {
        let actual = by(subject);
        if actual != asked.value {
            let message = match (actual, asked.value) {
                (ClosedBy::Nobody, wanted) => {
                    format!("{name}: nobody closed it, not {}", who(wanted))
                }
                (actual, ClosedBy::Nobody) => format!("{name}: closed by {}", who(actual)),
                (actual, wanted) => {
                    format!("{name}: closed by {}, not by {}", who(actual), who(wanted))
                }
            };
            let mut finding = subject.finding("closed-by", message);
            finding.span = Some(asked.span.clone());
            finding.expected = Some(asked.value.word().to_owned());
            finding.actual = Some(described(subject, actual.word()));
            finding.frames = frames(subject);
            outcome.findings.push(finding);
        }
    }
}

fn who(by: ClosedBy) -> &'static str {
    match by {
        ClosedBy::Client => "the client",
        ClosedBy::Server => "the server",
        ClosedBy::Both => "both at once",
        ClosedBy::Nobody => "nobody",
    }
}

fn ending(kind: CloseKind) -> &'static str {
    match kind {
        CloseKind::Fin => "it ended with a FIN of each side, one after the other",
        CloseKind::Crossed => "it ended with two FINs that crossed",
        CloseKind::Reset => "it ended with RST",
        CloseKind::Half => "one side never sent its FIN",
        CloseKind::Open => "it was left open",
        CloseKind::None => "there was nothing to close",
    }
}

/// The word, then the lines of the flow that say so.
fn described(subject: &Subject<'_>, word: &str) -> String {
    let lines = subject.flow.close.lines();
    if lines.is_empty() {
        return format!("{word} (handshake {})", subject.flow.handshake);
    }
    format!("{word} ({})", lines.join("; "))
}

/// How it ended, in the words of `close`.
pub fn kind(subject: &Subject<'_>) -> CloseKind {
    match subject.flow.close {
        Close::Fin(_) => CloseKind::Fin,
        Close::Crossed => CloseKind::Crossed,
        Close::Half(_) => CloseKind::Half,
        Close::Open => CloseKind::Open,
        Close::Reset(_) => CloseKind::Reset,
        Close::None | Close::Unreachable => CloseKind::None,
    }
}

/// Who closed first: whose FIN the other's acknowledges; of a reset connection, whose FIN came
/// before the RST, else who sent it.
pub fn by(subject: &Subject<'_>) -> ClosedBy {
    match &subject.flow.close {
        Close::Fin(Side::Client) | Close::Half(Side::Client) => ClosedBy::Client,
        Close::Fin(Side::Server) | Close::Half(Side::Server) => ClosedBy::Server,
        Close::Crossed => ClosedBy::Both,
        Close::Open | Close::None | Close::Unreachable => ClosedBy::Nobody,
        Close::Reset(resets) => reset_by(subject, resets),
    }
}

fn reset_by(subject: &Subject<'_>, resets: &[Reset]) -> ClosedBy {
    let client_fin = resets.iter().any(|reset| reset.after_client_fin);
    let server_fin = resets.iter().any(|reset| reset.after_server_fin);
    let fins = [Side::Client, Side::Server].map(|side| subject.atoms.side(side).fin);
    match (client_fin, server_fin, fins) {
        (true, false, _) => ClosedBy::Client,
        (false, true, _) => ClosedBy::Server,
        (true, true, [Some(c), Some(s)]) if s.ack > c.at => ClosedBy::Client,
        (true, true, [Some(c), Some(s)]) if c.ack > s.at => ClosedBy::Server,
        (true, true, _) => ClosedBy::Both,
        (false, false, _) => match resets {
            [only] if only.by == Side::Client => ClosedBy::Client,
            [_] => ClosedBy::Server,
            _ => ClosedBy::Both,
        },
    }
}

/// The frames of SYN, SYN-ACK and what answered them.
fn opening(subject: &Subject<'_>) -> Vec<u64> {
    let segments = subject.conversation.segments.iter();
    let syn = segments.filter(|segment| {
        segment.flags.contains(Flags::SYN)
            || (subject.flow.handshake == Handshake::Refused && segment.flags.contains(Flags::RST))
    });
    syn.map(|segment| segment.frame).collect()
}

/// The frames of FINs and RSTs.
pub fn frames(subject: &Subject<'_>) -> Vec<u64> {
    let mut frames: Vec<u64> = [Side::Client, Side::Server]
        .into_iter()
        .flat_map(|side| {
            let direction = subject.atoms.side(side);
            [direction.fin, direction.rst]
        })
        .flatten()
        .map(|end| end.frame)
        .collect();
    frames.sort_unstable();
    frames
}
