//! `[[expect.packets]]`: how many packets a display filter finds.

use super::evidence::{Evidence, Outcome};
use crate::check::Finding;
use crate::filter::Viewer;
use crate::scenario::Packets;

pub fn judge(evidence: &Evidence<'_>, asked: &Packets, outcome: &mut Outcome) {
    let mut viewer = Viewer::default();
    let (mut found, mut unknown) = (vec![], vec![]);
    for frame in evidence.recording.frames.iter(evidence.recording.link) {
        // Every frame is viewed: streams and times are counted.
        let view = viewer.view(&frame);
        if evidence.foreign.contains(&frame.number) {
            continue;
        }
        match asked.filter.matches(&view) {
            Ok(true) => found.push(frame.number),
            Ok(false) => {}
            Err(why) => unknown.push(why),
        }
    }
    let actual = found.len() as u64;
    let most = actual + unknown.len() as u64;
    let holds: Vec<bool> = [actual, most].map(|n| asked.count.holds(n)).to_vec();
    if let (Some(why), true) = (unknown.first(), within(asked, actual, most)) {
        if holds != [true, true] {
            outcome
                .doubts
                .push(format!("`{}`: {why}", asked.filter.text()));
        }
        return;
    }
    if holds[0] && unknown.is_empty() {
        return;
    }
    let s = if actual == 1 { "" } else { "s" };
    outcome.findings.push(Finding {
        code: "packets",
        message: format!(
            "`{}` finds {actual} packet{s}, not {}",
            asked.filter.text().trim(),
            asked.count
        ),
        span: Some(asked.span.clone()),
        expected: Some(asked.count.to_string()),
        actual: Some(actual.to_string()),
        frames: found,
        ..Finding::default()
    });
}

/// Can any number from `least` to `most` be right?
fn within(asked: &Packets, least: u64, most: u64) -> bool {
    let min = asked.count.min.unwrap_or(0);
    let max = asked.count.max.unwrap_or(u64::MAX);
    least <= max && most >= min
}
