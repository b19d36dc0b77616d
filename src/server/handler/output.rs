//! Bytes on their way out: what the kernel does not take now waits here, and blocks nobody else.

use std::collections::VecDeque;

use nix::errno::Errno;

use crate::client::{Io, Link};

/// A queue of bytes to send.
#[derive(Debug, Default)]
pub struct Output {
    queue: VecDeque<u8>,
}

/// What became of a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// All is with the kernel.
    All,
    /// The peer has to read first.
    Blocked,
    /// The connection is broken; the event is written.
    Broken(Errno),
}

impl Output {
    /// Bytes waiting.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Nothing waiting?
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// To be sent after what waits already.
    pub fn push(&mut self, bytes: &[u8]) {
        self.queue.extend(bytes);
    }

    /// Sends what the kernel takes. `echo` as in [`crate::timeline::Op::Sent`].
    pub fn flush(&mut self, link: &mut Link, echo: bool) -> Flushed {
        while !self.queue.is_empty() {
            let (bytes, _) = self.queue.as_slices();
            match link.send(bytes, echo) {
                Io::Done(n) => drop(self.queue.drain(..n)),
                Io::Blocked => return Flushed::Blocked,
                Io::Failed(e) => return Flushed::Broken(e),
            }
        }
        Flushed::All
    }
}
