//! The loop of `select`, `poll` and `epoll`: listener and connections in one list.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use super::accept::{Accepted, Acceptor};
use super::handler;
use super::shop::{Serve, Shop};
use crate::client::{Link, Task, Want, Watch};
use crate::platform::multiplex::Interest;
use std::os::fd::AsRawFd;

/// One of the three system calls: it watches descriptors, each under the token of the task that waits for it.
pub trait Multiplexer: Send {
    /// The system call, as events name it.
    fn call(&self) -> &'static str;

    /// `token` waited for `old` and now waits for `new`. A watch of `old` that is not in `new` may be closed already.
    ///
    /// # Errors
    /// In words: what cannot be watched, and why. Then nothing of `new` is watched.
    fn update(&mut self, token: u64, old: &[Watch], new: &[Watch]) -> Result<(), String>;

    /// Waits; the tokens with something ready, some perhaps twice. Nothing at the deadline or after a signal.
    ///
    /// # Errors
    /// What the system call says.
    fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Vec<u64>>;
}

/// Token of the cancel descriptor.
const CANCEL: u64 = 0;
/// Token of the listener.
const LISTENER: u64 = 1;
/// Connections taken in a row before the others have their turn.
const BURST: usize = 16;
/// Pause of accepting when the system has no room and no connection of ours ends.
const FULL_PAUSE: Duration = Duration::from_millis(10);

/// A server that waits with `M`.
pub struct EventLoop<M>(pub M);

struct Entry {
    task: Box<dyn Task>,
    peer: String,
    watches: Vec<Watch>,
    deadline: Option<Instant>,
}

struct Loop<'a> {
    shop: &'a Shop,
    multiplexer: &'a mut dyn Multiplexer,
    acceptor: Acceptor,
    entries: BTreeMap<u64, Entry>,
    deadlines: BTreeSet<(Instant, u64)>,
    /// Programs that have ended and left sockets open: these close at teardown.
    kept: Vec<Box<dyn Task>>,
    listening: Vec<Watch>,
    next: u64,
}

impl<M: Multiplexer> Serve for EventLoop<M> {
    fn serve(mut self: Box<Self>, shop: &Shop) -> io::Result<()> {
        let mut server = Loop {
            shop,
            multiplexer: &mut self.0,
            acceptor: Acceptor::new(),
            entries: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            kept: Vec::new(),
            listening: Vec::new(),
            next: 2,
        };
        server.run()
    }
}

impl Loop<'_> {
    fn run(&mut self) -> io::Result<()> {
        let cancel = Watch {
            fd: self.shop.context.cancel.as_raw_fd(),
            id: 0,
            interest: Interest::READ,
        };
        self.multiplexer
            .update(CANCEL, &[], &[cancel])
            .map_err(io::Error::other)?;
        self.listen(true)?;
        loop {
            let deadline = self.deadlines.first().map(|(at, _)| *at);
            let ready: BTreeSet<u64> = self.multiplexer.wait(deadline)?.into_iter().collect();
            if ready.contains(&CANCEL) {
                for entry in self.entries.values_mut() {
                    entry.task.cancelled();
                }
                return Ok(());
            }
            self.report(&ready);
            for token in ready {
                match token {
                    LISTENER => self.accept()?,
                    _ => self.step(token)?,
                }
            }
            self.expire()?;
        }
    }

    /// The event of the call itself: `ready [listener, 127.0.0.1:40000]`.
    fn report(&self, ready: &BTreeSet<u64>) {
        const SHOWN: usize = 8;
        let mut names: Vec<&str> = Vec::new();
        for token in ready.iter().take(SHOWN) {
            match (*token, self.entries.get(token)) {
                (LISTENER, _) => names.push("listener"),
                (_, Some(entry)) => names.push(&entry.peer),
                _ => {}
            }
        }
        if names.is_empty() {
            return;
        }
        let more = match ready.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!(", and {n} more"),
        };
        let text = format!("ready [{}{more}]", names.join(", "));
        self.shop
            .reporter
            .event(self.multiplexer.call(), text)
            .push();
    }

    /// Watches the listener, or not, or no longer because a step closed it.
    fn listen(&mut self, on: bool) -> io::Result<()> {
        let new: Vec<Watch> = match on {
            true => self.shop.listener.watch().into_iter().collect(),
            false => Vec::new(),
        };
        if new == self.listening {
            return Ok(());
        }
        self.multiplexer
            .update(LISTENER, &self.listening, &new)
            .map_err(io::Error::other)?;
        self.listening = new;
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        for _ in 0..BURST {
            match self.acceptor.accept(self.shop)? {
                Accepted::Connection(link) => self.add(link)?,
                Accepted::Lost => {}
                Accepted::Nothing => return Ok(()),
                Accepted::Closed => return self.listen(false),
                Accepted::Full => {
                    self.listen(false)?;
                    self.deadlines
                        .insert((Instant::now() + FULL_PAUSE, LISTENER));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, link: Link) -> io::Result<()> {
        let peer = link.ends.map_or_else(String::new, |e| e.peer.to_string());
        // Refused before its program says a word: what cannot be watched cannot be served.
        if let Err(why) = self.can_watch(&link) {
            let mut link = link;
            link.event("accept", format!("refused: {why}"))
                .errno(nix::errno::Errno::EMFILE)
                .push();
            link.close();
            return Ok(());
        }
        let token = self.next;
        self.next += 1;
        let entry = Entry {
            task: handler::welcome(self.shop, link),
            peer,
            watches: Vec::new(),
            deadline: None,
        };
        self.entries.insert(token, entry);
        self.step(token)
    }

    fn can_watch(&mut self, link: &Link) -> Result<(), String> {
        let watch = link.watch(Interest::READ);
        let probe = self.next;
        self.multiplexer.update(probe, &[], &watch)?;
        self.multiplexer.update(probe, &watch, &[])
    }

    /// Runs a task and watches what it wants next.
    fn step(&mut self, token: u64) -> io::Result<()> {
        let Some(entry) = self.entries.get_mut(&token) else {
            return Ok(());
        };
        let want = entry.task.run();
        // Before the task's own watches: a step may have closed the listener, and its number may be in use again.
        if !self.listening.is_empty() && self.shop.listener.watch().is_none() {
            self.listen(false)?;
        }
        let Some(entry) = self.entries.get_mut(&token) else {
            return Ok(());
        };
        if let Some(at) = entry.deadline.take() {
            self.deadlines.remove(&(at, token));
        }
        let (on, until) = match want {
            Want::Wait { on, until } => (on, until),
            Want::Over => {
                self.end(token);
                return self.listen(true);
            }
        };
        if on != entry.watches {
            if let Err(why) = self.multiplexer.update(token, &entry.watches, &on) {
                let text = format!("{}: {why}", entry.peer);
                self.shop
                    .reporter
                    .event(self.multiplexer.call(), text)
                    .failed(true)
                    .push();
                entry.watches.clear();
                self.end(token);
                return Ok(());
            }
            entry.watches = on;
        }
        entry.deadline = until;
        self.deadlines.extend(until.map(|at| (at, token)));
        Ok(())
    }

    fn end(&mut self, token: u64) {
        let Some(entry) = self.entries.remove(&token) else {
            return;
        };
        let _ = self.multiplexer.update(token, &entry.watches, &[]);
        if entry.task.holds() {
            self.kept.push(entry.task);
        }
    }

    fn expire(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some((at, token)) = self.deadlines.first().copied()
            && at <= now
        {
            self.deadlines.pop_first();
            due.push(token);
        }
        for token in due {
            match token {
                LISTENER => self.listen(true)?,
                _ => self.step(token)?,
            }
        }
        Ok(())
    }
}
