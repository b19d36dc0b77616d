//! What the kinds without an event loop share: to block until a connection comes.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use super::accept::{Accepted, Acceptor};
use super::shop::Shop;
use crate::client::Link;
use crate::platform::Cancel;
use crate::platform::multiplex::{Interest, PollList};

/// Blocks in `accept` as a plain server does; the run's end wakes it.
pub struct Waiter {
    acceptor: Acceptor,
    also: Option<RawFd>,
}

/// What ended the wait.
pub enum Woken {
    /// A connection.
    Connection(Link),
    /// The other descriptor is ready.
    Also,
    /// The run has ended.
    Cancelled,
}

impl Waiter {
    /// Waits for connections, and for this descriptor as well.
    pub fn new(also: Option<RawFd>) -> Self {
        Waiter {
            acceptor: Acceptor::new(),
            also,
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// What `poll(2)` says, or an error of the listening socket.
    pub fn next(&mut self, shop: &Shop) -> io::Result<Woken> {
        let mut pause: Option<Instant> = None;
        loop {
            let mut list = PollList::default();
            list.push(shop.context.cancel.as_raw_fd(), Interest::READ);
            if let Some(fd) = self.also {
                list.push(fd, Interest::READ);
            }
            let others = list.len();
            if let (None, Some(watch)) = (pause, shop.listener.watch()) {
                list.push(watch.fd, watch.interest);
            }
            let ready = list.wait(pause.take())?;
            if ready.contains(&0) {
                return Ok(Woken::Cancelled);
            }
            if ready.iter().any(|place| *place < others) {
                return Ok(Woken::Also);
            }
            match self.acceptor.accept(shop)? {
                Accepted::Connection(link) => return Ok(Woken::Connection(link)),
                Accepted::Full => pause = Some(Instant::now() + Duration::from_millis(10)),
                Accepted::Nothing | Accepted::Lost | Accepted::Closed => {}
            }
        }
    }
}

/// Blocks until the run's end.
///
/// # Errors
/// What `poll(2)` says.
pub fn wait_cancel(cancel: &Cancel) -> io::Result<()> {
    while !cancel.is_cancelled() {
        let mut list = PollList::default();
        list.push(cancel.as_raw_fd(), Interest::READ);
        list.wait(None)?;
    }
    Ok(())
}
