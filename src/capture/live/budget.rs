//! Rings are locked memory: a bound on the sum of those that are open at once.

use std::sync::{Arc, Condvar, Mutex, OnceLock};

/// A bound in bytes on the rings open at once in this process.
#[derive(Debug)]
pub struct RingBudget {
    limit: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub struct RingPermit {
    budget: Arc<RingBudget>,
    bytes: u64,
}

impl RingBudget {
    /// A budget of `limit` bytes.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(RingBudget {
            limit,
            used: Mutex::new(0),
            freed: Condvar::new(),
        })
    }

    /// The process's budget: an eighth of the memory that was available when it was first asked
    /// for, at most 512 MiB.
    pub fn global() -> &'static Arc<Self> {
        static GLOBAL: OnceLock<Arc<RingBudget>> = OnceLock::new();
        GLOBAL.get_or_init(|| Self::new((available_memory() / 8).clamp(4 << 20, 512 << 20)))
    }

    /// Bytes of frames that may wait while those before them are written to a disk: an eighth of the
    /// memory that was available when it was first asked for, 64 to 512 MiB.
    pub fn behind() -> u64 {
        static BEHIND: OnceLock<u64> = OnceLock::new();
        *BEHIND.get_or_init(|| (available_memory() / 8).clamp(64 << 20, 512 << 20))
    }

    /// Waits until the rings that are open and this one are within the limit. One that is larger
    /// than the whole limit gets its turn when no other is open.
    pub fn acquire(self: &Arc<Self>, bytes: u64) -> RingPermit {
        let used = self.used.lock().unwrap_or_else(|e| e.into_inner());
        let mut used = self
            .freed
            .wait_while(used, |used| {
                *used > 0 && used.saturating_add(bytes) > self.limit
            })
            .unwrap_or_else(|e| e.into_inner());
        *used = used.saturating_add(bytes);
        RingPermit {
            budget: Arc::clone(self),
            bytes,
        }
    }
}

impl Drop for RingPermit {
    fn drop(&mut self) {
        let mut used = self.budget.used.lock().unwrap_or_else(|e| e.into_inner());
        *used = used.saturating_sub(self.bytes);
        drop(used);
        self.budget.freed.notify_all();
    }
}

/// `MemAvailable` in bytes; 256 MiB where the kernel does not say.
fn available_memory() -> u64 {
    std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(256 << 20, |kib| kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_sum_is_bounded_and_an_oversized_ring_gets_its_turn() {
        let budget = RingBudget::new(10);
        let first = budget.acquire(6);
        let _second = budget.acquire(4);
        let (started, blocked) = mpsc::channel();
        let other = Arc::clone(&budget);
        let waiter = std::thread::spawn(move || {
            started.send(()).unwrap();
            let permit = other.acquire(6);
            let used = *other.used.lock().unwrap();
            drop(permit);
            used
        });
        blocked.recv().unwrap();
        assert_eq!(*budget.used.lock().unwrap(), 10);
        drop(first);
        assert_eq!(waiter.join().unwrap(), 10);
        drop(_second);
        assert_eq!(budget.acquire(1000).bytes, 1000);
    }
}
