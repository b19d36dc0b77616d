//! The machine: program counter, time limit, expected failures, and the events that steps become.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use socket2::Socket;

use super::act::{Act, Done, Failure, Progress, begin, call_of};
use super::listener::ListenerSlot;
use crate::client::context::Context;
use crate::client::link::Link;
use crate::client::report::errno_name;
use crate::client::task::{Task, Want};
use crate::scenario::{Action, Framing, Step};
use crate::timeline::Ends;

/// Steps that one call of [`Task::run`] does at most before others have their turn.
const BUDGET: usize = 64;

/// Whose script it is.
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// Where `connect` goes unless the step says otherwise: a client.
    pub target: Option<SocketAddr>,
    /// Over UDP.
    pub datagram: bool,
    /// The server's listening socket, for `accept` and `close-listener`.
    pub listener: Option<Arc<ListenerSlot>>,
    /// How messages are framed.
    pub framing: Option<Framing>,
}

/// Place in a list of steps, and which round of it this is.
#[derive(Debug, Clone, Copy)]
struct Level {
    index: usize,
    round: u32,
}

/// A script being interpreted. It never blocks; sockets that it leaves open stay open until it is dropped.
pub struct Script {
    pub(super) context: Context,
    pub(super) role: Role,
    pub(super) link: Link,
    /// The own `shutdown` calls, which change what gates may conclude.
    pub(super) shut_read: bool,
    pub(super) shut_write: bool,
    /// A pending error was consumed by a call: POLLERR will not show it again.
    pub(super) saw_reset: bool,
    pub(super) kept: Vec<Socket>,
    steps: Arc<Vec<Step>>,
    position: Vec<Level>,
    doing: Option<Box<dyn Act>>,
    /// The errno or fault that the current step must fail with.
    expected: Option<String>,
    deadline: Instant,
    result: Option<Result<(), String>>,
    /// For a server's script: the accepted connection, none for one of the listening socket.
    serves: Option<Option<Ends>>,
}

impl Script {
    /// A script at its first step. `link` is connected already for a server, unconnected for a client.
    pub fn new(steps: Arc<Vec<Step>>, context: Context, role: Role, link: Link) -> Self {
        let serves = role.target.is_none().then_some(link.ends);
        Script {
            serves,
            context,
            role,
            link,
            shut_read: false,
            shut_write: false,
            saw_reset: false,
            kept: Vec::new(),
            steps,
            position: vec![Level { index: 0, round: 0 }],
            doing: None,
            expected: None,
            deadline: Instant::now(),
            result: None,
        }
    }

    /// Is the step at the program counter one that must fail with this errno?
    pub(super) fn expects(&self, errno: &str) -> bool {
        self.expected.as_deref() == Some(errno)
    }

    /// How it ended; `None` while it has not. The error says which step failed.
    pub fn result(&self) -> Option<&Result<(), String>> {
        self.result.as_ref()
    }

    /// The sockets that it left open.
    pub fn into_sockets(mut self) -> Vec<Socket> {
        let mut sockets = std::mem::take(&mut self.kept);
        sockets.extend(self.link.take());
        sockets
    }

    /// The step at the program counter, after stepping into repeats and out of lists that are done.
    fn current<'a>(&mut self, root: &'a [Step]) -> Option<&'a Step> {
        loop {
            let mut list = root;
            let mut times = 1;
            for level in &self.position[..self.position.len() - 1] {
                if let Action::Repeat { times: n, steps } = &list[level.index].action {
                    (list, times) = (steps, *n);
                }
            }
            let depth = self.position.len();
            let level = self.position.last_mut()?;
            match list.get(level.index) {
                Some(step) => match &step.action {
                    Action::Repeat { times: 0, .. } => level.index += 1,
                    Action::Repeat { steps, .. } if steps.is_empty() => level.index += 1,
                    Action::Repeat { .. } => self.position.push(Level { index: 0, round: 0 }),
                    _ => return Some(step),
                },
                None if depth == 1 => return None,
                None if level.round + 1 < times => {
                    (level.index, level.round) = (0, level.round + 1);
                }
                None => {
                    self.position.pop();
                    self.next();
                }
            }
        }
    }

    fn next(&mut self) {
        if let Some(level) = self.position.last_mut() {
            level.index += 1;
        }
    }

    fn succeeded(&mut self, step: &Step, done: Option<Done>) {
        if let Some((name, _)) = &step.fails {
            let (call, result, op) = match done {
                Some(d) => (d.call, d.result, d.op),
                None => (call_of(&step.action), "ok".to_string(), None),
            };
            let text = format!("{result}, but {name} was expected");
            self.link.event(call, &*text).op(op).failed(true).push();
            self.finish(Err(format!("{call}: {text}")));
            return;
        }
        if let Some(done) = done {
            self.link.event(done.call, done.result).op(done.op).push();
        }
        self.next();
    }

    fn step_failed(&mut self, step: &Step, failure: Failure) {
        if failure.op == Some(crate::timeline::Op::PeerReset) || failure.errno == Some(Errno::EPIPE)
        {
            self.saw_reset = true;
        }
        let expected = step.fails.as_ref().map(|(name, _)| name.as_str());
        let actual = match failure.errno {
            Some(errno) => Some(errno_name(errno)),
            None => failure.fault.map(str::to_owned),
        };
        let as_expected = expected.is_some() && expected == actual.as_deref();
        let mut result = failure.result;
        if let (false, Some(name)) = (as_expected, expected) {
            result = format!("{result}, but {name} was expected");
        }
        let mut event = self.link.event(failure.call, &*result).op(failure.op);
        if let Some(errno) = failure.errno {
            event = event.errno(errno);
        }
        event.failed(!as_expected).push();
        match as_expected {
            true => self.next(),
            false => self.finish(Err(format!("{}: {result}", failure.call))),
        }
    }

    fn timed_out(&mut self, step: &Step, waiting: String) {
        let call = call_of(&step.action);
        let colon = if waiting.is_empty() { "" } else { ": " };
        let result = format!("{call} after {}{colon}{waiting}", seconds(step.limit));
        self.link.event("timeout", &*result).failed(true).push();
        self.finish(Err(format!("timeout: {result}")));
    }

    fn finish(&mut self, result: Result<(), String>) {
        if let Some(ends) = self.serves.take() {
            // A client's runner says so itself; here nobody else knows.
            let text = result.as_ref().err().map_or("ok", |error| error.as_str());
            self.link.step = None;
            self.link.event("done", text).ends(ends).push();
        }
        self.result = Some(result);
        self.doing = None;
    }
}

/// A time limit as people write it: `5 s`, `250 ms`.
fn seconds(limit: Duration) -> String {
    match limit.subsec_millis() {
        0 => format!("{} s", limit.as_secs()),
        _ => format!("{} ms", limit.as_millis()),
    }
}

impl Task for Script {
    fn run(&mut self) -> Want {
        let steps = self.steps.clone();
        for _ in 0..BUDGET {
            if self.result.is_some() {
                return Want::Over;
            }
            let Some(step) = self.current(&steps) else {
                self.finish(Ok(()));
                return Want::Over;
            };
            let mut doing = match self.doing.take() {
                Some(doing) => doing,
                None => {
                    self.link.step = Some(step.span.clone());
                    self.deadline = Instant::now() + step.limit;
                    self.expected = step.fails.as_ref().map(|(name, _)| name.clone());
                    match begin(&step.action, self) {
                        Ok(doing) => doing,
                        Err(failure) => {
                            self.step_failed(step, failure);
                            continue;
                        }
                    }
                }
            };
            match doing.advance(self) {
                Progress::Done(done) => self.succeeded(step, Some(done)),
                Progress::Quiet => self.succeeded(step, None),
                // What others do because the run has ended is no failure of this step.
                Progress::Failed(_) if self.context.cancel.is_cancelled() => {
                    self.doing = Some(doing);
                    self.cancelled();
                    return Want::Over;
                }
                Progress::Failed(failure) => {
                    doing.abandon(self);
                    self.step_failed(step, failure);
                }
                Progress::Wait { on, again } => {
                    let now = Instant::now();
                    if now >= self.deadline {
                        let waiting = doing.waiting(self);
                        doing.abandon(self);
                        self.timed_out(step, waiting);
                        return Want::Over;
                    }
                    self.doing = Some(doing);
                    let soon = again.map(|t| now + t).unwrap_or(self.deadline);
                    return Want::Wait {
                        on,
                        until: Some(soon.min(self.deadline)),
                    };
                }
            }
        }
        Want::again()
    }

    fn cancelled(&mut self) {
        let steps = self.steps.clone();
        if self.result.is_some() {
            return;
        }
        if let Some(step) = self.current(&steps) {
            let call = call_of(&step.action);
            let mut text = call.to_string();
            if let Some(mut doing) = self.doing.take() {
                let waiting = doing.waiting(self);
                if !waiting.is_empty() {
                    text = format!("{call}: {waiting}");
                }
                doing.abandon(self);
            }
            self.link.event("cancelled", &*text).push();
            self.finish(Err(format!("cancelled in {text}")));
        }
    }

    fn holds(&self) -> bool {
        self.link.socket().is_some() || !self.kept.is_empty()
    }
}
