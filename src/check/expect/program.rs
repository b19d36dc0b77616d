//! How external programs ended.

use crate::check::Finding;
use crate::scenario::{ClientKind, Program, Scenario, ServerKind};
use crate::timeline::Event;

/// A finding for each program that ended with another status than expected: 0, unless the scenario
/// says otherwise. One that a `kill` step ended did what it had to.
pub fn exits(scenario: &Scenario, events: &[Event]) -> Vec<Finding> {
    let ended = events.iter().filter(|event| event.ends.is_none());
    ended
        .filter(|event| matches!(event.call.as_str(), "exit" | "killed"))
        .filter_map(|event| {
            let program = program_of(scenario, &event.actor)?;
            let expected = program.status.unwrap_or(0);
            let wanted = format!("status {expected}");
            if event.call == "exit" && event.result == wanted {
                return None;
            }
            let asked = program.status.is_some();
            if event.call == "killed" && !asked && killed_by_step(events, &event.actor) {
                return None;
            }
            let ended = ending(event);
            let died = event.call == "killed" || event.result != "status 0";
            let message = if died {
                format!("{} died: {ended}", event.actor)
            } else {
                format!("{}: {ended}, not {expected}", event.actor)
            };
            Some(Finding {
                code: "program-failed",
                message,
                span: Some(program.span.clone()),
                expected: Some(format!("exit status {expected}")),
                actual: Some(ended),
                connection: None,
                ..Finding::default()
            })
        })
        .collect()
}

/// `exit status 1`, `killed by SIGSEGV`.
pub fn ending(event: &Event) -> String {
    format!("{} {}", event.call, event.result)
}

/// The program of an actor, if it is one.
pub fn program_of<'a>(scenario: &'a Scenario, actor: &str) -> Option<&'a Program> {
    let servers = scenario
        .servers
        .iter()
        .filter_map(|server| match &server.kind {
            ServerKind::Command(program) if *server.name == *actor => Some(program),
            _ => None,
        });
    let mut clients = scenario
        .clients
        .iter()
        .filter_map(|client| match &client.kind {
            ClientKind::Command(program) if *client.name == *actor => Some(program),
            _ => None,
        });
    let mut servers = servers;
    servers.next().or_else(|| clients.next())
}

fn killed_by_step(events: &[Event], actor: &str) -> bool {
    events
        .iter()
        .any(|event| event.call == "kill" && !event.failed && event.result.contains(actor))
}
