//! `epoll(7)`, level triggered: the kernel keeps the list and tells only what is ready.

use std::io;
use std::time::Instant;

use super::event_loop::Multiplexer;
use crate::client::Watch;
use crate::platform::multiplex::EpollSet;

/// The kernel's list.
pub struct Epoll(EpollSet);

impl Epoll {
    /// An empty one.
    ///
    /// # Errors
    /// What `epoll_create1(2)` says.
    pub fn new() -> io::Result<Self> {
        EpollSet::new().map(Epoll)
    }
}

impl Multiplexer for Epoll {
    fn call(&self) -> &'static str {
        "epoll_wait"
    }

    fn update(&mut self, token: u64, old: &[Watch], new: &[Watch]) -> Result<(), String> {
        // The same number is not always the same socket: identities decide what is still in the kernel's list.
        let same = |a: &Watch, b: &Watch| a.fd == b.fd && a.id == b.id;
        for watch in old {
            if !new.iter().any(|w| same(w, watch)) {
                self.0.remove(watch.fd);
            }
        }
        for (i, watch) in new.iter().enumerate() {
            let result = match old.iter().find(|w| same(w, watch)) {
                Some(known) if known.interest == watch.interest => Ok(()),
                Some(_) => self.0.change(watch.fd, token, watch.interest),
                None => self.0.add(watch.fd, token, watch.interest),
            };
            if let Err(e) = result {
                new[..i].iter().for_each(|w| self.0.remove(w.fd));
                return Err(format!("epoll_ctl: {e}"));
            }
        }
        Ok(())
    }

    fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Vec<u64>> {
        self.0.wait(deadline)
    }
}
