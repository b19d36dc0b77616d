//! `select(2)`: a set of descriptor numbers, built anew for each call, none of them at or above FD_SETSIZE.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::RawFd;
use std::time::Instant;

use super::event_loop::Multiplexer;
use crate::client::Watch;
use crate::platform::multiplex::{Interest, SELECT_LIMIT, select};

/// The list that `select` is called with.
#[derive(Default)]
pub struct Select {
    list: BTreeMap<RawFd, (u64, Interest)>,
}

impl Multiplexer for Select {
    fn call(&self) -> &'static str {
        "select"
    }

    fn update(&mut self, token: u64, old: &[Watch], new: &[Watch]) -> Result<(), String> {
        for watch in old {
            if self.list.get(&watch.fd).is_some_and(|(t, _)| *t == token) {
                self.list.remove(&watch.fd);
            }
        }
        if let Some(watch) = new.iter().find(|w| w.fd >= SELECT_LIMIT) {
            return Err(format!(
                "descriptor {} is not below FD_SETSIZE ({SELECT_LIMIT}), select(2) cannot watch it; poll and epoll can",
                watch.fd
            ));
        }
        for watch in new {
            self.list.insert(watch.fd, (token, watch.interest));
        }
        Ok(())
    }

    fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Vec<u64>> {
        let watched = self.list.iter().map(|(fd, (_, interest))| (*fd, *interest));
        let ready = select(watched, deadline)?;
        Ok(ready
            .iter()
            .filter_map(|fd| self.list.get(fd))
            .map(|(token, _)| *token)
            .collect())
    }
}
