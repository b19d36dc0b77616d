//! The barrier: when it returns, every frame sent before it is in the capture.
//!
//! A frame on `lo` waits in the backlog of the CPU that sent it until that CPU takes it off, in
//! order; only then does libpcap see it. So one sentinel is sent from each CPU, and when all have
//! come in, so has everything that was sent before them. A capture that has seen sentinels is open.

use std::time::{Duration, Instant};

use super::handle::LiveCapture;
use crate::platform::{self, PlatformError};

/// A barrier that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Barrier {
    /// Frames captured before the last sentinel came in, sentinels not counted.
    pub frames: u64,
    /// CPUs that a sentinel was sent from.
    pub cpus: usize,
    /// How long it took.
    pub took: Duration,
}

/// Why nothing can be said about the frames before the barrier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BarrierError {
    /// Sentinels that did not come in within the limit.
    #[error("the capture did not show the sentinels of {} of {cpus} CPUs within {limit:?} (CPU {})", .missing.len(), list(.missing))]
    Missing {
        /// CPU numbers whose sentinels are missing.
        missing: Vec<usize>,
        /// CPUs that a sentinel was sent from.
        cpus: usize,
        /// The limit.
        limit: Duration,
    },
    /// The ring was full: frames are missing, and no barrier brings them back.
    #[error(
        "{dropped} frames were lost, for the capture's ring was full (more room: [capture] buffer)"
    )]
    Dropped {
        /// `ps_drop`.
        dropped: u32,
    },
    /// The capture ended before.
    #[error("the capture ended: {0}")]
    Ended(String),
    /// A sentinel could not be sent.
    #[error("a sentinel could not be sent: {0}")]
    Send(#[from] PlatformError),
}

fn list(cpus: &[usize]) -> String {
    let words: Vec<String> = cpus.iter().map(usize::to_string).collect();
    words.join(", ")
}

impl LiveCapture {
    /// Waits until every frame sent on the interface before this call is in the capture, none lost:
    /// the sender of the frame must have returned from its system call. What *answers* such a frame may
    /// come later; see [`LiveCapture::settle`].
    ///
    /// # Errors
    /// The sentinels did not come in within `limit`, frames were lost since the capture was opened,
    /// it has ended, or nothing can be sent (interface down). The run is then inconclusive.
    pub fn barrier(&mut self, limit: Duration) -> Result<Barrier, BarrierError> {
        let start = Instant::now();
        let cpus = platform::affinity()?;
        let round = {
            let mut state = self.shared.lock();
            state.round = state.round.wrapping_add(1);
            state.missing = vec![true; cpus.len()];
            state.waiting = true;
            state.round
        };
        // The thread may wait for frames to be taken, which nobody does until this returns.
        self.shared.taken();
        platform::on_each_cpu(|_, position| self.send(&self.nonce.frame(round, position as u32)))?;
        // The kernel hands frames over by the block: fill up the one that the sentinels are in.
        self.hurry();
        let left = limit.saturating_sub(start.elapsed());
        let (mut state, over) = self
            .shared
            .wait(left, |state| state.ended.is_some() || !state.waiting);
        state.waiting = false;
        if let Some(ended) = &state.ended {
            let words = ended.error.clone();
            return Err(BarrierError::Ended(
                words.unwrap_or_else(|| "it was stopped".to_owned()),
            ));
        }
        if state.dropped > 0 {
            return Err(BarrierError::Dropped {
                dropped: state.dropped,
            });
        }
        if over {
            return Ok(Barrier {
                frames: state.total_at_barrier,
                cpus: cpus.len(),
                took: start.elapsed(),
            });
        }
        // All in, but the counter not yet looked at: as good as none.
        let unproven = !state.missing.contains(&true);
        let pairs = cpus.iter().zip(&state.missing);
        Err(BarrierError::Missing {
            missing: pairs
                .filter_map(|(&cpu, &missing)| (missing || unproven).then_some(cpu))
                .collect(),
            cpus: cpus.len(),
            limit,
        })
    }

    /// Barriers until one adds no frame: what the stack sent in answer to a frame that was still in
    /// a backlog (an ACK, a RST) is in as well, and the answer to that. `limit` bounds all of them
    /// together. On an interface with other traffic this may never be so; use a barrier there.
    ///
    /// # Errors
    /// As [`LiveCapture::barrier`].
    pub fn settle(&mut self, limit: Duration) -> Result<Barrier, BarrierError> {
        let start = Instant::now();
        let mut before = self.barrier(limit)?;
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let after = self.barrier(left)?;
            if after.frames == before.frames {
                return Ok(Barrier {
                    took: start.elapsed(),
                    ..after
                });
            }
            before = after;
        }
    }
}
