//! How much runs side by side: chosen by measurement, bounded by what the process may have.

use nix::libc::rlim_t;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::scenario::{Scenario, ServerKind};

/// Descriptors of the process that belong to no run: standard streams, reports, signals.
const OWN: u64 = 48;

/// `FD_SETSIZE`: `select(2)` can wait for descriptors below this number, in the whole process.
const SELECTABLE: u64 = 1024;

/// Runs side by side when nobody says: a run waits for the kernel nearly all the time, so several
/// for each CPU.
pub fn default_jobs() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    (cpus * 8).clamp(8, 64)
}

/// How many descriptors the runs under way may have together. Raises the process's own limit as
/// far as it may.
pub fn descriptor_budget<'a>(scenarios: impl IntoIterator<Item = &'a Scenario>) -> u64 {
    let selects = scenarios
        .into_iter()
        .flat_map(|scenario| &scenario.servers)
        .any(|server| server.kind == ServerKind::Select && !server.process);
    let may_have = raise_limit().saturating_sub(OWN);
    if selects {
        may_have.min(SELECTABLE - OWN)
    } else {
        may_have
    }
}

/// Raises `RLIMIT_NOFILE` to its hard limit; the limit that then holds.
fn raise_limit() -> rlim_t {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return SELECTABLE;
    };
    // A number without end is none that tables are made for.
    let wanted = hard.min(1 << 20);
    if soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() {
        return wanted;
    }
    soft
}
