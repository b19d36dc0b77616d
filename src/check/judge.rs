//! From a recording to a verdict.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::expect::{Evidence, Subject};
use super::naming::{Owned, Ownership, Roles};
use super::snapshot::{self, Comparison, SnapshotError};
use super::verdict::{Finding, Judged, Named, Verdict};
use super::{cause, complete, expect, fails, naming};
use crate::capture::{Completeness, Recording};
use crate::flow::atoms::Atoms;
use crate::flow::{
    self, Canonical, Exchange, Flow, Programs, canonical_redacted, canonical_udp_redacted,
};
use crate::scenario::Scenario;
use crate::tcp::Conversation;
use crate::timeline::Event;

/// What to do with snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Compare; leave a `.snap.new` where it differs.
    #[default]
    Compare,
    /// Compare and write nothing (`CI=true`).
    ReadOnly,
    /// Write what this run showed.
    Accept,
    /// Compare with what another run of the same call has written; write nothing.
    Accepted,
}

/// What the judge needs besides the scenario.
#[derive(Debug, Clone, Copy, Default)]
pub struct Judge {
    /// What to do with snapshots.
    pub policy: Policy,
    /// Nobody else can have used the interface.
    pub isolated: bool,
    /// How conversations get their names.
    pub roles: Roles,
}

/// The judge's opinion of one recording.
#[derive(Debug, Clone)]
pub struct Opinion {
    /// Every own connection, by name.
    pub connections: Vec<Named>,
    /// The flow of every UDP exchange, by name.
    pub datagrams: Vec<Flow>,
    /// The verdict.
    pub verdict: Verdict,
    /// Findings that the scenario's `fails` asked for, and that came.
    pub foreseen: Vec<Finding>,
    /// A snapshot was written.
    pub accepted: bool,
    /// Connections of others on the same interface.
    pub foreign: usize,
}

impl Opinion {
    /// The run that it is about, judged: all that a report needs. `file` is the exported capture.
    pub fn of(
        self,
        scenario: Arc<Scenario>,
        recording: Recording,
        file: Option<PathBuf>,
        elapsed: Duration,
    ) -> Judged {
        Judged {
            scenario,
            recording: Some(recording),
            connections: self.connections,
            datagrams: self.datagrams,
            verdict: self.verdict,
            foreseen: self.foreseen,
            file,
            elapsed,
            accepted: self.accepted,
        }
    }
}

impl Judge {
    /// Judges a recording whose frames have become these conversations.
    pub fn judge(
        &self,
        scenario: &Scenario,
        recording: &Recording,
        conversations: Vec<Conversation>,
        exchanges: &[Exchange],
    ) -> Result<Opinion, SnapshotError> {
        let ownership = match self.roles {
            Roles::Actors => {
                naming::own(scenario, &conversations, &recording.events, self.isolated)
            }
            Roles::Addresses { server } => naming::by_address(scenario, &conversations, server),
        };
        let mut findings = step_findings(scenario, &recording.events, &ownership, &conversations);
        let mut connections = vec![];
        for owned in &ownership.own {
            let conversation = &conversations[owned.index];
            let programs = Programs {
                client: owned.client_ops.as_deref(),
                server: owned.server_ops.as_deref(),
            };
            let redact = &scenario.expect.redact;
            let canonical = canonical_redacted(&owned.name, conversation, programs, redact);
            findings.extend(unconfirmed(owned, &canonical));
            connections.push(Named {
                name: owned.name.clone(),
                server: owned.server.clone(),
                conversation: conversation.clone(),
                flow: canonical.flow,
            });
        }
        let datagrams = self.datagrams(scenario, recording, exchanges);
        let foreign = ownership.foreign.len();
        let mut doubts = doubts(recording, &ownership, &conversations);
        if foreign > 0 && connections.is_empty() && self.roles == Roles::Actors {
            // That nobody connected cannot be said where others did.
            doubts.push(format!(
                "{foreign} connections on these ports are not the scenario's own"
            ));
        }
        let inconclusive = |connections, datagrams, doubts| Opinion {
            connections,
            datagrams,
            verdict: Verdict::Inconclusive(doubts),
            foreseen: vec![],
            accepted: false,
            foreign,
        };
        if !doubts.is_empty() {
            return Ok(inconclusive(connections, datagrams, doubts));
        }
        let evidence = evidence(
            scenario,
            recording,
            &ownership,
            &conversations,
            (&connections, &datagrams),
        );
        findings.extend(expect::exits(scenario, &recording.events));
        let outcome = expect::judge(&evidence);
        findings.extend(outcome.findings);
        if findings.is_empty() && !outcome.doubts.is_empty() {
            // What fails without doubt fails all the same; what is in doubt does not pass.
            return Ok(inconclusive(connections, datagrams, outcome.doubts));
        }
        let text = flows_text(&connections, &datagrams);
        let mut variant = None;
        let mut accepted = false;
        if scenario.expect.snapshot.unwrap_or(true) {
            match self.snapshot(scenario, &text, findings.is_empty())? {
                Compared::Holds(name) => variant = name,
                Compared::Written => accepted = true,
                Compared::Fails(finding) => findings.push(*finding),
            }
        }
        cause::explain(&evidence, &mut findings);
        let (findings, foreseen) = fails::sort(scenario, findings);
        let verdict = if findings.is_empty() {
            Verdict::Passed { variant }
        } else {
            Verdict::Failed(findings)
        };
        Ok(Opinion {
            connections,
            datagrams,
            verdict,
            foreseen,
            accepted,
            foreign,
        })
    }

    /// The flows of UDP exchanges, by name.
    fn datagrams(
        &self,
        scenario: &Scenario,
        recording: &Recording,
        exchanges: &[Exchange],
    ) -> Vec<Flow> {
        let mut flows = vec![];
        let cast = scenario.cast();
        for exchange in exchanges {
            let pair = (exchange.client, exchange.server);
            let name = match flow::client_of(pair, &recording.events) {
                Some(name) => name.to_string(),
                None if self.isolated => "client".to_owned(),
                None => continue,
            };
            let [client, server] = flow::operations(&cast, pair, &recording.events);
            let programs = [client.as_deref(), server.as_deref()];
            let redact = &scenario.expect.redact;
            flows.push(canonical_udp_redacted(&name, exchange, programs, redact));
        }
        flows.sort_by_cached_key(|flow| naming::natural(&flow.name));
        flows
    }

    fn snapshot(
        &self,
        scenario: &Scenario,
        text: &str,
        clean: bool,
    ) -> Result<Compared, SnapshotError> {
        let path = snapshot::path(scenario, None);
        let comparison = snapshot::compare(scenario, text)?;
        if let Comparison::Same(variant) = comparison {
            let _ = std::fs::remove_file(snapshot::pending(&path));
            return Ok(Compared::Holds(variant));
        }
        // A scenario of a broken program: what it shows is no model, and is not written.
        let broken = !scenario.expect.fails.is_empty();
        if broken && comparison == Comparison::Missing && scenario.expect.snapshot.is_none() {
            return Ok(Compared::Holds(None));
        }
        if self.policy == Policy::Accept && clean && !broken {
            snapshot::write(&path, scenario, text)?;
            let _ = std::fs::remove_file(snapshot::pending(&path));
            return Ok(Compared::Written);
        }
        if self.policy == Policy::Compare && !broken {
            snapshot::write(&snapshot::pending(&path), scenario, text)?;
        }
        let shown = path.display();
        Ok(Compared::Fails(Box::new(match comparison {
            Comparison::Differs { stored, diff } if self.policy == Policy::Accepted => Finding {
                code: "snapshot-differs",
                message: format!("the flow differs from that of an earlier run, now in {shown}"),
                expected: Some(stored),
                actual: Some(text.to_owned()),
                diff: Some(diff),
                notes: vec![
                    "two runs of this scenario are not alike: let its programs wait for each other \
                     (an exact `recv`, a `wait`, a `barrier`), or name the other flow in `variants`"
                        .to_owned(),
                ],
                ..Finding::default()
            },
            Comparison::Differs { stored, diff } => Finding {
                code: "snapshot-differs",
                message: format!("the flow differs from the snapshot {shown}"),
                expected: Some(stored),
                actual: Some(text.to_owned()),
                diff: Some(diff),
                notes: vec![match clean {
                    true => "if this is how it should be, run again with --accept",
                    false => "this run failed otherwise, too: --accept writes the flow of one that does not",
                }.to_owned()],
                ..Finding::default()
            },
            _ => Finding {
                code: "snapshot-missing",
                message: format!("there is no snapshot {shown} to compare with"),
                actual: Some(text.to_owned()),
                notes: vec![match clean {
                    true => "read the flow; if it is right, run again with --accept",
                    false => "this run failed otherwise, too: --accept writes the flow of one that does not",
                }.to_owned()],
                ..Finding::default()
            },
        })))
    }
}

enum Compared {
    Holds(Option<String>),
    Written,
    Fails(Box<Finding>),
}

/// What the snapshot of a scenario holds: the flow of every connection, by name.
pub fn flows_text(connections: &[Named], datagrams: &[Flow]) -> String {
    let flows = connections.iter().map(|named| &named.flow).chain(datagrams);
    let flows: Vec<String> = flows.map(Flow::to_string).collect();
    if flows.is_empty() {
        return "no packet\n".to_owned();
    }
    flows.join("\n")
}

fn evidence<'a>(
    scenario: &'a Scenario,
    recording: &'a Recording,
    ownership: &'a Ownership,
    conversations: &'a [Conversation],
    (named, datagrams): (&'a [Named], &'a [Flow]),
) -> Evidence<'a> {
    let subjects = ownership
        .own
        .iter()
        .zip(named)
        .map(|(owned, named)| Subject {
            owned,
            conversation: &conversations[owned.index],
            atoms: Atoms::of(&conversations[owned.index]),
            flow: &named.flow,
        });
    let foreign = ownership
        .foreign
        .iter()
        .flat_map(|&index| &conversations[index].segments);
    Evidence {
        scenario,
        recording,
        subjects: subjects.collect(),
        datagrams,
        foreign: foreign.map(|segment| segment.frame).collect(),
    }
}

fn doubts(
    recording: &Recording,
    ownership: &Ownership,
    conversations: &[Conversation],
) -> Vec<String> {
    let mut doubts = match &recording.complete {
        Completeness::Incomplete(reasons) => reasons.clone(),
        _ => vec![],
    };
    doubts.extend(complete::reasons(
        &recording.stats,
        &ownership.own,
        conversations,
    ));
    for (actor, (client, server)) in &ownership.unseen {
        doubts.push(format!(
            "{actor} connected from {client} to {server}: no frame of it is in the capture"
        ));
    }
    doubts
}

fn step_findings(
    scenario: &Scenario,
    events: &[Event],
    ownership: &Ownership,
    conversations: &[Conversation],
) -> Vec<Finding> {
    events
        .iter()
        // How programs ended is judged apart.
        .filter(|event| event.failed && expect::program_of(scenario, &event.actor).is_none())
        .map(|event| Finding {
            code: "step-failed",
            message: format!("{}: {} {}", event.actor, event.call, event.result),
            span: event.step.clone(),
            connection: connection_of(event, ownership, conversations),
            ..Finding::default()
        })
        .collect()
}

/// The connection of an event: its socket's, or the client's only one.
fn connection_of(
    event: &Event,
    ownership: &Ownership,
    conversations: &[Conversation],
) -> Option<String> {
    let of_socket = |owned: &&Owned| {
        let conversation = &conversations[owned.index];
        let pair = (conversation.client, conversation.server);
        event
            .ends
            .is_some_and(|ends| pair == (ends.local, ends.peer) || pair == (ends.peer, ends.local))
    };
    let mut own = ownership.own.iter();
    // Of a pair of addresses used again the last connection.
    let found = own.clone().rev().find(of_socket);
    let found = found.or_else(|| own.find(|owned| owned.name == *event.actor));
    found.map(|owned| owned.name.clone())
}

fn unconfirmed(owned: &Owned, canonical: &Canonical) -> Vec<Finding> {
    canonical
        .unconfirmed
        .iter()
        .map(|wait| Finding {
            code: "cut-unconfirmed",
            message: format!(
                "{}: the {} waited for {} bytes of its peer before it went on, but frame {} acknowledges {} only",
                owned.name, wait.by, wait.waited_for, wait.frame, wait.acknowledged
            ),
            frames: vec![wait.frame],
            connection: Some(owned.name.clone()),
            ..Finding::default()
        })
        .collect()
}
