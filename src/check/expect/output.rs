//! `stdout` and `stderr` of external programs.

use super::content;
use super::evidence::{Evidence, Outcome};
use crate::check::Finding;
use crate::scenario::Output;

pub fn judge(evidence: &Evidence<'_>, asked: &Output, outcome: &mut Outcome) {
    let name = if asked.stderr { "stderr" } else { "stdout" };
    let printed = evidence
        .recording
        .output
        .iter()
        .find(|printed| *printed.actor == *asked.actor && printed.stderr == asked.stderr);
    // What printed nothing has no entry.
    let bytes = printed.map_or(&[][..], |printed| &printed.bytes);
    let folder = evidence.scenario.source.path.parent();
    let folder = folder.unwrap_or(std::path::Path::new(""));
    match content::compare(&asked.wanted, bytes, folder) {
        Ok(None) => {}
        Ok(Some(found)) => outcome.findings.push(Finding {
            code: "output",
            message: format!(
                "{}: not what it must print on {name}: {}",
                asked.actor, found.message
            ),
            span: Some(asked.span.clone()),
            expected: Some(found.expected),
            actual: Some(found.actual),
            ..Finding::default()
        }),
        Err(why) => outcome.doubts.push(format!("{}: {why}", asked.actor)),
    }
}
