//! `--accept` with `--repeat`: one run writes the snapshot, the others are compared with it.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard};

/// The order in which the repetitions of one scenario are judged until one of them has written.
///
/// Repetitions run side by side and end in any order; which of them becomes the model must not
/// depend on that. So each waits for those before it: workers take runs in order, so that these
/// are under way or over, and none of them waits for a later one.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// All runs up to this number, from 1, are over.
    over: u32,
    /// Numbers of further runs that are over.
    early: BTreeSet<u32>,
    /// The snapshot holds what one of these runs showed.
    settled: bool,
}

/// A run's part in the order: it ends when this is dropped, however the run ended.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    number: u32,
}

impl Turns {
    /// The part of the run of this number, from 1.
    pub(super) fn enter(&self, number: u32) -> Turn<'_> {
        Turn {
            turns: self,
            number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Turn<'_> {
    /// Waits until the snapshot is settled, or all runs before this one are over. Is it settled?
    pub(super) fn settled(&self) -> bool {
        let mut state = self.turns.lock();
        while !state.settled && state.over + 1 < self.number {
            let waited = self.turns.changed.wait(state);
            state = waited.unwrap_or_else(|e| e.into_inner());
        }
        state.settled
    }

    /// The snapshot holds what this run showed.
    pub(super) fn settle(&self) {
        self.turns.lock().settled = true;
        self.turns.changed.notify_all();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        state.early.insert(self.number);
        while let next = state.over + 1
            && state.early.remove(&next)
        {
            state.over = next;
        }
        drop(state);
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_settles_is_the_lowest_however_they_end() {
        let turns = Turns::default();
        let first = turns.enter(1);
        // Run 1 could not be; 2 and 3 wait, and 2 is asked first.
        let (second, third) = (turns.enter(2), turns.enter(3));
        std::thread::scope(|scope| {
            let third = scope.spawn(move || third.settled());
            let second = scope.spawn(move || {
                let settled = second.settled();
                second.settle();
                settled
            });
            drop(first);
            assert!(!second.join().unwrap(), "nobody was before it");
            assert!(third.join().unwrap(), "it is compared with run 2");
        });
    }
}
