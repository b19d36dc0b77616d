//! Streams, relative numbers, analysis: segment by segment, in capture order.

use std::net::SocketAddr;

use super::connection::{Connection, Kept};
use super::flow::Seen;
use super::table::{Index, Key, Seeds};
use super::{Analysis, Completeness, Summary, Tracked};
use crate::timeline::Nanos;
use crate::wire::{Flags, Options, Segment};

/// How much the tracker remembers.
///
/// When a connection would be one too many, another is closed into the result: the first, in the
/// order in which they lie in memory, that has sent nothing since the search last came by (the
/// 'clock' way of finding one that was idle for long without touching a list at each segment).
/// Its numbers go on being remembered, with those of the `kept` that were closed last: if more
/// of it comes, it has its stream number, relative numbers and analysis as if nothing had
/// happened, and a further [`Summary`]. One that is forgotten, too, comes back as a new stream;
/// later stream numbers are then higher than Wireshark's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; 568 bytes each, and what a hole in the stream needs.
    pub live: usize,
    /// Connections closed into the result whose numbers are remembered; about 250 bytes each.
    pub kept: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            live: 64_000,
            kept: 16_384,
        }
    }
}

/// Up to so many connections, room grows as they come.
const FEW: usize = 1_000;

/// Follows every connection of a capture, in bounded memory.
///
/// Connections that end the usual way stay until [`Tracker::finish`]: more segments may follow.
/// Those that make room, or whose ports a new connection uses, are handed out earlier:
/// [`Tracker::take_finished`], to be called now and then, else the summaries pile up.
#[derive(Debug)]
pub struct Tracker {
    limits: Limits,
    seeds: Seeds,
    index: Index,
    connections: Vec<Connection>,
    next_stream: u32,
    /// Where the search for an idle connection goes on.
    hand: usize,
    kept: Ring,
    finished: Vec<Summary>,
}

impl Default for Tracker {
    fn default() -> Self {
        Tracker::with_limits(Limits::default())
    }
}

impl Tracker {
    /// A tracker that remembers so much.
    pub fn with_limits(limits: Limits) -> Tracker {
        Tracker {
            limits,
            seeds: Seeds::random(),
            index: Index::default(),
            connections: Vec::new(),
            next_stream: 0,
            hand: 0,
            kept: Ring::default(),
            finished: Vec::new(),
        }
    }

    /// Takes the next segment; `frame` is its 1-based number, `time` its timestamp.
    ///
    /// A header length below 20 is taken as it is: Wireshark analyses such a segment, but shows
    /// nothing of it and does not count its flags.
    pub fn push(&mut self, frame: u64, time: Nanos, segment: &Segment<'_>) -> Tracked {
        self.take(frame, time, segment, false)
    }

    /// As [`Tracker::push`], of a segment whose header is longer than what the capture holds of
    /// it, at least 16 bytes. Wireshark analyses it, too, but shows no `tcp.analysis` flag of it,
    /// and learns no more of window scales than from the options that are there.
    pub fn push_cut(&mut self, frame: u64, time: Nanos, segment: &Segment<'_>) -> Tracked {
        self.take(frame, time, segment, true)
    }

    /// Takes a TCP header that is no segment: quoted in an ICMP error, or of a datagram too short
    /// for it. Wireshark gives it a stream, a new one where there is none, and lets it count for
    /// `tcp.completeness`, and its options if the whole header is there; returns that stream.
    pub fn push_stub(
        &mut self,
        time: Nanos,
        (src, dst): (SocketAddr, SocketAddr),
        seq: u32,
        flags: Flags,
        options: Option<&Options>,
    ) -> u32 {
        let (key, from) = Key::new(src, dst);
        let (position, arrival) = self.locate(key, from, seq, flags);
        let connection = &mut self.connections[position as usize];
        connection.take_stub(from, time, flags, options, arrival == Arrival::New);
        connection.stream
    }

    fn take(&mut self, frame: u64, time: Nanos, segment: &Segment<'_>, cut: bool) -> Tracked {
        let (key, from) = Key::of(segment);
        let (position, arrival) = self.locate(key, from, segment.seq.0, segment.flags);
        let seen = Seen {
            frame,
            time,
            seq: segment.seq.0,
            ack: segment.ack.0,
            len: segment.len,
            window: u32::from(segment.window),
            flags: segment.flags,
            multipath: 0,
        };
        let connection = &mut self.connections[position as usize];
        let is_new = arrival == Arrival::New;
        let mut tracked = connection.take(from, &seen, segment, is_new, cut);
        if matches!(arrival, Arrival::Reopened | Arrival::Renumbered) {
            tracked.analysis |= Analysis::REUSED_PORTS;
        }
        if cut || segment.header_len < 20 {
            tracked.analysis = Analysis::empty();
            tracked.dup_ack = 0;
        }
        tracked
    }

    /// Finds the connection of a header sent by end `from`, or makes it.
    fn locate(&mut self, key: Key, from: usize, seq: u32, flags: Flags) -> (u32, Arrival) {
        let hash = self.seeds.hash(&key);
        let opening = flags & (Flags::SYN | Flags::ACK) == Flags::SYN;
        let answering = flags.contains(Flags::SYN | Flags::ACK);
        let found = self
            .index
            .find(hash, |p| self.connections[p as usize].key == key);
        let mut arrival = Arrival::Known;
        let position = match found {
            Some(position) => position,
            None => {
                let mut connection = Connection::new(key, 0);
                if let Some(kept) = self.kept.take(hash, &key) {
                    connection.resume(kept);
                } else {
                    connection.stream = self.new_stream();
                    arrival = Arrival::New;
                }
                self.insert(hash, connection)
            }
        };
        let flow = &mut self.connections[position as usize].flows[from];
        if flow.based && seq == flow.base && opening {
            flow.syn_again();
        } else if flow.based && seq != flow.base {
            if opening {
                // A new number on the same ends: a new stream.
                let mut connection = Connection::new(key, self.new_stream());
                connection.completeness = Completeness::SYN;
                let old = &mut self.connections[position as usize];
                let old = std::mem::replace(old, connection);
                self.close(&old, false);
                arrival = Arrival::Reopened;
            } else if answering {
                flow.base = seq;
                arrival = Arrival::Renumbered;
            }
        }
        (position, arrival)
    }

    /// Puts a connection into the result, if there is anything to say.
    fn close(&mut self, connection: &Connection, evicted: bool) {
        if !connection.is_empty() {
            self.finished.push(connection.summary(evicted));
        }
    }

    fn new_stream(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 1;
        stream
    }

    fn insert(&mut self, hash: u64, connection: Connection) -> u32 {
        let (count, live) = (self.connections.len(), self.limits.live.max(1));
        let position = if count < live {
            if count == self.connections.capacity() && count >= FEW {
                // All the room at once: it is not used before it is filled, and growing by
                // doubling would for a moment take it twice.
                let room = (live - count).min(count.max(Limits::default().live));
                self.connections.reserve_exact(room);
            }
            self.connections.push(connection);
            self.connections.len() - 1
        } else {
            let position = self.evict();
            self.connections[position] = connection;
            position
        };
        self.index.insert(hash, position as u32);
        position as u32
    }

    /// Closes a connection into the result; its position is free then.
    fn evict(&mut self) -> usize {
        loop {
            let position = self.hand;
            self.hand = (position + 1) % self.connections.len();
            let connection = &mut self.connections[position];
            if std::mem::take(&mut connection.recent) && !connection.ended() {
                continue;
            }
            if !connection.is_empty() {
                self.finished.push(connection.summary(true));
            }
            let (key, kept) = (connection.key, connection.keep());
            let hash = self.seeds.hash(&key);
            self.index.remove(hash, position as u32);
            self.kept.put(self.limits.kept, hash, key, kept);
            return position;
        }
    }

    /// How many streams there were so far.
    pub fn streams(&self) -> u32 {
        self.next_stream
    }

    /// The account so far of a connection that is not finished.
    pub fn summary(&self, stream: u32) -> Option<Summary> {
        self.connections
            .iter()
            .find(|c| c.stream == stream)
            .map(|c| c.summary(false))
    }

    /// The connections finished since the last call: replaced by one on the same ports, or closed
    /// to make room.
    pub fn take_finished(&mut self) -> std::vec::Drain<'_, Summary> {
        self.finished.drain(..)
    }

    /// All connections not taken yet, by stream number.
    pub fn finish(mut self) -> impl Iterator<Item = Summary> {
        self.finished.sort_by_key(|s| s.stream);
        let connections = self.connections;
        // Positions are sorted, not connections: these are large.
        let mut order: Vec<u32> = (0..connections.len() as u32).collect();
        order.retain(|&p| !connections[p as usize].is_empty());
        order.sort_unstable_by_key(|&p| connections[p as usize].stream);
        let mut finished = self.finished.into_iter().peekable();
        let mut live = order.into_iter().peekable();
        std::iter::from_fn(move || {
            let next = live.peek().map(|&p| connections[p as usize].stream);
            if finished
                .peek()
                .is_some_and(|s| next.is_none_or(|n| s.stream <= n))
            {
                return finished.next();
            }
            live.next().map(|p| connections[p as usize].summary(false))
        })
    }
}

/// How a segment finds its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// It is the first.
    New,
    /// It has one.
    Known,
    /// A SYN with a new number ended the old one.
    Reopened,
    /// A SYN-ACK has another number than what was seen of its sender.
    Renumbered,
}

/// The connections closed into the result last.
#[derive(Debug, Default)]
struct Ring {
    index: Index,
    entries: Vec<(u64, Key, Option<Kept>)>,
    next: usize,
}

impl Ring {
    fn put(&mut self, limit: usize, hash: u64, key: Key, kept: Kept) {
        if limit == 0 {
            return;
        }
        let at = self.next;
        if self.entries.len() < limit {
            self.entries.push((hash, key, Some(kept)));
        } else {
            let (old, _, live) = self.entries[at];
            if live.is_some() {
                self.index.remove(old, at as u32);
            }
            self.entries[at] = (hash, key, Some(kept));
        }
        self.index.insert(hash, at as u32);
        self.next = (at + 1) % limit;
    }

    fn take(&mut self, hash: u64, key: &Key) -> Option<Kept> {
        let at = self
            .index
            .find(hash, |p| self.entries[p as usize].1 == *key)?;
        self.index.remove(hash, at);
        self.entries[at as usize].2.take()
    }
}
