//! One TCP connection with all its segments, for the rooms that judge and draw.

use std::net::SocketAddr;

use rustc_hash::FxHashMap;

use super::{Analysis, Fed, Side, Tracked, Tracker};
use crate::capture::{Chunk, Payload};
use crate::timeline::Nanos;
use crate::wire::{Flags, Options, Packet, Segment};

/// One segment of a conversation, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seg {
    /// Number in the capture, from 1.
    pub frame: u64,
    /// Timestamp, ns since the Unix epoch.
    pub time: Nanos,
    /// Who sent it.
    pub from: Side,
    /// Control bits.
    pub flags: Flags,
    /// Relative sequence number as Wireshark shows it.
    pub seq: u32,
    /// Relative acknowledgement number as Wireshark shows it.
    pub ack: u32,
    /// Sequence number on the wire.
    pub raw_seq: u32,
    /// Acknowledgement number on the wire.
    pub raw_ack: u32,
    /// Payload length on the wire.
    pub len: u32,
    /// Payload bytes captured; shared by all copies of the segment, and in a run by the frame itself.
    pub payload: Payload,
    /// Window field, not scaled.
    pub window: u16,
    /// TCP options.
    pub options: Options,
    /// Wireshark's analysis.
    pub analysis: Analysis,
}

impl Seg {
    /// The segment of a frame, with what the tracker says of it and a copy of its payload.
    pub fn new(frame: u64, time: Nanos, segment: &Segment<'_>, tracked: &Tracked) -> Seg {
        Seg::with(frame, time, segment, tracked, segment.payload.into())
    }

    fn with(
        frame: u64,
        time: Nanos,
        segment: &Segment<'_>,
        tracked: &Tracked,
        payload: Payload,
    ) -> Seg {
        Seg {
            frame,
            time,
            from: tracked.from,
            flags: segment.flags,
            seq: tracked.seq,
            ack: tracked.ack,
            raw_seq: segment.seq.0,
            raw_ack: segment.ack.0,
            len: segment.len,
            payload,
            window: segment.window,
            options: segment.options,
            analysis: tracked.analysis,
        }
    }
}

/// One TCP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// As Wireshark's `tcp.stream`.
    pub stream: u32,
    /// The active opener's address.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// In capture order.
    pub segments: Vec<Seg>,
}

/// Collects conversations from segments in capture order.
#[derive(Debug, Default)]
pub struct Conversations {
    tracker: Tracker,
    list: Vec<Conversation>,
    /// Where in the list a stream is.
    places: FxHashMap<u32, usize>,
    /// How far both sides of each have come.
    reached: Vec<[Reach; 2]>,
}

/// How far a stream of bytes has come, holes or not.
#[derive(Debug, Clone, Copy, Default)]
struct Reach {
    /// Sequence number behind the last byte.
    next: Option<u32>,
    /// Its offset.
    at: u64,
}

impl Reach {
    fn forward(&mut self, segment: &Segment<'_>) {
        if segment.flags.contains(Flags::RST) {
            return;
        }
        let syn = u32::from(segment.flags.contains(Flags::SYN));
        let first = segment.seq.0.wrapping_add(syn);
        let end = first.wrapping_add(segment.len);
        let distance = end.wrapping_sub(self.next.unwrap_or(first)) as i32;
        if distance >= 0 {
            self.at += u64::from(distance.unsigned_abs());
            self.next = Some(end);
        }
    }
}

impl Conversations {
    /// Takes the next segment.
    pub fn push(&mut self, frame: u64, time: Nanos, segment: &Segment<'_>) -> Tracked {
        let tracked = self.tracker.push(frame, time, segment);
        self.keep(frame, time, segment, tracked, None);
        tracked
    }

    /// Takes what a frame carries; see [`Tracker::feed`]. The payload is shared with the chunk that the
    /// frame lies in, or copied.
    pub fn feed(
        &mut self,
        frame: u64,
        time: Nanos,
        packet: &Packet<'_>,
        chunk: Option<&Chunk>,
    ) -> Fed {
        let fed = self.tracker.feed(frame, time, packet);
        if let (Packet::Tcp(segment), Fed::Segment(tracked)) = (packet, fed) {
            self.keep(frame, time, segment, tracked, chunk);
        }
        fed
    }

    fn keep(
        &mut self,
        frame: u64,
        time: Nanos,
        segment: &Segment<'_>,
        tracked: Tracked,
        chunk: Option<&Chunk>,
    ) {
        // Not the stream number itself: a TCP header without a segment takes a number, too.
        let index = *self.places.entry(tracked.stream).or_insert(self.list.len());
        if index == self.list.len() {
            let (client, server) = match tracked.from {
                Side::Client => (segment.source(), segment.destination()),
                Side::Server => (segment.destination(), segment.source()),
            };
            self.list.push(Conversation {
                stream: tracked.stream,
                client,
                server,
                segments: vec![],
            });
            self.reached.push(Default::default());
        }
        self.reached[index][tracked.from.index()].forward(segment);
        let payload = match chunk {
            Some(chunk) => chunk.payload(segment.payload),
            None => segment.payload.into(),
        };
        let seg = Seg::with(frame, time, segment, &tracked, payload);
        self.list[index].segments.push(seg);
    }

    /// How many bytes `from` has sent to `to` so far: to the end of the last one seen. Of several
    /// connections of these addresses the last.
    pub fn reached(&self, from: SocketAddr, to: SocketAddr) -> u64 {
        let side = |one: &Conversation| match (one.client, one.server) {
            ends if ends == (from, to) => Some(Side::Client),
            ends if ends == (to, from) => Some(Side::Server),
            _ => None,
        };
        let all = self.list.iter().zip(&self.reached);
        let found = all
            .rev()
            .find_map(|(one, reached)| Some(reached[side(one)?.index()].at));
        found.unwrap_or(0)
    }

    /// What has been collected so far, by stream number.
    pub fn list(&self) -> &[Conversation] {
        &self.list
    }

    /// All conversations, by stream number.
    pub fn finish(self) -> Vec<Conversation> {
        self.list
    }
}
