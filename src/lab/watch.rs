//! What the capture has shown so far: fed by the run, asked by `wait` steps.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::capture::Chunk;
use crate::client::WireWatch;
use crate::flow::{Exchange, Exchanges};
use crate::platform::Notify;
use crate::scenario::SegmentMatch;
use crate::tcp::{Conversation, Conversations, Fed, Side, Tracked};
use crate::timeline::{Ends, Nanos, Timeline};
use crate::wire::Packet;

/// The live view of the wire.
#[derive(Debug)]
pub struct Wire {
    conversations: Mutex<Seen>,
    exchanges: Mutex<Exchanges>,
    subscribers: Mutex<Vec<Weak<Notify>>>,
    timeline: Arc<Timeline>,
}

/// Conversations, and which of them had new segments since somebody asked.
#[derive(Debug, Default)]
struct Seen {
    all: Conversations,
    changed: Vec<u32>,
}

impl Wire {
    /// Nothing seen yet; `timeline` tells which connection is which client's.
    pub fn new(timeline: Arc<Timeline>) -> Arc<Self> {
        Arc::new(Wire {
            conversations: Mutex::default(),
            exchanges: Mutex::default(),
            subscribers: Mutex::default(),
            timeline,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.conversations.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Takes what the capture's next frame carries, which lies in this chunk.
    pub fn push(&self, frame: u64, time: Nanos, packet: &Packet<'_>, chunk: Option<&Chunk>) {
        let mut seen = self.lock();
        if let Fed::Segment(Tracked { stream, .. }) = seen.all.feed(frame, time, packet, chunk)
            && seen.changed.last() != Some(&stream)
        {
            seen.changed.push(stream);
        }
        drop(seen);
        if !matches!(packet, Packet::Tcp(_)) {
            let mut exchanges = self.exchanges.lock().unwrap_or_else(|e| e.into_inner());
            exchanges.feed(frame, time, packet, chunk);
        }
    }

    /// Looks at the datagrams seen so far.
    pub fn with_udp<T>(&self, look: impl FnOnce(&[Exchange]) -> T) -> T {
        look(
            self.exchanges
                .lock()
                .unwrap_or_else(|e| e.into_inner())
                .list(),
        )
    }

    /// All datagrams that were seen.
    pub fn take_udp(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.exchanges.lock().unwrap_or_else(|e| e.into_inner())).finish()
    }

    /// Wakes those who wait for segments; called once for each batch of frames.
    pub fn wake(&self) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(|e| e.into_inner());
        subscribers.retain(|subscriber| {
            let alive = subscriber.upgrade();
            if let Some(notify) = &alive {
                notify.signal();
            }
            alive.is_some()
        });
    }

    /// Looks at what has been seen so far.
    pub fn with<T>(&self, look: impl FnOnce(&[Conversation]) -> T) -> T {
        look(self.lock().all.list())
    }

    /// Looks at what has been seen so far, and at the streams that had new segments since the last
    /// call, some of them named more than once.
    pub fn with_changed<T>(&self, look: impl FnOnce(&[Conversation], Vec<u32>) -> T) -> T {
        let mut seen = self.lock();
        let changed = std::mem::take(&mut seen.changed);
        look(seen.all.list(), changed)
    }

    /// Everything that was seen.
    pub fn take(&self) -> Vec<Conversation> {
        std::mem::take(&mut *self.lock()).all.finish()
    }
}

impl WireWatch for Wire {
    fn subscribe(&self) -> std::io::Result<Arc<Notify>> {
        let notify = Arc::new(Notify::new()?);
        let mut subscribers = self.subscribers.lock().unwrap_or_else(|e| e.into_inner());
        subscribers.push(Arc::downgrade(&notify));
        Ok(notify)
    }

    fn seen(&self, what: &SegmentMatch, own: Option<Ends>) -> Result<bool, String> {
        let ends = match &what.connection {
            None => own,
            Some(name) => self.timeline.with(|events| {
                let of_client = events
                    .iter()
                    .rev()
                    .find(|event| *event.actor == **name && event.ends.is_some());
                of_client.and_then(|event| event.ends)
            }),
        };
        if ends.is_none() && what.connection.is_some() {
            // That client has not connected yet: its segments may still come.
            return Ok(false);
        }
        let from = what.from.as_deref();
        let count = self.with(|conversations| {
            let mine = |conversation: &&Conversation| {
                let pair = (conversation.client, conversation.server);
                ends.is_none_or(|ends| {
                    pair == (ends.local, ends.peer) || pair == (ends.peer, ends.local)
                })
            };
            // Of a pair used again the last connection; without a pair (a listening socket) all.
            let some = conversations.iter().rev().filter(mine).take(match ends {
                Some(_) => 1,
                None => usize::MAX,
            });
            let segments = some.flat_map(|conversation| &conversation.segments);
            let matching = segments.filter(|segment| {
                let sender = match segment.from {
                    Side::Client => "client",
                    Side::Server => "server",
                };
                let wanted = what
                    .flags
                    .split(',')
                    .map(str::trim)
                    .filter(|flag| !flag.is_empty());
                from.is_none_or(|from| from == sender)
                    && wanted
                        .into_iter()
                        .all(|flag| segment.flags.iter_names().any(|(name, _)| name == flag))
            });
            matching.count()
        });
        Ok(count >= what.times as usize)
    }

    fn shown(&self, own: Ends) -> u64 {
        self.lock().all.reached(own.local, own.peer)
    }
}
