//! Atoms of one direction: the bytes by stream offset, FIN and RST, each from the first
//! transmission of its offset.
//!
//! Offsets count from the first byte after the SYN (ISN + 1). In *unit* space the FIN takes the
//! offset behind the last byte, as in sequence space, and a RST the one behind that.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::redact::{self, Redaction};
use super::types::{Content, ResetKind, What};
use crate::tcp::{Conversation, Seg, Side};
use crate::wire::Flags;

/// First transmission of a range of bytes.
#[derive(Debug, Clone)]
pub struct Span {
    /// One past the last offset.
    pub end: u64,
    /// A(p): the highest valid acknowledgement so far in stream order, in the peer's unit space.
    pub ack: u64,
    /// The frame that carried it.
    pub frame: u64,
    segment: usize,
    skip: usize,
}

/// FIN or RST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Unit offset.
    pub at: u64,
    /// A(p), 0 where it carries no acknowledgement.
    pub ack: u64,
    /// The frame that carried it first.
    pub frame: u64,
    /// For RST: abort or answer. Meaningless for FIN.
    pub kind: ResetKind,
}

/// One direction of a conversation.
#[derive(Debug, Clone, Default)]
pub struct Direction {
    /// Sequence number of the first byte, once a SYN or a first segment told it.
    pub base: Option<u32>,
    /// A SYN of this side was seen.
    pub syn: bool,
    /// First transmissions by start offset; they do not overlap.
    pub spans: BTreeMap<u64, Span>,
    /// The FIN.
    pub fin: Option<End>,
    /// The RST, counted once; an abort before an answer.
    pub rst: Option<End>,
    /// Highest acknowledgement that the peer sent for this direction, in units, valid or not.
    pub acked: u64,
    last: i64,
}

impl Direction {
    /// Bytes of payload: the end of the highest byte seen.
    pub fn len(&self) -> u64 {
        self.spans.last_key_value().map_or(0, |(_, span)| span.end)
    }

    /// No payload?
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Units: bytes, FIN, RST.
    pub fn units(&self) -> u64 {
        self.sequence_end() + u64::from(self.rst.is_some())
    }

    /// Bytes and FIN: what an acknowledgement can cover.
    pub fn sequence_end(&self) -> u64 {
        match self.fin {
            Some(fin) => self.len().max(fin.at) + 1,
            None => self.len(),
        }
    }

    /// Ranges of offsets that nothing filled, below the highest one.
    pub fn holes(&self) -> Vec<std::ops::Range<u64>> {
        let mut next = 0;
        let mut holes = vec![];
        for (&start, span) in &self.spans {
            if start > next {
                holes.push(next..start);
            }
            next = span.end;
        }
        if let Some(fin) = self.fin
            && fin.at > next
        {
            holes.push(next..fin.at);
        }
        holes
    }

    /// A(p) of the unit at this offset; `None` if there is no such unit.
    pub fn ack_of(&self, unit: u64) -> Option<u64> {
        if let Some((_, span)) = self.spans.range(..=unit).next_back()
            && unit < span.end
        {
            return Some(span.ack);
        }
        if let Some(fin) = self.fin
            && unit == fin.at
        {
            return Some(fin.ack);
        }
        self.rst.filter(|rst| unit == rst.at).map(|rst| rst.ack)
    }

    /// The frame that carried the unit first.
    pub fn frame_of(&self, unit: u64) -> Option<u64> {
        if let Some((_, span)) = self.spans.range(..=unit).next_back()
            && unit < span.end
        {
            return Some(span.frame);
        }
        let ends = [self.fin, self.rst];
        ends.into_iter()
            .flatten()
            .find(|end| end.at == unit)
            .map(|end| end.frame)
    }

    fn unwrap(&mut self, raw: u32) -> i64 {
        let base = self.base.unwrap_or(raw);
        let reference = base.wrapping_add(self.last as u32);
        let at = self.last + i64::from(raw.wrapping_sub(reference) as i32);
        self.last = self.last.max(at);
        at
    }

    /// Inserts what of `[from, from + len)` has not been seen before.
    fn add(&mut self, from: i64, len: u32, ack: u64, frame: u64, segment: usize) {
        let end = (from + i64::from(len)).max(0) as u64;
        let mut at = from.max(0) as u64;
        while at < end {
            if let Some((_, span)) = self.spans.range(..=at).next_back()
                && span.end > at
            {
                at = span.end;
                continue;
            }
            let stop = self
                .spans
                .range(at..)
                .next()
                .map_or(end, |(&next, _)| next.min(end));
            let skip = (at as i64 - from) as usize;
            self.spans.insert(
                at,
                Span {
                    end: stop,
                    ack,
                    frame,
                    segment,
                    skip,
                },
            );
            at = stop;
        }
    }
}

/// Both directions of a conversation.
#[derive(Debug, Clone)]
pub struct Atoms<'a> {
    /// Client's, then server's.
    pub directions: [Direction; 2],
    /// A client segment acknowledges the server's SYN.
    pub established: bool,
    segments: &'a [Seg],
    redactions: &'a [Redaction],
}

impl<'a> Atoms<'a> {
    /// Reads the atoms from the segments of a conversation.
    pub fn of(conversation: &'a Conversation) -> Atoms<'a> {
        Atoms::redacted(conversation, &[])
    }

    /// The same, whose [`Atoms::content`] shows something else where one of these expressions matches.
    pub fn redacted(conversation: &'a Conversation, redactions: &'a [Redaction]) -> Atoms<'a> {
        let segments = &conversation.segments;
        let mut directions = [Direction::default(), Direction::default()];
        for segment in segments {
            // Where a capture reorders frames the SYN need not be the first segment of its side.
            let direction = &mut directions[segment.from.index()];
            if segment.flags.contains(Flags::SYN) && !direction.syn {
                direction.syn = true;
                direction.base = Some(segment.raw_seq.wrapping_add(1));
            }
        }
        for side in [Side::Client, Side::Server] {
            if directions[side.index()].base.is_none() {
                directions[side.index()].base = unseen_base(segments, side);
            }
        }
        let mut atoms = Atoms {
            directions,
            established: false,
            segments,
            redactions,
        };
        for (index, segment) in segments.iter().enumerate() {
            atoms.take(index, segment);
        }
        atoms.forget_echoes_of_the_dead();
        atoms.settle();
        atoms
    }

    /// The direction of this sender.
    pub fn side(&self, side: Side) -> &Direction {
        &self.directions[side.index()]
    }

    fn take(&mut self, index: usize, segment: &Seg) {
        let own = segment.from.index();
        let peer = segment.from.other().index();
        let ack = if segment.flags.contains(Flags::ACK) && self.directions[peer].base.is_some() {
            let at = self.directions[peer].unwrap_ack(segment.raw_ack);
            if at >= 0 && self.directions[peer].syn && segment.from == Side::Client {
                self.established |= !segment.flags.contains(Flags::RST);
            }
            u64::try_from(at).unwrap_or(0)
        } else {
            0
        };
        if !segment.flags.contains(Flags::RST) {
            let acked = &mut self.directions[peer].acked;
            *acked = (*acked).max(ack);
        }
        let syn = u32::from(segment.flags.contains(Flags::SYN));
        let direction = &mut self.directions[own];
        let from = direction.unwrap(segment.raw_seq.wrapping_add(syn));
        if segment.flags.contains(Flags::RST) {
            direction.reset(segment, ack);
            return;
        }
        if segment.len > 0 {
            direction.add(from, segment.len, ack, segment.frame, index);
        }
        if segment.flags.contains(Flags::FIN) && direction.fin.is_none() {
            let at = from + i64::from(segment.len);
            if at >= 0 {
                direction.fin = Some(End {
                    at: at as u64,
                    ack,
                    frame: segment.frame,
                    kind: ResetKind::Abort,
                });
            }
        }
    }

    /// When both FINs have been acknowledged nothing is left that a program could do. A RST without
    /// ACK then answers a segment that had been overtaken (a pure ACK in another CPU's backlog, which
    /// TIME-WAIT acknowledged once more, to a socket that is no more): the kernel's affair.
    fn forget_echoes_of_the_dead(&mut self) {
        let ended = |d: &Direction| d.fin.is_some() && d.acked >= d.sequence_end();
        if self.directions.iter().all(ended) {
            for direction in &mut self.directions {
                direction.rst = direction.rst.filter(|rst| rst.kind != ResetKind::Answer);
            }
        }
    }

    /// A(p) is over valid acknowledgements, in stream order: what arrives late in the capture was
    /// still sent in order.
    fn settle(&mut self) {
        let limits = [
            self.directions[1].sequence_end(),
            self.directions[0].sequence_end(),
        ];
        for (direction, limit) in self.directions.iter_mut().zip(limits) {
            let mut highest = 0;
            for span in direction.spans.values_mut() {
                if span.ack <= limit {
                    highest = highest.max(span.ack);
                }
                span.ack = highest;
            }
            let end = direction.len();
            if let Some(fin) = &mut direction.fin {
                if fin.ack <= limit {
                    highest = highest.max(fin.ack);
                }
                fin.ack = highest;
            }
            let after = direction.sequence_end().max(end);
            if let Some(rst) = &mut direction.rst {
                rst.at = after;
                rst.ack = if rst.ack <= limit && rst.kind == ResetKind::Abort {
                    rst.ack
                } else {
                    0
                };
            }
        }
    }

    /// Did this side's last segment close its window?
    pub fn window_closed(&self, side: Side) -> bool {
        let last = self
            .segments
            .iter()
            .rev()
            .find(|segment| segment.from == side);
        last.is_some_and(|segment| segment.window == 0 && !segment.flags.contains(Flags::RST))
    }

    /// The bytes of a range, or their digest; unknown where the capture does not hold them.
    pub fn content(&self, side: Side, range: std::ops::Range<u64>) -> Content {
        let len = range.end.saturating_sub(range.start);
        let inline = len <= Content::INLINE as u64 || !self.redactions.is_empty();
        let mut bytes = vec![];
        let mut digest = Sha256::new();
        let mut at = range.start;
        for piece in self.pieces(side, range.clone()) {
            let (start, data) = piece;
            if start != at {
                return Content {
                    len,
                    what: What::Unknown,
                };
            }
            at += data.len() as u64;
            if inline {
                bytes.extend_from_slice(data);
            } else {
                digest.update(data);
            }
        }
        let what = match (at == range.end, inline) {
            (false, _) => What::Unknown,
            (true, true) => redact::content(self.redactions, bytes),
            (true, false) => What::Sha256(digest.finalize().into()),
        };
        Content { len, what }
    }

    /// Captured pieces of a range of offsets, in stream order.
    pub fn pieces(
        &self,
        side: Side,
        range: std::ops::Range<u64>,
    ) -> impl Iterator<Item = (u64, &'a [u8])> {
        let spans = &self.directions[side.index()].spans;
        let first = spans
            .range(..=range.start)
            .next_back()
            .map_or(range.start, |(&start, _)| start);
        let segments = self.segments;
        spans
            .range(first..range.end.max(first))
            .filter_map(move |(&start, span)| {
                let from = start.max(range.start);
                let to = span.end.min(range.end);
                if from >= to {
                    return None;
                }
                let payload = &segments[span.segment].payload;
                let skip = span.skip + (from - start) as usize;
                let stop = (skip + (to - from) as usize).min(payload.len());
                payload.get(skip..stop).map(|data| (from, data))
            })
    }
}

impl Direction {
    fn unwrap_ack(&self, raw: u32) -> i64 {
        let base = self.base.unwrap_or(raw);
        let reference = base.wrapping_add(self.last as u32);
        self.last + i64::from(raw.wrapping_sub(reference) as i32)
    }

    fn reset(&mut self, segment: &Seg, ack: u64) {
        let kind = if segment.flags.contains(Flags::ACK) {
            ResetKind::Abort
        } else {
            ResetKind::Answer
        };
        let better = match self.rst {
            None => true,
            Some(old) => old.kind == ResetKind::Answer && kind == ResetKind::Abort,
        };
        if better {
            self.rst = Some(End {
                at: 0,
                ack,
                frame: segment.frame,
                kind,
            });
        }
    }
}

/// Without a SYN: the lowest sequence number that the side sent, or the lowest that its peer acknowledged.
fn unseen_base(segments: &[Seg], side: Side) -> Option<u32> {
    let lowest = |mut numbers: Box<dyn Iterator<Item = u32> + '_>| {
        let first = numbers.next()?;
        Some(numbers.fold(first, |low, n| {
            if (n.wrapping_sub(low) as i32) < 0 {
                n
            } else {
                low
            }
        }))
    };
    let own = segments
        .iter()
        .filter(|s| s.from == side && !s.flags.contains(Flags::RST))
        .map(|s| s.raw_seq);
    let acked = segments
        .iter()
        .filter(|s| s.from != side && s.flags.contains(Flags::ACK) && !s.flags.contains(Flags::RST))
        .map(|s| s.raw_ack);
    lowest(Box::new(own)).or_else(|| lowest(Box::new(acked)))
}
