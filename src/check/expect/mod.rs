//! Expectations against what was recorded: one file a kind. Each that does not hold is a
//! [`Finding`] with the scenario's text that asked for it.

mod close;
mod content;
mod evidence;
mod flow;
mod number;
mod options;
mod order;
mod output;
mod packets;
mod payload;
mod program;
#[cfg(test)]
mod tests;
mod time;

pub use evidence::{Evidence, Outcome, Subject};
pub use program::{ending, exits, program_of};

use super::Finding;
use crate::scenario::OfConnections;

/// Findings of one expectation that are told one by one; the others are counted.
const TOLD: usize = 5;

/// Holds every expectation of the scenario against what was recorded.
pub fn judge(evidence: &Evidence<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let expect = &evidence.scenario.expect;
    if let Some(connections) = &expect.connections {
        number::connections(evidence, connections, &mut outcome);
    }
    for of in &expect.of {
        connections(evidence, of, &mut outcome);
    }
    for asked in &expect.order {
        order::judge(evidence, asked, &mut outcome);
    }
    for asked in &expect.time {
        time::judge(evidence, asked, &mut outcome);
    }
    for asked in &expect.packets {
        packets::judge(evidence, asked, &mut outcome);
    }
    for asked in &expect.output {
        output::judge(evidence, asked, &mut outcome);
    }
    outcome.findings = few(std::mem::take(&mut outcome.findings));
    outcome
}

fn connections(evidence: &Evidence<'_>, of: &OfConnections, outcome: &mut Outcome) {
    if let Some(text) = &of.flow {
        flow::judge(evidence, of, text, outcome);
    }
    let facts = of.closed_by.is_some()
        || of.close.is_some()
        || of.handshake.is_some()
        || !of.numbers.is_empty()
        || !of.payload.is_empty()
        || !of.options.is_empty();
    if !facts {
        return;
    }
    let subjects = evidence.named(of.name.as_ref());
    if subjects.is_empty() {
        // What is expected of nobody would always hold.
        evidence.nobody(of, outcome);
    }
    for subject in subjects {
        close::judge(subject, of, outcome);
        for number in &of.numbers {
            number::judge(subject, number, outcome);
        }
        for asked in &of.payload {
            payload::judge(evidence, subject, asked, outcome);
        }
        for asked in &of.options {
            options::judge(subject, asked, outcome);
        }
    }
}

/// Of many connections that fail alike the first few.
fn few(findings: Vec<Finding>) -> Vec<Finding> {
    let mut told: Vec<Finding> = vec![];
    let mut more: Vec<(usize, usize)> = vec![];
    for finding in findings {
        let alike = |other: &Finding| other.code == finding.code && other.span == finding.span;
        let before: Vec<usize> = (0..told.len()).filter(|&at| alike(&told[at])).collect();
        match before.last() {
            Some(&last) if before.len() >= TOLD && finding.connection.is_some() => {
                match more.iter_mut().find(|(at, _)| *at == last) {
                    Some((_, count)) => *count += 1,
                    None => more.push((last, 1)),
                }
            }
            _ => told.push(finding),
        }
    }
    for (at, count) in more {
        let connections = if count == 1 {
            "connection"
        } else {
            "connections"
        };
        told[at]
            .notes
            .push(format!("so it is with {count} {connections} more"));
    }
    told
}
