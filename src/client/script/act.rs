//! One step being done: what it says of its progress, and which one an [`Action`] becomes.

use std::time::Duration;

use nix::errno::Errno;

use super::machine::Script;
use super::{connect, event, file, gate, listener, message, recv, send, together};
use crate::client::link::reset_op;
use crate::client::report::errno_name;
use crate::client::task::Watch;
use crate::scenario::{Action, Recv, Wait};
use crate::timeline::Op;

/// A step being done. It never blocks.
pub trait Act: Send {
    /// Does all that can be done now.
    fn advance(&mut self, script: &mut Script) -> Progress;

    /// What it waits for, in words, for the message of a time-out: `2 of 5 bytes`.
    fn waiting(&self, _script: &Script) -> String {
        String::new()
    }

    /// The step ends before it is done (time-out, failure, end of the run): report what was done of it.
    fn abandon(&mut self, _script: &mut Script) {}
}

/// How far a step is.
pub enum Progress {
    /// Done, with the event to write.
    Done(Done),
    /// Done; its event is written already.
    Quiet,
    /// To be continued when one of these is ready, or looked at again after a while where the kernel has no event.
    Wait {
        /// Descriptors.
        on: Vec<Watch>,
        /// Look again after this time.
        again: Option<Duration>,
    },
    /// Failed.
    Failed(Failure),
}

impl Progress {
    /// Waits for these.
    pub fn on(on: Vec<Watch>) -> Progress {
        Progress::Wait { on, again: None }
    }

    /// A bounded poll: for states that the kernel announces with no event.
    pub fn poll() -> Progress {
        Progress::Wait {
            on: Vec::new(),
            again: Some(Duration::from_millis(1)),
        }
    }

    /// Done, with this event.
    pub fn done(call: &'static str, result: impl Into<String>, op: impl Into<Option<Op>>) -> Self {
        Progress::Done(Done {
            call,
            result: result.into(),
            op: op.into(),
        })
    }

    /// The call failed with this errno.
    pub fn errno(call: &'static str, errno: Errno) -> Self {
        Progress::Failed(Failure {
            call,
            result: errno_name(errno),
            errno: Some(errno),
            fault: None,
            op: reset_op(errno),
        })
    }

    /// Failed without an errno: the result in words.
    pub fn failed(
        call: &'static str,
        result: impl Into<String>,
        op: impl Into<Option<Op>>,
    ) -> Self {
        Progress::Failed(Failure {
            call,
            result: result.into(),
            errno: None,
            fault: None,
            op: op.into(),
        })
    }
}

/// A step's result.
pub struct Done {
    /// The call.
    pub call: &'static str,
    /// Its result in words.
    pub result: String,
    /// Its meaning.
    pub op: Option<Op>,
}

/// A step's failure.
pub struct Failure {
    /// The call.
    pub call: &'static str,
    /// What went wrong, in words.
    pub result: String,
    /// With which errno, if it was a system call.
    pub errno: Option<Errno>,
    /// What is wrong with a message, by the word that `fails` has for it.
    pub fault: Option<&'static str>,
    /// What it says about the peer.
    pub op: Option<Op>,
}

/// The call that an action's events are named by.
pub fn call_of(action: &Action) -> &'static str {
    match action {
        Action::Connect(_) => "connect",
        Action::Bind(_) => "bind",
        Action::Send(_) | Action::SendMessage(_) => "send",
        Action::Recv(_) | Action::RecvMessage(_) | Action::RecvFile { .. } => "recv",
        Action::Shutdown(_) => "shutdown",
        Action::Close | Action::Reset | Action::CloseListener => "close",
        Action::Wait(_) => "wait",
        Action::Barrier(_) => "barrier",
        Action::Set(_) | Action::Deaf(_) => "setsockopt",
        Action::Repeat { .. } => "repeat",
        Action::Signal(signal, _) => signal.word(),
        Action::Accept => "accept",
    }
}

/// Begins a step. `Err` if it cannot even begin.
pub fn begin(action: &Action, script: &mut Script) -> Result<Box<dyn Act>, Failure> {
    let call = call_of(action);
    let folder = script.context.folder.clone();
    let load = |data: &crate::scenario::Data| {
        super::Payload::open(data, &folder).map_err(|e| Failure {
            call,
            result: e.to_string(),
            errno: None,
            fault: None,
            op: None,
        })
    };
    Ok(match action {
        Action::Connect(to) => Box::new(connect::Connect::new(*to)),
        Action::Bind(port) => Box::new(connect::Bind(*port)),
        Action::Set(option) => Box::new(connect::Set(*option)),
        Action::Deaf(on) => Box::new(connect::Deaf(*on)),
        Action::Shutdown(how) => Box::new(connect::Shutdown(*how)),
        Action::Close => Box::new(connect::Close),
        Action::Reset => Box::new(connect::Reset),
        Action::Send(data) => Box::new(send::Send::new(load(data)?)),
        Action::SendMessage(data) => Box::new(message::send(script, data, load(data)?)?),
        Action::Recv(Recv::Exact(data)) => Box::new(recv::Exact::equal(load(data)?)),
        Action::Recv(Recv::Count(n)) => Box::new(recv::Exact::count(*n)),
        Action::Recv(Recv::UpTo(n)) => Box::new(recv::UpTo(*n)),
        Action::Recv(Recv::Eof) => Box::new(recv::Eof::new()),
        Action::RecvMessage(expected) => {
            let expected = expected.as_ref().map(load).transpose()?;
            message::receive(script, expected)?
        }
        Action::RecvFile { into, equals } => Box::new(file::RecvFile::new(
            script,
            into.as_deref(),
            equals.as_deref(),
        )?),
        Action::Wait(Wait::Event(what)) => Box::new(event::WaitEvent::new(what.clone())),
        Action::Wait(Wait::Segment(what)) => Box::new(event::WaitSegment::new(what.clone())),
        Action::Wait(state) => Box::new(gate::Gate::new(state.clone())),
        Action::Barrier(name) => Box::new(together::Barrier::new(name)),
        Action::Signal(signal, actor) => Box::new(together::Kill(*signal, actor.clone())),
        Action::Accept => Box::new(listener::Accept),
        Action::CloseListener => Box::new(listener::CloseListener),
        // The machine steps into it; it is never begun.
        Action::Repeat { .. } => {
            return Err(Failure {
                call,
                result: "a repeat is not a step of its own".into(),
                errno: None,
                fault: None,
                op: None,
            });
        }
    })
}
