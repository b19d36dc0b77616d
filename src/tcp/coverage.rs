//! Which bytes of one direction's stream were seen, each once; and which were acknowledged
//! without having been seen.

use crate::wire::SeqNumber;

/// How many separate pieces beyond a hole are remembered. What comes after that moves the front
/// up to the first piece: its hole counts as missing.
const PIECES: usize = 32;

/// Bytes seen of a stream: all before the front, and pieces beyond it.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// Bytes before it are seen or given up.
    front: u32,
    known: bool,
    /// How many bytes were seen, each counted once.
    pub(super) bytes: u64,
    /// How many bytes were acknowledged, or given up, unseen.
    pub(super) missing: u64,
    /// In order, apart from each other and from the front. Boxed: most connections have none.
    #[allow(clippy::box_collection)]
    pieces: Option<Box<Vec<(u32, u32)>>>,
}

fn distance(from: u32, to: u32) -> i32 {
    SeqNumber(to).since(SeqNumber(from))
}

impl Coverage {
    /// Says where the stream begins, if that is not known yet.
    pub(super) fn begin(&mut self, at: u32) {
        if !self.known {
            self.known = true;
            self.front = at;
        }
    }

    /// Adds `len` bytes at `seq`.
    pub(super) fn add(&mut self, seq: u32, len: u32) {
        self.begin(seq);
        let end = seq.wrapping_add(len);
        if len == 0 || distance(self.front, end) <= 0 {
            return;
        }
        if distance(self.front, seq) > 0 {
            self.add_piece(seq, end);
            return;
        }
        if self.pieces.is_none() {
            self.bytes += distance(self.front, end) as u64;
            self.front = end;
            return;
        }
        self.advance(end, true);
    }

    /// Moves the front to `end`, and past the pieces that it reaches. `seen`: the bytes in
    /// between that are in no piece count as seen, else as missing. Returns the holes passed.
    fn advance(&mut self, end: u32, seen: bool) -> u32 {
        let mut holes = 0;
        let mut pass = |from: u32, to: u32, bytes: &mut u64, missing: &mut u64| {
            let n = distance(from, to).max(0) as u64;
            if seen {
                *bytes += n;
            } else if n > 0 {
                *missing += n;
                holes += 1;
            }
        };
        let pieces = self.pieces.as_deref_mut();
        let mut used = 0;
        if let Some(pieces) = pieces {
            for &(from, to) in pieces.iter() {
                if distance(from, end) < 0 && distance(from, self.front) < 0 {
                    break;
                }
                pass(self.front, from, &mut self.bytes, &mut self.missing);
                if distance(self.front, to) > 0 {
                    self.front = to;
                }
                used += 1;
            }
            pieces.drain(..used);
            if pieces.is_empty() {
                self.pieces = None;
            }
        }
        if distance(self.front, end) > 0 {
            pass(self.front, end, &mut self.bytes, &mut self.missing);
            self.front = end;
        }
        holes
    }

    fn add_piece(&mut self, mut seq: u32, mut end: u32) {
        let front = self.front;
        let at = |n: u32| distance(front, n);
        let pieces = self.pieces.get_or_insert_default();
        let first = pieces.partition_point(|&(_, to)| at(to) < at(seq));
        let last = pieces.partition_point(|&(from, _)| at(from) <= at(end));
        let mut known = 0;
        for &(from, to) in &pieces[first..last] {
            known += distance(from, to) as u64;
            if at(from) < at(seq) {
                seq = from;
            }
            if at(to) > at(end) {
                end = to;
            }
        }
        self.bytes += distance(seq, end) as u64 - known;
        pieces.splice(first..last, [(seq, end)]);
        if pieces.len() > PIECES {
            let to = pieces[0].0;
            self.advance(to, false);
        }
    }

    /// The other side acknowledged everything before `ack`. Returns how many holes that passed.
    pub(super) fn acknowledge(&mut self, ack: u32) -> u32 {
        if !self.known || distance(self.front, ack) <= 0 {
            return 0;
        }
        self.advance(ack, false)
    }
}

#[cfg(test)]
mod tests {
    use super::{Coverage, PIECES};

    /// Against a plain list of booleans, across the wrap.
    #[test]
    fn counts_each_byte_once() {
        let mut x = 7u64;
        let mut next = |n: u32| {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            ((x >> 33) as u32) % n
        };
        for round in 0..500u32 {
            let base = (u32::MAX - 100).wrapping_add(round);
            let mut coverage = Coverage::default();
            coverage.begin(base);
            let mut seen = [false; 300];
            let mut front = 0usize;
            let mut missing = 0;
            for _ in 0..40 {
                if next(6) == 0 {
                    let ack = next(300) as usize;
                    let mut holes = 0;
                    for n in front..ack {
                        if !seen[n] {
                            missing += 1;
                            if n == front || seen[n - 1] {
                                holes += 1;
                            }
                        }
                    }
                    front = front.max(ack);
                    while front < 300 && seen[front] {
                        front += 1;
                    }
                    assert_eq!(coverage.acknowledge(base.wrapping_add(ack as u32)), holes);
                } else {
                    let from = next(290) as usize;
                    let len = next(9) as usize;
                    let start = front.max(from);
                    let fresh = (from + len).saturating_sub(start);
                    for byte in seen.iter_mut().skip(start).take(fresh) {
                        *byte = true;
                    }
                    while front < 300 && seen[front] {
                        front += 1;
                    }
                    coverage.add(base.wrapping_add(from as u32), len as u32);
                }
                let bytes = seen.iter().filter(|s| **s).count() as u64;
                assert_eq!((coverage.bytes, coverage.missing), (bytes, missing));
            }
        }
    }

    #[test]
    fn a_flood_of_pieces_is_bounded() {
        let mut coverage = Coverage::default();
        coverage.begin(0);
        for n in 1..100_000u32 {
            coverage.add(n * 10, 1);
        }
        assert!(coverage.pieces.as_ref().is_none_or(|p| p.len() <= PIECES));
        assert_eq!(coverage.bytes, 99_999);
    }
}
