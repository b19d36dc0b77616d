//! `poll(2)`: one list, kept from call to call, as long as it needs to be.

use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::time::Instant;

use super::event_loop::Multiplexer;
use crate::client::Watch;
use crate::platform::multiplex::PollList;

/// The list that `poll` is called with.
#[derive(Default)]
pub struct Poll {
    list: PollList,
    /// Of each place: its descriptor and its token.
    tokens: Vec<(RawFd, u64)>,
    places: HashMap<RawFd, usize>,
}

impl Poll {
    fn remove(&mut self, fd: RawFd, token: u64) {
        let Some(place) = self.places.get(&fd).copied() else {
            return;
        };
        if self.tokens[place].1 != token {
            return;
        }
        self.places.remove(&fd);
        self.list.swap_remove(place);
        self.tokens.swap_remove(place);
        if let Some((moved, _)) = self.tokens.get(place) {
            self.places.insert(*moved, place);
        }
    }
}

impl Multiplexer for Poll {
    fn call(&self) -> &'static str {
        "poll"
    }

    fn update(&mut self, token: u64, old: &[Watch], new: &[Watch]) -> Result<(), String> {
        for watch in old {
            if !new.iter().any(|w| w.fd == watch.fd) {
                self.remove(watch.fd, token);
            }
        }
        for watch in new {
            match self.places.get(&watch.fd) {
                Some(place) => {
                    self.list.change(*place, watch.interest);
                    self.tokens[*place] = (watch.fd, token);
                }
                None => {
                    self.places.insert(watch.fd, self.list.len());
                    self.list.push(watch.fd, watch.interest);
                    self.tokens.push((watch.fd, token));
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Vec<u64>> {
        let places = self.list.wait(deadline)?;
        Ok(places.into_iter().map(|p| self.tokens[p].1).collect())
    }
}
