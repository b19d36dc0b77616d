//! How long a run may take when the file does not say.

use std::time::Duration;

use super::super::model::{Action, Client, ClientKind, Handler, Server, Step};
use super::step::STEP_LIMIT;

/// Longest time that a run may take unless the file or its steps ask for more.
const RUN_LIMIT: Duration = Duration::from_secs(10);

/// Ten seconds, or what the actor with the longest steps may take. Only steps with a limit above
/// the usual one count: of the others none is expected to take its time.
pub fn of(servers: &[Server], clients: &[Client]) -> Duration {
    let handlers = servers.iter().filter_map(|s| match &s.handler {
        Handler::Steps(steps) => Some(steps),
        _ => None,
    });
    let scripts = clients.iter().filter_map(|c| match &c.kind {
        ClientKind::Script(steps) | ClientKind::Udp(steps) => Some(steps),
        ClientKind::Command(_) => None,
    });
    handlers
        .chain(scripts)
        .map(|steps| RUN_LIMIT.saturating_add(asked(steps)))
        .max()
        .unwrap_or(RUN_LIMIT)
}

fn asked(steps: &[Step]) -> Duration {
    steps.iter().fold(Duration::ZERO, |sum, step| {
        let own = match &step.action {
            Action::Repeat { times, steps } => asked(steps).saturating_mul(*times),
            _ if step.limit > STEP_LIMIT => step.limit,
            _ => Duration::ZERO,
        };
        sum.saturating_add(own)
    })
}
