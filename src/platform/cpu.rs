//! The CPUs that the process may use, and moving the calling thread among them.

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::PlatformError;

/// CPU numbers in the calling thread's affinity, ascending.
///
/// # Errors
/// The machine has more CPUs than a `cpu_set_t` holds (1,024).
pub fn affinity() -> Result<Vec<usize>, PlatformError> {
    Ok(list(&affinity_set()?))
}

fn affinity_set() -> Result<CpuSet, PlatformError> {
    sched_getaffinity(Pid::from_raw(0))
        .map_err(|e| PlatformError::call("sched_getaffinity", "calling thread", e))
}

fn list(set: &CpuSet) -> Vec<usize> {
    (0..CpuSet::count())
        .filter(|&cpu| set.is_set(cpu).unwrap_or(false))
        .collect()
}

/// Calls `work` once on each CPU of the calling thread's affinity, with the CPU's number and its
/// position, and restores the affinity afterwards, also when `work` fails.
///
/// # Errors
/// The first error of `work`, or of moving the thread.
pub fn on_each_cpu<E: From<PlatformError>>(
    mut work: impl FnMut(usize, usize) -> Result<(), E>,
) -> Result<(), E> {
    let before = affinity_set()?;
    let cpus = list(&before);
    let set_error =
        |cpu: usize, e: Errno| PlatformError::call("sched_setaffinity", &format!("CPU {cpu}"), e);
    let mut result = Ok(());
    for (position, &cpu) in cpus.iter().enumerate() {
        let mut one = CpuSet::new();
        let moved = one
            .set(cpu)
            .and_then(|()| sched_setaffinity(Pid::from_raw(0), &one));
        result = moved
            .map_err(|e| E::from(set_error(cpu, e)))
            .and_then(|()| work(cpu, position));
        if result.is_err() {
            break;
        }
    }
    // The set was valid a moment ago; it can only fail if the cpuset changed under us.
    let restored = sched_setaffinity(Pid::from_raw(0), &before)
        .map_err(|e| E::from(PlatformError::call("sched_setaffinity", "restore", e)));
    result.and(restored)
}
