//! Starting processes and closing sockets keep out of each other's way.
//!
//! Between `fork` and `execve` a child holds every socket of this process, close-on-exec or not, and what is closed here in
//! that time is not closed: its FIN, its RST or its port wait for the child. (`spawn` returning proves nothing: the kernel
//! lets the parent go on before it closes the child's descriptors.) Hence whoever starts a process holds [`spawning`] until
//! that process has said its first word, and closing a socket waits for it, in [`closing`].
//!
//! Neither can be kept waiting by many of the other: who closes waits for one start of a process at most, and who starts
//! one for those that close now. A lock of the standard library promises neither, and a script's `close` must not wait
//! for all the processes that a suite has yet to start.

use std::sync::{Condvar, Mutex, MutexGuard};

/// Turns: starts of processes, one at a time; between two of them all that waited to close.
#[derive(Debug)]
struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    starting: bool,
    starters_waiting: usize,
    closing: usize,
    closers_waiting: usize,
    /// Starts that are over. A closer that waits goes when this has grown.
    started: u64,
}

static TURNS: Turns = Turns::new();

impl Turns {
    const fn new() -> Turns {
        Turns {
            state: Mutex::new(State {
                starting: false,
                starters_waiting: 0,
                closing: 0,
                closers_waiting: 0,
                started: 0,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        while_: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_while(state, while_);
        waited.unwrap_or_else(|e| e.into_inner())
    }

    fn start(&self) -> Starting<'_> {
        let mut state = self.lock();
        state.starters_waiting += 1;
        state = self.wait(state, |s| s.starting || s.closing > 0);
        state.starters_waiting -= 1;
        state.starting = true;
        Starting(self)
    }

    fn close(&self) -> ClosingNow<'_> {
        let mut state = self.lock();
        if state.starting || state.starters_waiting > 0 {
            let over = state.started;
            state.closers_waiting += 1;
            // Counted among those that close by who ended the start.
            drop(self.wait(state, |s| s.started == over));
        } else {
            state.closing += 1;
        }
        ClosingNow(self)
    }
}

/// A process is being started.
struct Starting<'a>(&'a Turns);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.starting = false;
        state.started += 1;
        state.closing += std::mem::take(&mut state.closers_waiting);
        drop(state);
        self.0.changed.notify_all();
    }
}

/// A socket is being closed.
struct ClosingNow<'a>(&'a Turns);

impl Drop for ClosingNow<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closing -= 1;
        let last = state.closing == 0;
        drop(state);
        if last {
            self.0.changed.notify_all();
        }
    }
}

/// Held while a process is being started, until that process has said its first word.
pub fn spawning() -> impl Drop {
    TURNS.start()
}

/// Held while a socket is closed whose end should be on the wire when the call returns.
pub fn closing() -> impl Drop {
    TURNS.close()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn waiting(turns: &Turns, starters: usize, closers: usize) {
        loop {
            let state = turns.lock();
            if (state.starters_waiting, state.closers_waiting) == (starters, closers) {
                return;
            }
            drop(state);
            std::thread::yield_now();
        }
    }

    #[test]
    fn who_closes_waits_for_one_start_however_many_wait() {
        let turns = Turns::new();
        let started = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let first = turns.start();
            for _ in 0..8 {
                scope.spawn(|| {
                    let _turn = turns.start();
                    started.fetch_add(1, Ordering::SeqCst);
                });
            }
            waiting(&turns, 8, 0);
            let closer = scope.spawn(|| {
                let _turn = turns.close();
                started.load(Ordering::SeqCst)
            });
            waiting(&turns, 8, 1);
            drop(first);
            assert_eq!(closer.join().unwrap(), 0, "starts that went before");
        });
        assert_eq!(started.into_inner(), 8);
    }

    #[test]
    fn who_starts_waits_for_those_that_close_now_and_no_later_ones() {
        let turns = Turns::new();
        std::thread::scope(|scope| {
            let first = turns.close();
            let second = turns.close();
            let starter = scope.spawn(|| drop(turns.start()));
            waiting(&turns, 1, 0);
            let later = scope.spawn(|| drop(turns.close()));
            waiting(&turns, 1, 1);
            drop(first);
            assert!(!starter.is_finished());
            drop(second);
            starter.join().unwrap();
            later.join().unwrap();
        });
        assert_eq!(turns.lock().closing, 0);
    }

    #[test]
    fn none_is_left_out_when_all_come_at_once() {
        let turns = Turns::new();
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (turns, inside) = (&turns, &inside);
                scope.spawn(move || {
                    for _ in 0..2000 {
                        if n % 2 == 0 {
                            let _turn = turns.start();
                            assert_eq!(inside.load(Ordering::SeqCst), 0);
                        } else {
                            let _turn = turns.close();
                            inside.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
    }
}
