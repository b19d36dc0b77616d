//! The capture thread: between poll and the next poll it copies, and nothing else.

use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;

use super::sentinel::Nonce;
use crate::capture::{FrameStore, Stats};

/// Frames copied before the lock is given to others.
const BATCH: usize = 512;

/// What the capture thread and its owner share.
pub struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Told of new frames, sentinels and the end.
    notify: Box<dyn Fn() + Send + Sync>,
    /// Readable: stop.
    pub stop: EventFd,
}

/// Guarded by the lock; held for a batch of copies at most.
#[derive(Default)]
pub struct State {
    /// Frames that nobody has taken yet, no sentinels.
    pub pending: FrameStore,
    /// Frames ever captured, no sentinels.
    pub total: u64,
    /// Somebody waits at a barrier.
    pub waiting: bool,
    /// The owner has told the thread to stop.
    pub stopping: bool,
    /// Frames that the kernel could not put into the ring, counted each time that it had been emptied.
    pub dropped: u32,
    /// The barrier round under way.
    pub round: u32,
    /// Which of its sentinels are still to come, by position.
    pub missing: Vec<bool>,
    /// `total` when the last sentinel of the round came in.
    pub total_at_barrier: u64,
    /// Set once, when the thread has read its last frame.
    pub ended: Option<Ended>,
}

/// How the capture thread ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// libpcap's counters, read after the last frame.
    pub stats: Stats,
    /// What went wrong, if anything.
    pub error: Option<String>,
}

impl Shared {
    pub fn new(stop: EventFd, notify: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            notify,
            stop,
        })
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Waits until `done` holds; the guard and whether it does after at most `limit`.
    pub fn wait(
        &self,
        limit: Duration,
        mut done: impl FnMut(&State) -> bool,
    ) -> (MutexGuard<'_, State>, bool) {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if done(&state) {
                return (state, true);
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return (state, false);
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(|e| e.into_inner())
                .0;
        }
    }

    /// Tells the thread that frames were taken, or that their number no longer matters.
    pub fn taken(&self) {
        self.changed.notify_all();
    }

    fn announce(&self) {
        self.changed.notify_all();
        (self.notify)();
    }
}

/// What the thread needs to know.
pub struct Reader {
    pub capture: pcap::Capture<pcap::Active>,
    pub shared: Arc<Shared>,
    pub nonce: Nonce,
    /// Bytes kept of each frame.
    pub snaplen: usize,
    /// Bytes of frames that may wait to be taken.
    pub behind: usize,
}

impl Reader {
    /// Reads until told to stop; closes the packet socket last, which takes the kernel a while.
    pub fn run(mut self) {
        let _guard = EndGuard(Arc::clone(&self.shared));
        let error = self.read_until_stopped().err();
        let counted = self.capture.stats();
        let ended = match (counted, error) {
            (Ok(s), error) => Ended {
                stats: Stats {
                    received: s.received,
                    dropped: s.dropped,
                    if_dropped: s.if_dropped,
                },
                error,
            },
            (Err(e), error) => Ended {
                stats: Stats::default(),
                error: Some(error.unwrap_or_else(|| format!("pcap_stats: {e}"))),
            },
        };
        self.shared.lock().ended = Some(ended);
        self.shared.announce();
    }

    fn read_until_stopped(&mut self) -> Result<(), String> {
        loop {
            let stop = self.wait()?;
            while self.copy_batch()? > 0 {
                self.wait_for_room();
            }
            self.account()?;
            if stop {
                return Ok(());
            }
        }
    }

    /// Waits while too many frames wait to be taken, unless their owner waits for this thread.
    fn wait_for_room(&self) {
        let full = |s: &State| s.pending.held() > self.behind && !s.waiting && !s.stopping;
        if full(&self.shared.lock()) {
            drop(self.shared.wait(Duration::MAX, |state| !full(state)));
        }
    }

    /// Counts what was lost, each time that the ring has been emptied, and tells of it: lost frames will
    /// not come, and nobody needs to wait for them. Ends the wait at a barrier when all its sentinels
    /// are in, or when one of them may be among the lost.
    fn account(&mut self) -> Result<(), String> {
        let counted = self.capture.stats();
        let dropped = counted.map_err(|e| format!("pcap_stats: {e}"))?.dropped;
        let mut state = self.shared.lock();
        let more = dropped > std::mem::replace(&mut state.dropped, dropped);
        let passed = state.waiting && (dropped > 0 || !state.missing.contains(&true));
        if passed {
            state.waiting = false;
        }
        drop(state);
        if passed || more {
            self.shared.announce();
        }
        Ok(())
    }

    /// Blocks until there are frames or the stop signal; true for the latter.
    fn wait(&self) -> Result<bool, String> {
        let mut fds = [
            PollFd::new(self.capture.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.shared.stop.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => Ok(fds[1].any().unwrap_or(false)),
            Err(Errno::EINTR) => Ok(false),
            Err(e) => Err(format!("poll: {e}")),
        }
    }

    fn copy_batch(&mut self) -> Result<usize, String> {
        let (nonce, snaplen) = (self.nonce, self.snaplen);
        let mut state = self.shared.lock();
        let before = state.total;
        let result = self.capture.dispatch(Some(BATCH), |packet| {
            if let Some((round, position)) = nonce.recognise(packet.data) {
                state.sentinel(round, position);
                return;
            }
            let time = packet.header.ts;
            state.total += 1;
            state.pending.push(
                // With nanosecond precision libpcap keeps nanoseconds in `tv_usec`.
                time.tv_sec * 1_000_000_000 + time.tv_usec,
                packet.header.len,
                &packet.data[..packet.data.len().min(snaplen)],
            );
        });
        let news = state.total != before;
        drop(state);
        if news {
            self.shared.announce();
        }
        match result {
            Ok(n) => Ok(n),
            Err(pcap::Error::TimeoutExpired) => Ok(0),
            Err(e) => Err(format!("pcap_dispatch: {e}")),
        }
    }
}

/// Says that the capture ended when the thread panics, so that nobody waits for it for ever.
struct EndGuard(Arc<Shared>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if state.ended.is_none() {
            state.ended = Some(Ended {
                stats: Stats::default(),
                error: Some("the capture thread panicked".to_owned()),
            });
            drop(state);
            self.0.announce();
        }
    }
}

impl State {
    fn sentinel(&mut self, round: u32, position: u32) {
        if round != self.round {
            return;
        }
        if let Some(missing) = self.missing.get_mut(position as usize) {
            *missing = false;
            if !self.missing.contains(&true) {
                self.total_at_barrier = self.total;
            }
        }
    }
}
