//! What every actor of a run shares.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use super::barrier::Barriers;
use super::report::Reporter;
use crate::platform::{Cancel, Notify};
use crate::scenario::{ProcessSignal, SegmentMatch};
use crate::timeline::{Ends, Timeline};

/// The surroundings of an actor.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where its events go, and where it waits for those of others.
    pub timeline: Arc<Timeline>,
    /// Ends it.
    pub cancel: Cancel,
    /// The scenario's folder: files to send and to compare with are relative to it.
    pub folder: PathBuf,
    /// The folder for what is received into files.
    pub output: PathBuf,
    /// Meeting points of the clients.
    pub barriers: Arc<Barriers>,
    /// What has been seen on the wire, if there is a capture.
    pub wire: Option<Arc<dyn WireWatch>>,
    /// Power over other actors' processes.
    pub control: Option<Arc<dyn Control>>,
    /// The program that is started again for a server in a process of its own; `/proc/self/exe` unless a test says
    /// otherwise.
    pub program: PathBuf,
}

impl Context {
    /// A context without capture, control or barriers, in the current folder.
    pub fn new(timeline: Arc<Timeline>, cancel: Cancel) -> Self {
        Context {
            timeline,
            cancel,
            folder: PathBuf::from("."),
            output: PathBuf::from("."),
            barriers: Arc::default(),
            wire: None,
            control: None,
            program: PathBuf::from("/proc/self/exe"),
        }
    }

    /// The pen of this actor.
    pub fn reporter(&self, actor: &Arc<str>) -> Reporter {
        Reporter {
            timeline: self.timeline.clone(),
            actor: actor.clone(),
        }
    }
}

/// What the capture has seen, as far as `wait` steps need it. The lab implements it.
pub trait WireWatch: Send + Sync + Debug {
    /// A descriptor signalled after each change of what has been seen. Subscribe first, look second.
    ///
    /// # Errors
    /// What `eventfd(2)` says.
    fn subscribe(&self) -> std::io::Result<Arc<Notify>>;

    /// Has this been seen, as often as it says? `own` is the connection of the actor who asks, meant when the match
    /// names none.
    ///
    /// # Errors
    /// A sentence why it can never be known: unknown connection, no capture.
    fn seen(&self, what: &SegmentMatch, own: Option<Ends>) -> Result<bool, String>;

    /// How far the capture shows the stream that `own.local` sent to `own.peer`: the offset behind its
    /// last byte, 0 if it shows none. Without a capture there is nothing to be ahead of.
    fn shown(&self, _own: Ends) -> u64 {
        u64::MAX
    }
}

/// Power over actors that run in processes of their own. The lab implements it; see [`crate::server::Controls`].
pub trait Control: Send + Sync + Debug {
    /// A signal to this actor's process. After [`ProcessSignal::Stop`] it has stopped.
    ///
    /// # Errors
    /// A sentence: no such actor, not a process of its own, already ended.
    fn signal(&self, actor: &str, signal: ProcessSignal) -> Result<(), String>;
}
