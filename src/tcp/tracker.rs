//! Streams, relative numbers, analysis: segment by segment, in capture order.

use std::net::SocketAddr;

use rustc_hash::FxHashMap;

use super::{Analysis, Side, Tracked};
use crate::timeline::Nanos;
use crate::wire::{Flags, Segment, SeqNumber};

/// Follows every connection of a capture.
#[derive(Debug, Default)]
pub struct Tracker {
    streams: FxHashMap<(SocketAddr, SocketAddr), Stream>,
    next: u32,
}

#[derive(Debug)]
struct Stream {
    number: u32,
    client: SocketAddr,
    isn: [Option<SeqNumber>; 2],
}

impl Tracker {
    /// Takes the next segment; `frame` is its 1-based number, `time` its timestamp.
    pub fn push(&mut self, _frame: u64, _time: Nanos, segment: &Segment<'_>) -> Tracked {
        let (src, dst) = (segment.source(), segment.destination());
        let key = if src <= dst { (src, dst) } else { (dst, src) };
        let opens = segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::ACK);
        let known = self.streams.get(&key);
        let reused = opens
            && known.is_some_and(|s| {
                let side = usize::from(s.client != src);
                s.isn[side] != Some(segment.seq)
            });
        if known.is_none() || reused {
            let client = if segment.flags.contains(Flags::SYN | Flags::ACK) {
                dst
            } else {
                src
            };
            self.streams.insert(
                key,
                Stream {
                    number: self.next,
                    client,
                    isn: [None; 2],
                },
            );
            self.next += 1;
        }
        let stream = self.streams.get_mut(&key).expect("inserted above");
        let from = if src == stream.client {
            Side::Client
        } else {
            Side::Server
        };
        let syn = segment.flags.contains(Flags::SYN);
        let isn = *stream.isn[from.index()].get_or_insert(if syn {
            segment.seq
        } else {
            segment.seq - 1
        });
        let has_ack = segment.flags.contains(Flags::ACK);
        let ack = if has_ack {
            let peer = *stream.isn[from.other().index()].get_or_insert(segment.ack - 1);
            segment.ack.0.wrapping_sub(peer.0)
        } else {
            0
        };
        Tracked {
            stream: stream.number,
            from,
            seq: segment.seq.0.wrapping_sub(isn.0),
            ack,
            analysis: if reused {
                Analysis::REUSED_PORTS
            } else {
                Analysis::empty()
            },
        }
    }
}
