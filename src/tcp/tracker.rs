//! Streams, relative numbers, analysis: segment by segment, in capture order.

use super::flow::{Flow, Scale, Seen};
use super::table::{Index, Key, Seeds};
use super::{Analysis, Completeness, Side, Tracked};
use crate::timeline::Nanos;
use crate::wire::{Flags, Segment};

/// Follows every connection of a capture.
#[derive(Debug)]
pub struct Tracker {
    seeds: Seeds,
    index: Index,
    connections: Vec<Connection>,
    next_stream: u32,
}

#[derive(Debug)]
struct Connection {
    key: Key,
    stream: u32,
    /// By key order: 0 is what the low end sends.
    flows: [Flow; 2],
    /// When the last SYN without ACK was sent; 0: none was.
    syn_time: Nanos,
    /// From that SYN to the first ACK; 0: not known.
    rtt: Nanos,
    completeness: Completeness,
    /// Which end is the client: 0 the low one.
    client: u8,
}

impl Default for Tracker {
    fn default() -> Self {
        Tracker {
            seeds: Seeds::random(),
            index: Index::default(),
            connections: Vec::new(),
            next_stream: 0,
        }
    }
}

impl Connection {
    fn new(key: Key, stream: u32, from: usize, flags: Flags) -> Connection {
        // A SYN-ACK's sender is no client.
        let answer = flags.contains(Flags::SYN | Flags::ACK) && key.end(0) != key.end(1);
        Connection {
            key,
            stream,
            flows: [Flow::default(); 2],
            syn_time: 0,
            rtt: 0,
            completeness: Completeness::empty(),
            client: from as u8 ^ u8::from(answer),
        }
    }

    fn side(&self, from: usize) -> Side {
        if from == usize::from(self.client) {
            Side::Client
        } else {
            Side::Server
        }
    }
}

impl Tracker {
    /// Takes the next segment; `frame` is its 1-based number, `time` its timestamp.
    pub fn push(&mut self, frame: u64, time: Nanos, segment: &Segment<'_>) -> Tracked {
        let (key, from) = Key::of(segment);
        let hash = self.seeds.hash(&key);
        let flags = segment.flags;
        let opening = flags & (Flags::SYN | Flags::ACK) == Flags::SYN;
        let answering = flags.contains(Flags::SYN | Flags::ACK);

        let found = self
            .index
            .find(hash, |p| self.connections[p as usize].key == key);
        let mut is_new = false;
        let mut reused = false;
        let position = match found {
            Some(position) => {
                let flow = &mut self.connections[position as usize].flows[from];
                if opening && flow.based {
                    if segment.seq.0 != flow.base {
                        reused = true;
                        self.replace(position, from, flags);
                    } else {
                        flow.syn_again();
                    }
                } else if answering && flow.based && segment.seq.0 != flow.base {
                    flow.base = segment.seq.0;
                    reused = true;
                }
                position
            }
            None => {
                is_new = true;
                self.insert(key, hash, from, flags)
            }
        };
        let connection = &mut self.connections[position as usize];
        let seen = Seen {
            frame,
            time,
            seq: segment.seq.0,
            ack: segment.ack.0,
            len: segment.len,
            window: u32::from(segment.window),
            flags,
        };
        let opens = is_new || (reused && opening);
        let mut tracked = connection.take(from, &seen, segment, is_new);
        tracked.opens = opens;
        if reused {
            tracked.analysis |= Analysis::REUSED_PORTS;
        }
        tracked
    }

    fn insert(&mut self, key: Key, hash: u64, from: usize, flags: Flags) -> u32 {
        let position = self.connections.len() as u32;
        self.connections
            .push(Connection::new(key, self.next_stream, from, flags));
        self.next_stream += 1;
        self.index.insert(hash, position);
        position
    }

    /// A SYN with a new number on the same ends begins a new stream.
    fn replace(&mut self, position: u32, from: usize, flags: Flags) {
        let key = self.connections[position as usize].key;
        let mut connection = Connection::new(key, self.next_stream, from, flags);
        connection.completeness = Completeness::SYN;
        self.next_stream += 1;
        self.connections[position as usize] = connection;
    }
}

impl Connection {
    fn take(&mut self, from: usize, s: &Seen, segment: &Segment<'_>, is_new: bool) -> Tracked {
        let side = self.side(from);
        let (low, high) = self.flows.split_at_mut(1);
        let (fwd, rev) = if from == 0 {
            (&mut low[0], &mut high[0])
        } else {
            (&mut high[0], &mut low[0])
        };
        let flags = s.flags;
        let has_ack = flags.contains(Flags::ACK);
        let syn = flags.contains(Flags::SYN);
        let completeness = self.completeness;

        fwd.set_bases(rev, s);
        let found = fwd.analyze(rev, self.rtt, s);
        let seq = s.seq.wrapping_sub(fwd.base);
        let window = if syn {
            s.window
        } else {
            s.window << fwd.scale.shift()
        };
        let control = u32::from(flags.intersects(Flags::SYN | Flags::FIN));
        let tracked = Tracked {
            stream: self.stream,
            from: side,
            seq,
            ack: if has_ack {
                s.ack.wrapping_sub(rev.base)
            } else {
                s.ack
            },
            next_seq: seq.wrapping_add(s.len).wrapping_add(control),
            window,
            analysis: found.analysis,
            dup_ack: found.dup_ack,
            dup_ack_frame: found.dup_ack_frame,
            completeness,
            opens: is_new,
        };
        // Wireshark gives up here on a header shorter than a header.
        if segment.header_len < 20 {
            return tracked;
        }
        self.completeness |= seen_parts(flags, s.len, is_new);
        if syn {
            fwd.unscaled = true;
            if !has_ack {
                self.syn_time = s.time;
            }
        } else if has_ack {
            fwd.unscaled = false;
            if self.syn_time != 0 && self.rtt == 0 {
                self.rtt = s.time.wrapping_sub(self.syn_time);
            }
        }
        if let Some(shift) = segment.options.window_scale {
            fwd.scale = Scale::Shift(shift.min(14));
        }
        if syn {
            fwd.settle_scale(rev, has_ack);
        }
        tracked
    }
}

/// What a segment adds to `tcp.completeness`. Wireshark asks only the first segment of a stream
/// whether it is a SYN, and asks it nothing else.
fn seen_parts(flags: Flags, len: u32, is_new: bool) -> Completeness {
    let mut parts = Completeness::empty();
    let handshake = flags & (Flags::SYN | Flags::ACK);
    if is_new {
        if handshake == Flags::SYN {
            parts |= Completeness::SYN;
            if len > 0 {
                parts |= Completeness::DATA;
            }
        }
        return parts;
    }
    if handshake == Flags::SYN | Flags::ACK {
        parts |= Completeness::SYN_ACK;
    }
    if handshake == Flags::ACK {
        parts |= if len > 0 {
            Completeness::DATA
        } else {
            Completeness::ACK
        };
    }
    if flags.contains(Flags::FIN | Flags::ACK) {
        parts |= Completeness::FIN;
    }
    if flags.contains(Flags::RST) {
        parts |= Completeness::RST;
    }
    parts
}
