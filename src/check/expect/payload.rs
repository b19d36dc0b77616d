//! `payload`: all that one side sent.

use super::content;
use super::evidence::{Evidence, Outcome, Subject};
use crate::scenario::Payload;

pub fn judge(
    evidence: &Evidence<'_>,
    subject: &Subject<'_>,
    asked: &Payload,
    outcome: &mut Outcome,
) {
    let (name, side) = (subject.name(), asked.side);
    let direction = subject.atoms.side(side);
    let length = direction.len();
    let mut bytes = vec![];
    for (start, piece) in subject.atoms.pieces(side, 0..length) {
        if start != bytes.len() as u64 {
            break;
        }
        bytes.extend_from_slice(piece);
    }
    if (bytes.len() as u64) < length {
        outcome.doubts.push(format!(
            "{name}: only {} of the {length} bytes from the {side} are in the capture, `payload` needs all",
            bytes.len()
        ));
        return;
    }
    let folder = evidence.scenario.source.path.parent();
    let folder = folder.unwrap_or(std::path::Path::new(""));
    match content::compare(&asked.wanted, &bytes, folder) {
        Ok(None) => {}
        Ok(Some(found)) => {
            let mut finding = subject.finding(
                "payload",
                format!("{name}: not what the {side} must send: {}", found.message),
            );
            finding.span = Some(asked.span.clone());
            finding.expected = Some(found.expected);
            finding.actual = Some(found.actual);
            // Where it ends too early, its last byte.
            let at = found.at.map(|at| at.min(length.saturating_sub(1)));
            finding.frames = match at {
                Some(at) => direction.frame_of(at).into_iter().collect(),
                None => direction.spans.values().map(|span| span.frame).collect(),
            };
            finding.frames.dedup();
            outcome.findings.push(finding);
        }
        Err(why) => outcome.doubts.push(format!("{name}: {why}")),
    }
}
