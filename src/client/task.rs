//! A connection's program as a state machine that never blocks, and the driver that blocks for one of them.
//!
//! Event loops run many tasks at once; [`drive`] runs one. Both do the same: run it, wait for what it wants, run it again.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Instant;

use crate::platform::multiplex::{Interest, PollList};
use crate::platform::{Cancel, Notify};

/// A descriptor that a task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Its number.
    pub fd: RawFd,
    /// Its identity: numbers are used again, identities never (see [`crate::platform::notify::unique`]).
    pub id: u64,
    /// For what.
    pub interest: Interest,
}

impl Watch {
    /// Until it is signalled.
    pub fn notify(notify: &Notify) -> Watch {
        Watch {
            fd: notify.as_raw_fd(),
            id: notify.id(),
            interest: Interest::READ,
        }
    }
}

/// What a task wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// To be run again when one of these is ready, or at the deadline.
    Wait {
        /// Descriptors.
        on: Vec<Watch>,
        /// Time.
        until: Option<Instant>,
    },
    /// Nothing: its program has ended. It may still hold open sockets, see [`Task::holds`].
    Over,
}

impl Want {
    /// To be run again when one of these is ready.
    pub fn on(on: Vec<Watch>) -> Want {
        Want::Wait { on, until: None }
    }

    /// To be run again after others had their turn.
    pub fn again() -> Want {
        Want::Wait {
            on: Vec::new(),
            until: Some(Instant::now()),
        }
    }
}

/// A connection's program.
pub trait Task: Send {
    /// Does all that can be done without blocking. May be called although nothing is ready.
    fn run(&mut self) -> Want;

    /// The run ends before the program does: says in an event what it was waiting for.
    fn cancelled(&mut self) {}

    /// Does it hold sockets that its program left open? They stay open until the task is dropped.
    fn holds(&self) -> bool {
        false
    }
}

/// How [`drive`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driven {
    /// The program ended.
    Over,
    /// The run was cancelled first.
    Cancelled,
}

/// Runs one task to its end, blocking in `poll(2)` on what it wants and on `cancel`.
///
/// # Errors
/// What `poll(2)` says.
pub fn drive(task: &mut dyn Task, cancel: &Cancel) -> io::Result<Driven> {
    loop {
        if cancel.is_cancelled() {
            task.cancelled();
            return Ok(Driven::Cancelled);
        }
        let Want::Wait { on, until } = task.run() else {
            return Ok(Driven::Over);
        };
        let mut list = PollList::default();
        list.push(cancel.as_raw_fd(), Interest::READ);
        for watch in on {
            list.push(watch.fd, watch.interest);
        }
        list.wait(until)?;
    }
}
