//! What Wireshark remembers of one direction of a connection, and its rules for one segment.
//!
//! The rules are those of Wireshark 4.0 with its default preferences, established by experiment
//! (`tests/tcp_tshark.rs` compares packet by packet). Names follow the display filter fields. A
//! number that was never seen is 0 here as it is there: a real sequence number 0 then counts as
//! unseen, and that is part of being equal.

use super::Analysis;
use crate::timeline::Nanos;
use crate::wire::{Flags, SeqNumber};

/// A segment of at least so many unacknowledged ones is no longer listed by Wireshark, and its
/// SYN or FIN no longer counted in the next expected number.
const UNACKED_LIMIT: u32 = 10_000;

/// Below this distance from the highest number's time, data out of sequence is reordering and no
/// retransmission, where the connection's initial round trip is not known.
const REORDERING: u64 = 3_000_000;

/// A retransmission within this time of the duplicate ACK that asks for it is a fast one.
const FAST: u64 = 20_000_000;

/// In place of the count of duplicate ACKs: the other side acknowledged what was never seen, and
/// that was said. It is above every threshold, in Wireshark as here: data that follows on the
/// last ACK counts as a fast retransmission.
const UNSEEN_SAID: u32 = u32::MAX;

/// `window` before any segment was seen.
const NO_WINDOW: u32 = u32::MAX;

/// Window scale: what is known of it in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// No SYN seen: `tcp.window_size_scalefactor` -1.
    Unknown,
    /// A SYN without the option: -2.
    Unused,
    /// The shift, at most 14.
    Shift(u8),
}

impl Scale {
    /// As `tcp.window_size_scalefactor`.
    pub(super) fn factor(self) -> i32 {
        match self {
            Scale::Unknown => -1,
            Scale::Unused => -2,
            Scale::Shift(n) => 1 << n,
        }
    }

    /// By how much the window field is shifted.
    pub(super) fn shift(self) -> u32 {
        match self {
            Scale::Shift(n) => u32::from(n),
            _ => 0,
        }
    }
}

/// What the rules look at in a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) frame: u64,
    pub(super) time: Nanos,
    pub(super) seq: u32,
    /// As sent, also where the ACK bit is not set.
    pub(super) ack: u32,
    pub(super) len: u32,
    pub(super) window: u32,
    pub(super) flags: Flags,
    /// Subtypes of Multipath TCP options that the connection had before.
    pub(super) multipath: u16,
}

impl Seen {
    fn has(&self, flags: Flags) -> bool {
        self.flags.intersects(flags)
    }
}

/// Unacknowledged segments, counted in two lots so that acknowledging the older lot is one
/// comparison. In a direction that nobody acknowledges, where the limit matters, the count is
/// exact; otherwise it is too high by at most the segments sent since the older lot began.
#[derive(Debug, Clone, Copy, Default)]
struct Unacked {
    old: u16,
    new: u16,
    /// Where the older and the newer lot end.
    old_end: u32,
    new_end: u32,
}

impl Unacked {
    fn count(&self) -> u32 {
        u32::from(self.old) + u32::from(self.new)
    }

    fn add(&mut self, end: u32) {
        if self.old == 0 {
            self.old = 1;
            self.old_end = end;
        } else {
            if self.new == 0 || after(end, self.new_end) {
                self.new_end = end;
            }
            self.new += 1;
        }
    }

    fn acknowledge(&mut self, ack: u32) {
        if self.new != 0 && at_most(self.new_end, ack) {
            *self = Unacked::default();
        } else if self.old != 0 && at_most(self.old_end, ack) {
            self.old = self.new;
            self.old_end = self.new_end;
            self.new = 0;
        }
    }
}

/// One direction of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow {
    /// The number shown as 0.
    pub(super) base: u32,
    /// The next expected number: one after the highest seen.
    pub(super) next: u32,
    /// When `next` was reached.
    next_time: Nanos,
    /// Up to where acknowledgements are no surprise: the highest without a hole before it.
    expected_ack: u32,
    /// Acknowledgement field of the last segment.
    last_ack: u32,
    ack_time: Nanos,
    /// Window field of the last segment.
    window: u32,
    /// Duplicate ACKs in a row, or [`UNSEEN_SAID`].
    dup_acks: u32,
    /// Frame whose ACK they repeat: its low 32 bits.
    ack_frame: u32,
    unacked: Unacked,
    /// `multipath` at the last segment.
    multipath: u16,
    pub(super) scale: Scale,
    pub(super) based: bool,
    /// A SYN was sent, and no ACK since: the window field is not scaled yet.
    pub(super) unscaled: bool,
    last_was_keep_alive: bool,
    last_was_probe: bool,
}

impl Default for Flow {
    fn default() -> Self {
        Flow {
            base: 0,
            next: 0,
            next_time: 0,
            expected_ack: 0,
            last_ack: 0,
            ack_time: 0,
            window: NO_WINDOW,
            dup_acks: 0,
            ack_frame: 0,
            unacked: Unacked::default(),
            multipath: 0,
            scale: Scale::Unknown,
            based: false,
            unscaled: false,
            last_was_keep_alive: false,
            last_was_probe: false,
        }
    }
}

/// `a` after `b` in sequence space. Numbers exactly half the space apart are each after, and
/// each before, the other.
pub(super) fn after(a: u32, b: u32) -> bool {
    SeqNumber(b).since(SeqNumber(a)) < 0
}

/// `a` before `b`; see [`after`].
fn before(a: u32, b: u32) -> bool {
    after(b, a)
}

/// `a` not later than `b`.
fn at_most(a: u32, b: u32) -> bool {
    SeqNumber(a).since(SeqNumber(b)) <= 0
}

/// `later - earlier` as an unsigned number: a step back in time is a very long time.
fn elapsed(later: Nanos, earlier: Nanos) -> u64 {
    later.wrapping_sub(earlier) as u64
}

/// What the rules say of a segment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    pub(super) analysis: Analysis,
    /// `tcp.analysis.duplicate_ack_num`, 0 if none.
    pub(super) dup_ack: u32,
    /// `tcp.analysis.duplicate_ack_frame`.
    pub(super) dup_ack_frame: u64,
}

impl Flow {
    /// Notes where this direction's and the other one's relative numbers begin.
    pub(super) fn set_bases(&mut self, rev: &mut Flow, s: &Seen) {
        if !self.based {
            self.base = if s.has(Flags::SYN) {
                s.seq
            } else {
                s.seq.wrapping_sub(1)
            };
            self.based = true;
        }
        if !rev.based && s.has(Flags::ACK) {
            rev.base = s.ack.wrapping_sub(1);
            rev.based = true;
        }
    }

    /// A SYN came again with the number that it had.
    pub(super) fn syn_again(&mut self) {
        self.next = self.expected_ack;
    }

    /// Applies Wireshark's rules to segment `s` of this direction. `rtt` is the initial round
    /// trip, 0 if not known.
    pub(super) fn analyze(&mut self, rev: &mut Flow, rtt: Nanos, s: &Seen) -> Found {
        let mut found = Found::default();
        self.classify(rev, s, &mut found);
        if s.ack != self.last_ack {
            self.ack_frame = s.frame as u32;
            self.dup_acks = 0;
        }
        let mut analysis = found.analysis;
        if s.has(Flags::ACK) {
            analysis |= rev.acknowledged_unseen(s.ack);
        }
        if (s.len > 0 || s.has(Flags::SYN | Flags::FIN)) && !analysis.contains(Analysis::KEEP_ALIVE)
        {
            analysis |= self.repeated(rev, rtt, s);
        }
        self.remember(s, analysis);
        rev.unacked.acknowledge(s.ack);
        found.analysis = analysis;
        found
    }

    /// Windows, probes, keep-alives, holes, duplicate ACKs.
    fn classify(&mut self, rev: &Flow, s: &Seen, found: &mut Found) {
        let a = &mut found.analysis;
        let control = s.has(Flags::SYN | Flags::FIN | Flags::RST);
        let expected = s.seq == self.next;

        if s.len == 1 && expected && rev.window == 0 {
            *a |= Analysis::ZERO_WINDOW_PROBE;
            return;
        }
        if s.window == 0 && !control {
            *a |= Analysis::ZERO_WINDOW;
        }
        if self.next != 0 && after(s.seq, self.next) && !s.has(Flags::RST) {
            *a |= Analysis::LOST_SEGMENT;
        }
        if control {
            return;
        }
        if s.len <= 1 && s.seq == self.next.wrapping_sub(1) {
            *a |= Analysis::KEEP_ALIVE;
        }
        if s.len > 0 {
            if rev.scale != Scale::Unknown && s.seq.wrapping_add(s.len) == rev.right_edge() {
                *a |= Analysis::WINDOW_FULL;
            }
            return;
        }
        if !expected || s.ack != self.last_ack {
            return;
        }
        if s.window != self.window {
            if s.window != 0 {
                *a |= Analysis::WINDOW_UPDATE;
            }
        } else if s.window == 0 {
            if rev.last_was_probe {
                *a |= Analysis::ZERO_WINDOW_PROBE_ACK;
            }
        } else if rev.last_was_keep_alive {
            *a |= Analysis::KEEP_ALIVE_ACK;
        } else if s.multipath == self.multipath {
            // An ACK that repeats its number to carry a new Multipath TCP option is no duplicate
            // (RFC 8684, section 4); Wireshark sees the option one segment late.
            self.dup_acks = if self.dup_acks == UNSEEN_SAID {
                1
            } else {
                self.dup_acks + 1
            };
            *a |= Analysis::DUPLICATE_ACK;
            found.dup_ack = self.dup_acks;
            // The last frame with these low bits.
            let back = (s.frame as u32).wrapping_sub(self.ack_frame);
            found.dup_ack_frame = s.frame.saturating_sub(u64::from(back));
        }
    }

    /// One past the last number that this direction's last segment allows the other to send.
    fn right_edge(&self) -> u32 {
        let shift = if self.unscaled { 0 } else { self.scale.shift() };
        self.last_ack.wrapping_add(self.window << shift)
    }

    /// The other side acknowledged up to `ack`: was all of that seen?
    fn acknowledged_unseen(&mut self, ack: u32) -> Analysis {
        if self.expected_ack == 0 || !after(ack, self.expected_ack) {
            return Analysis::empty();
        }
        if before(self.expected_ack, self.next) {
            self.expected_ack = self.next;
            return Analysis::ACK_LOST_SEGMENT;
        }
        let first = self.dup_acks == 0;
        self.dup_acks = UNSEEN_SAID;
        if first {
            Analysis::ACK_LOST_SEGMENT
        } else {
            Analysis::empty()
        }
    }

    /// Data, SYN or FIN: sent before, or late?
    fn repeated(&self, rev: &Flow, rtt: Nanos, s: &Seen) -> Analysis {
        let end = s.seq.wrapping_add(s.len);
        if s.len > 0 && rev.last_ack != 0 && at_most(end, rev.last_ack) {
            return Analysis::SPURIOUS_RETRANSMISSION | Analysis::RETRANSMISSION;
        }
        // More than one byte from one before the next: what follows a window probe.
        let after_probe = s.len > 1 && self.next.wrapping_sub(1) == s.seq;
        if self.next == 0 || !before(s.seq, self.next) || after_probe {
            return Analysis::empty();
        }
        if rev.dup_acks >= 2 && rev.last_ack == s.seq && elapsed(s.time, rev.ack_time) < FAST {
            return Analysis::FAST_RETRANSMISSION | Analysis::RETRANSMISSION;
        }
        let reordering = if rtt == 0 { REORDERING } else { rtt as u64 };
        let end = end.wrapping_add(u32::from(s.has(Flags::SYN | Flags::FIN)));
        if elapsed(s.time, self.next_time) < reordering && self.next != end {
            return Analysis::OUT_OF_ORDER;
        }
        Analysis::RETRANSMISSION
    }

    fn remember(&mut self, s: &Seen, analysis: Analysis) {
        let mut end = s.seq.wrapping_add(s.len);
        if (s.len > 0 || s.has(Flags::SYN | Flags::FIN)) && self.unacked.count() < UNACKED_LIMIT {
            if s.has(Flags::SYN | Flags::FIN) {
                end = end.wrapping_add(1);
            }
            self.unacked.add(end);
        }
        let probe = analysis.contains(Analysis::ZERO_WINDOW_PROBE);
        if (after(end, self.next) || self.next == 0) && !probe {
            self.next = end;
            self.next_time = s.time;
        }
        if (s.seq == self.expected_ack || self.expected_ack == 0) && !probe {
            self.expected_ack = self.next;
        }
        self.multipath = s.multipath;
        self.window = s.window;
        self.last_ack = s.ack;
        self.ack_time = s.time;
        self.last_was_keep_alive = analysis.contains(Analysis::KEEP_ALIVE);
        self.last_was_probe = probe;
    }

    /// A SYN's options are known: from now on the window scale is, too.
    pub(super) fn settle_scale(&mut self, rev: &mut Flow, has_ack: bool) {
        if self.scale == Scale::Unknown {
            self.scale = Scale::Unused;
            rev.scale = Scale::Unused;
        } else if has_ack && rev.scale == Scale::Unused {
            self.scale = Scale::Unused;
        }
    }
}
