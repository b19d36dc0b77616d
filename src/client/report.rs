//! How actors write their events.

use std::sync::Arc;

use nix::errno::Errno;

use crate::scenario::Span;
use crate::timeline::{self, Ends, Event, Op, Timeline};

/// An actor's pen: its name and the timeline.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// Where events go.
    pub timeline: Arc<Timeline>,
    /// Who writes.
    pub actor: Arc<str>,
}

impl Reporter {
    /// An event to be completed and written with [`Draft::push`].
    pub fn event(&self, call: &str, result: impl Into<String>) -> Draft<'_> {
        Draft {
            timeline: &self.timeline,
            event: Event {
                at: timeline::now(),
                actor: self.actor.clone(),
                ends: None,
                call: call.to_string(),
                result: result.into(),
                errno: None,
                op: None,
                step: None,
                failed: false,
            },
        }
    }

    /// The event of a failed call: its result is the errno's name.
    pub fn error(&self, call: &str, errno: Errno) -> Draft<'_> {
        self.event(call, "").errno(errno)
    }
}

/// An event being written. Its time is when the draft was begun: right after the call returned.
#[must_use = "an event that is not pushed is lost"]
pub struct Draft<'a> {
    timeline: &'a Timeline,
    event: Event,
}

impl Draft<'_> {
    /// On this connection.
    pub fn ends(mut self, ends: Option<Ends>) -> Self {
        self.event.ends = ends;
        self
    }

    /// With this meaning for the order of bytes.
    pub fn op(mut self, op: impl Into<Option<Op>>) -> Self {
        self.event.op = op.into();
        self
    }

    /// By this step.
    pub fn step(mut self, span: Option<Span>) -> Self {
        self.event.step = span;
        self
    }

    /// The call failed with this.
    pub fn errno(mut self, errno: Errno) -> Self {
        let name = errno_name(errno);
        if self.event.result.is_empty() {
            self.event.result = name.clone();
        }
        self.event.errno = Some(name);
        self
    }

    /// Not what the scenario asked for.
    pub fn failed(mut self, failed: bool) -> Self {
        self.event.failed = failed;
        self
    }

    /// Writes it.
    pub fn push(self) {
        self.timeline.push(self.event);
    }
}

/// The name of an errno as in `errno.h`: `EPIPE`.
pub fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}

/// The errno of an I/O error; EIO if it carries none.
pub fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
