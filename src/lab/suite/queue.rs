//! Which run is started next, and when: what is shared by the workers.

use std::sync::{Condvar, Mutex, MutexGuard};

use super::scheduler::{Limits, Work};

/// Hands out the runs of a plan by their index, in order.
pub(super) struct Queue {
    limits: Limits,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The next run to be started.
    next: usize,
    /// The next result to be delivered.
    due: usize,
    /// Sum of the costs of the runs that are under way.
    busy: u64,
    /// Runs under way.
    running: usize,
    /// Weight of the results that wait for their turn.
    held: u64,
    stopped: bool,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Queue {
            limits,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Waits until the next run may start and gives its index; `None` when there is none left or
    /// the suite has been stopped. In order, so that a large run is not overtaken for ever by
    /// small ones.
    pub(super) fn take(&self, work: &impl Work) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.next >= work.count() || work.stopped() {
                return None;
            }
            let cost = work.cost(state.next).max(1);
            // One that costs more than all there is gets its turn when no other is under way.
            let fits =
                state.running == 0 || state.busy.saturating_add(cost) <= self.limits.cost.max(1);
            // The result that is due is always under way or being delivered: this cannot block for
            // ever.
            let room = state.held <= self.limits.held || state.next == state.due;
            if fits && room {
                state.busy = state.busy.saturating_add(cost);
                state.running += 1;
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.changed.wait(state).unwrap_or_else(|e| e.into_inner());
        }
    }

    /// A run has ended; its result weighs this much until it has been delivered.
    pub(super) fn ended(&self, cost: u64, weight: u64) {
        let mut state = self.lock();
        state.busy = state.busy.saturating_sub(cost.max(1));
        state.running -= 1;
        state.held = state.held.saturating_add(weight);
        drop(state);
        self.changed.notify_all();
    }

    /// A result has been delivered.
    pub(super) fn delivered(&self, weight: u64) {
        let mut state = self.lock();
        state.held = state.held.saturating_sub(weight);
        state.due += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// No further run is started.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Runs that have been started.
    pub(super) fn started(&self) -> usize {
        self.lock().next
    }
}
