//! How much runs side by side: chosen by measurement, bounded by what the process may have.

use std::sync::Arc;

use nix::libc::rlim_t;

use crate::platform::process::{change_descriptor_limit, descriptor_limit};
use crate::scenario::{Action, ClientKind, Scenario, Server, ServerKind, Step, Wait};

/// Descriptors of the process that belong to no run: standard streams, reports, signals.
const OWN: u64 = 48;

/// `FD_SETSIZE`: `select(2)` can wait for descriptors below this number, in the whole process.
const SELECTABLE: u64 = 1024;

/// Enough for as many runs side by side as are of any use.
const MANY: u64 = 8192;

/// Runs side by side when nobody says: a run waits for the kernel nearly all the time, so several
/// for each CPU.
pub fn default_jobs() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    (cpus * 8).clamp(8, 64)
}

/// About how many descriptors of this process a scenario has open at once: the capture's and the
/// run's own, a connection's ends, what a step waits on, a program's pipes.
pub fn descriptors(scenario: &Scenario) -> u64 {
    let here = scenario.servers.iter().any(|server| !is_process(server));
    let clients = scenario.clients.iter().map(|client| match &client.kind {
        // Its own end, and the server's.
        ClientKind::Script(steps) | ClientKind::Udp(steps) => {
            1 + u64::from(here) + u64::from(waits(steps))
        }
        ClientKind::Command(_) => 12,
    });
    24 + 8 * scenario.servers.len() as u64 + clients.sum::<u64>()
}

/// Does a step wait for others, which takes a descriptor?
fn waits(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Wait(Wait::Event(_) | Wait::Segment(_)) => true,
        Action::Repeat { steps, .. } => waits(steps),
        _ => false,
    })
}

/// Is a server in a process of its own, with descriptors of its own?
fn is_process(server: &Server) -> bool {
    use ServerKind::{Command, Forking};
    server.process || matches!(server.kind, Forking | Command(_))
}

/// The scenario with its servers in processes of their own, for which the wire is the same: so
/// that ten thousand clients and their server need not share one process's descriptors. `None`
/// if that cannot be.
fn apart(scenario: &Scenario) -> Option<Scenario> {
    let mut scenario = scenario.clone();
    for server in &mut scenario.servers {
        server.process |= !is_process(server);
    }
    let unsupported = crate::server::unsupported;
    let possible = scenario.servers.iter().all(|s| unsupported(s).is_none());
    possible.then_some(scenario)
}

/// What runs may have of the process's descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// All runs under way together. One that needs more runs alone.
    pub together: u64,
    /// A single run at most.
    pub one: u64,
}

impl Descriptors {
    /// What these scenarios may have; raises the process's own limit as far as they need it, and
    /// moves servers into processes of their own where it does not suffice.
    pub fn provide<'a>(scenarios: impl IntoIterator<Item = &'a mut Arc<Scenario>>) -> Self {
        let scenarios: Vec<&mut Arc<Scenario>> = scenarios.into_iter().collect();
        let largest = scenarios.iter().map(|scenario| descriptors(scenario)).max();
        let one = raise_limit(largest.unwrap_or(0) + OWN).saturating_sub(OWN);
        let mut selects = false;
        for scenario in scenarios {
            if descriptors(scenario) > one
                && let Some(apart) = apart(scenario)
            {
                *scenario = Arc::new(apart);
            }
            let mut servers = scenario.servers.iter();
            selects |= servers.any(|s| s.kind == ServerKind::Select && !s.process);
        }
        let together = if selects { SELECTABLE - OWN } else { one };
        Descriptors {
            together: together.min(one),
            one,
        }
    }
}

/// Raises `RLIMIT_NOFILE` to its hard limit, and that one if more is needed and we may; the limit
/// that then holds.
fn raise_limit(needed: rlim_t) -> rlim_t {
    let Ok((soft, hard)) = descriptor_limit() else {
        return SELECTABLE;
    };
    // More is of no use, and tables are made for all that there may be.
    let wanted = needed.max(MANY);
    for (new_soft, new_hard) in [(wanted, wanted.max(hard)), (wanted.min(hard), hard)] {
        if soft < new_soft && change_descriptor_limit(new_soft, new_hard).is_ok() {
            return new_soft;
        }
    }
    soft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_served_from_a_process_apart_when_one_cannot_hold_both_ends() {
        let text = "title = \"a\"\n[server]\nkind = \"epoll\"\nlisten = \"127.0.0.1:5000\"\nhandler = \"echo\"\n\
                    [[client]]\nname = \"c\"\ncount = 1000\nsteps = [\"connect\", \"close\"]\n";
        let scenario =
            crate::scenario::parse("crowd.toml".as_ref(), text.to_owned()).expect("it is right");
        let together = descriptors(&scenario);
        let apart = apart(&scenario).expect("an echo server can be a process");
        assert!((2000..2200).contains(&together), "{together}");
        assert!((1000..1200).contains(&descriptors(&apart)));
        assert!(apart.servers[0].process && !scenario.servers[0].process);
    }
}
