//! What actors did, when: events on the clock of the capture, and the sink they are written to.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::platform::Notify;

/// Nanoseconds since the Unix epoch (`CLOCK_REALTIME`), as the kernel stamps frames.
pub type Nanos = i64;

/// Now, on the capture's clock.
pub fn now() -> Nanos {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    since.as_nanos() as Nanos
}

/// The two ends of a connection as an actor's socket sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ends {
    /// The actor's own address.
    pub local: SocketAddr,
    /// The other end.
    pub peer: SocketAddr,
}

/// What an actor did, with what result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When the call had returned, ns since the Unix epoch.
    pub at: Nanos,
    /// Who: `server`, `client-1`.
    pub actor: Arc<str>,
    /// The connection, if the call was on a connected socket.
    pub ends: Option<Ends>,
    /// The call by its name in the socket API: `select`, `accept`, `recv`, `exit`…
    pub call: String,
    /// Result in words of the socket API: `ready [listener]`, `5`, `0`, `EPIPE`.
    pub result: String,
    /// The errno's name when the call failed (`EPIPE`, `ECONNREFUSED`); `None` otherwise.
    pub errno: Option<String>,
    /// What it means for the order of bytes on the wire.
    pub op: Option<Op>,
    /// The scenario's step: byte offsets into its text.
    pub step: Option<std::ops::Range<usize>>,
    /// The step failed in a way that the scenario did not ask for.
    pub failed: bool,
}

/// What program order says about a connection, in stream offsets (0 is the first byte after SYN).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// The actor could not have gone on before the peer's stream had reached this offset: an exact recv, or `queued = n`.
    Received(u64),
    /// A `recv` of up to n returned at least one byte; the actor has now read up to `end`, but only `at least one more` was certain.
    ReceivedSome {
        /// Stream offset read up to (varies between runs).
        end: u64,
    },
    /// The actor could not have gone on before the peer had acknowledged the own stream up to this offset.
    Acked(u64),
    /// The actor could not have gone on before the peer's FIN.
    PeerFin,
    /// The actor could not have gone on before the peer's RST.
    PeerReset,
    /// The kernel took these bytes of the own stream. `echo`: byte i was read as byte i of the peer's stream.
    Sent {
        /// First offset.
        start: u64,
        /// One past the last.
        end: u64,
        /// The bytes are those received at the same offsets.
        echo: bool,
    },
    /// `shutdown(SHUT_WR)` or `SHUT_RDWR`: a FIN follows the data.
    Shutdown,
    /// `close(2)`: FIN, or RST if `unread` bytes were left in the receive queue.
    Close {
        /// Bytes in the receive queue (FIONREAD) right before the call.
        unread: u64,
    },
    /// `close(2)` after `SO_LINGER` 0, or the process was killed with it: RST.
    Reset,
    /// The process was killed (SIGKILL): as close, not by the program.
    Killed,
}

/// Called with each event as it happens, in order; it must not use the timeline.
pub type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// Where actors write their events, and where others wait for them.
#[derive(Default)]
pub struct Timeline {
    events: Mutex<Vec<Event>>,
    changed: Condvar,
    subscribers: Mutex<Vec<Weak<Notify>>>,
    listener: Option<Listener>,
    /// Events are told and not kept.
    live: bool,
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline")
            .field("events", &self.lock().len())
            .finish_non_exhaustive()
    }
}

impl Timeline {
    /// An empty timeline.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// An empty timeline that calls `listener` with each event as it happens.
    pub fn with_listener(listener: Listener) -> Arc<Self> {
        Arc::new(Timeline {
            listener: Some(listener),
            ..Timeline::default()
        })
    }

    /// A timeline that calls `listener` with each event and keeps none: for a server that runs for days.
    pub fn live(listener: Listener) -> Arc<Self> {
        Arc::new(Timeline {
            listener: Some(listener),
            live: true,
            ..Timeline::default()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Adds an event and wakes those who wait.
    pub fn push(&self, event: Event) {
        {
            let mut events = self.lock();
            if let Some(listener) = &self.listener {
                listener(&event);
            }
            if self.live {
                return;
            }
            events.push(event);
        }
        self.wake();
    }

    /// Wakes those who wait, for instance because the run was cancelled.
    pub fn wake(&self) {
        // Under the lock, so that one who has just found `done` to be false is already waiting.
        let _events = self.events.lock().unwrap_or_else(|e| e.into_inner());
        self.changed.notify_all();
        let mut subscribers = self.subscribers.lock().unwrap_or_else(|e| e.into_inner());
        subscribers.retain(|s| match s.upgrade() {
            Some(notify) => {
                notify.signal();
                true
            }
            None => false,
        });
    }

    /// A descriptor that is signalled after each push and each [`Timeline::wake`], until it is dropped: to wait for an
    /// event in a `poll` beside sockets. Subscribe first, look second.
    ///
    /// # Errors
    /// What `eventfd(2)` says.
    pub fn subscribe(&self) -> std::io::Result<Arc<Notify>> {
        let notify = Arc::new(Notify::new()?);
        let mut subscribers = self.subscribers.lock().unwrap_or_else(|e| e.into_inner());
        subscribers.push(Arc::downgrade(&notify));
        Ok(notify)
    }

    /// Looks at what has been written so far, without copying it.
    pub fn with<T>(&self, look: impl FnOnce(&[Event]) -> T) -> T {
        look(&self.lock())
    }

    /// A copy of what has been written so far.
    pub fn snapshot(&self) -> Vec<Event> {
        self.lock().clone()
    }

    /// Waits until `done` holds of the events; `false` when `limit` has passed first.
    /// `done` is called again after each push and each [`Timeline::wake`].
    pub fn wait(&self, limit: Duration, mut done: impl FnMut(&[Event]) -> bool) -> bool {
        let end = Instant::now() + limit;
        let mut events = self.lock();
        loop {
            if done(&events) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            events = self
                .changed
                .wait_timeout(events, left)
                .unwrap_or_else(|e| e.into_inner())
                .0;
        }
    }
}
