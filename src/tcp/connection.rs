//! One live connection: what the next segment needs, and what the account of it will say.

use super::coverage::Coverage;
use super::flow::{Flow, Scale, Seen};
use super::table::Key;
use super::zeek::Zeek;
use super::{Analysis, Completeness, Side, Tracked, flow::after};
use crate::timeline::Nanos;
use crate::wire::{Flags, Options, Segment};

/// What one end sent, beyond what the analysis needs.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) segments: u64,
    pub(super) payload: u64,
    pub(super) retransmissions: u32,
    pub(super) out_of_order: u32,
    pub(super) duplicate_acks: u32,
    pub(super) zero_windows: u32,
    /// One past the first SYN's and the first FIN's number, and what the FIN acknowledged.
    pub(super) syn_end: u32,
    pub(super) fin_end: u32,
    pub(super) fin_ack: u32,
    pub(super) mss: u16,
    pub(super) window_scale: u8,
    pub(super) seen: Parts,
}

bitflags::bitflags! {
    /// What an end has done.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(super) struct Parts: u16 {
        const SYN = 1;
        /// Its SYN (the first one) was acknowledged.
        const SYN_ACKED = 2;
        const FIN = 4;
        /// Its first FIN had an ACK.
        const FIN_HAS_ACK = 8;
        const RST = 16;
        /// Something else than SYN and RST.
        const OTHER = 32;
        const MSS = 64;
        const WINDOW_SCALE = 128;
        const SACK_PERMITTED = 256;
        const TIMESTAMPS = 512;
    }
}

/// A connection between its first segment and its summary.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) key: Key,
    pub(super) stream: u32,
    /// Which end is the client: 0 the low one.
    pub(super) client: u8,
    pub(super) completeness: Completeness,
    /// What the first header adds to it in Wireshark's second pass, where another one follows.
    pub(super) first: Completeness,
    pub(super) several: bool,
    /// Not to be evicted at the next turn: a segment came since the last.
    pub(super) recent: bool,
    pub(super) continued: bool,
    /// Subtypes of Multipath TCP options seen.
    multipath: u16,
    /// The end whose RST came first, before there were two FINs.
    pub(super) reset_by: Option<u8>,
    /// By key order: 0 is what the low end sends.
    pub(super) flows: [Flow; 2],
    /// When the last SYN without ACK was sent; 0: none was.
    syn_time: Nanos,
    /// From that SYN to the first ACK; 0: not known.
    pub(super) rtt: Nanos,
    /// From that SYN to the first SYN-ACK.
    pub(super) syn_rtt: Option<u32>,
    pub(super) time: [Nanos; 2],
    pub(super) frames: [u64; 2],
    pub(super) ends: [End; 2],
    pub(super) covered: [Coverage; 2],
    pub(super) zeek: Zeek,
}

impl Connection {
    /// A connection of which nothing was seen yet.
    pub(super) fn new(key: Key, stream: u32) -> Connection {
        Connection {
            key,
            stream,
            client: 0,
            completeness: Completeness::empty(),
            first: Completeness::empty(),
            several: false,
            recent: true,
            continued: false,
            multipath: 0,
            reset_by: None,
            flows: [Flow::default(); 2],
            syn_time: 0,
            rtt: 0,
            syn_rtt: None,
            time: [0; 2],
            frames: [0; 2],
            ends: [End::default(), End::default()],
            covered: [Coverage::default(), Coverage::default()],
            zeek: Zeek::default(),
        }
    }

    /// The first segment says who is who.
    fn begin(&mut self, from: usize, s: &Seen, segment: &Segment<'_>) {
        self.frames[0] = s.frame;
        self.time[0] = s.time;
        self.zeek = Zeek::new(from, [segment.src_port, segment.dst_port], s.flags);
        if !self.continued {
            // A SYN-ACK's sender is no client.
            let answer = s.flags.contains(Flags::SYN | Flags::ACK) && !self.is_with_itself();
            self.client = from as u8 ^ u8::from(answer);
        }
    }

    /// Takes up a stream that was closed into the result before.
    pub(super) fn resume(&mut self, kept: Kept) {
        self.stream = kept.stream;
        self.client = kept.client;
        self.completeness = kept.completeness;
        self.first = kept.first;
        self.several = kept.several;
        self.flows = kept.flows;
        self.syn_time = kept.syn_time;
        self.rtt = kept.rtt;
        self.continued = true;
    }

    /// A socket connected to itself? All its segments are of one direction.
    pub(super) fn is_with_itself(&self) -> bool {
        self.key.end(0) == self.key.end(1)
    }

    /// No segment yet?
    pub(super) fn is_empty(&self) -> bool {
        self.frames[0] == 0
    }

    /// What is kept of it after its summary.
    pub(super) fn keep(&self) -> Kept {
        Kept {
            stream: self.stream,
            client: self.client,
            completeness: self.completeness,
            first: self.first,
            several: self.several,
            flows: self.flows,
            syn_time: self.syn_time,
            rtt: self.rtt,
        }
    }

    /// Has it ended: two FINs, or a RST?
    pub(super) fn ended(&self) -> bool {
        let [a, b] = &self.ends;
        a.seen.union(b.seen).contains(Parts::RST)
            || a.seen.intersection(b.seen).contains(Parts::FIN)
    }

    fn side(&self, from: usize) -> Side {
        if from == usize::from(self.client) {
            Side::Client
        } else {
            Side::Server
        }
    }

    /// Takes the next segment. `is_new`: it made the stream. `cut`: the capture ends inside its
    /// header.
    pub(super) fn take(
        &mut self,
        from: usize,
        s: &Seen,
        segment: &Segment<'_>,
        is_new: bool,
        cut: bool,
    ) -> Tracked {
        let opens = self.is_empty() && !self.continued;
        if self.is_empty() {
            self.begin(from, s, segment);
        }
        let s = &Seen {
            multipath: self.multipath,
            ..*s
        };
        let side = self.side(from);
        let [low, high] = &mut self.flows;
        let (fwd, rev) = if from == 0 { (low, high) } else { (high, low) };
        let flags = s.flags;
        let has_ack = flags.contains(Flags::ACK);
        let syn = flags.contains(Flags::SYN);

        fwd.set_bases(rev, s);
        let found = fwd.analyze(rev, self.rtt, s);
        let seq = s.seq.wrapping_sub(fwd.base);
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
            window: if syn {
                s.window
            } else {
                s.window << fwd.scale.shift()
            },
            scale_factor: fwd.scale.factor(),
            analysis: found.analysis,
            dup_ack: found.dup_ack,
            dup_ack_frame: found.dup_ack_frame,
            completeness: self.completeness,
            opens,
        };
        self.recent = true;
        // Wireshark gives up here on a header shorter than a header.
        if segment.header_len >= 20 {
            self.note_handshake(from, s.time, flags);
            self.note_parts(flags, s.len, is_new);
            self.note_scale(from, flags, &segment.options, cut);
        }
        self.account(from, s, segment, found.analysis);
        tracked
    }

    /// Takes a header without a segment: Wireshark lets it open a stream, and counts its flags.
    pub(super) fn take_stub(
        &mut self,
        from: usize,
        time: Nanos,
        flags: Flags,
        options: Option<&Options>,
        is_new: bool,
    ) {
        self.recent = true;
        self.note_handshake(from, time, flags);
        self.note_parts(flags, 0, is_new);
        if let Some(options) = options {
            self.note_scale(from, flags, options, false);
        }
    }

    fn note_parts(&mut self, flags: Flags, len: u32, is_new: bool) {
        self.completeness |= seen_parts(flags, len, is_new);
        if is_new {
            self.first = seen_parts(flags, len, false);
        } else {
            self.several = true;
        }
    }

    /// The window scale option; and with a SYN whose options are all there, what follows if it is
    /// missing.
    fn note_scale(&mut self, from: usize, flags: Flags, options: &Options, cut: bool) {
        let [low, high] = &mut self.flows;
        let (fwd, rev) = if from == 0 { (low, high) } else { (high, low) };
        self.multipath |= options.mptcp;
        if let Some(shift) = options.window_scale {
            fwd.scale = Scale::Shift(shift.min(14));
        }
        if flags.contains(Flags::SYN) && !cut {
            fwd.settle_scale(rev, flags.contains(Flags::ACK));
        }
    }

    /// The times of SYNs and of the first ACK; from when on windows are scaled.
    fn note_handshake(&mut self, from: usize, time: Nanos, flags: Flags) {
        let has_ack = flags.contains(Flags::ACK);
        if flags.contains(Flags::SYN) {
            self.flows[from].unscaled = true;
            if !has_ack {
                self.syn_time = time;
            } else if self.syn_rtt.is_none() && self.syn_time != 0 {
                self.syn_rtt = u32::try_from(time.wrapping_sub(self.syn_time)).ok();
            }
        } else if has_ack {
            self.flows[from].unscaled = false;
            if self.syn_time != 0 && self.rtt == 0 {
                self.rtt = time.wrapping_sub(self.syn_time);
            }
        }
    }

    fn account(&mut self, from: usize, s: &Seen, segment: &Segment<'_>, analysis: Analysis) {
        self.frames[1] = s.frame;
        self.time[1] = s.time;
        self.zeek.take(from, s, &mut self.covered);

        let itself = self.is_with_itself();
        let [low, high] = &mut self.ends;
        let (end, peer) = if from == 0 { (low, high) } else { (high, low) };
        end.segments += 1;
        end.payload += u64::from(s.len);
        if !analysis.is_empty() {
            let count = |n: &mut u32, flag| *n += u32::from(analysis.contains(flag));
            count(&mut end.retransmissions, Analysis::RETRANSMISSION);
            count(&mut end.out_of_order, Analysis::OUT_OF_ORDER);
            count(&mut end.duplicate_acks, Analysis::DUPLICATE_ACK);
            count(&mut end.zero_windows, Analysis::ZERO_WINDOW);
        }
        let flags = s.flags;
        let [syn, fin, rst] = [Flags::SYN, Flags::FIN, Flags::RST].map(|f| flags.contains(f));
        if flags.contains(Flags::ACK)
            && !rst
            && peer.seen & (Parts::SYN | Parts::SYN_ACKED) == Parts::SYN
            && !after(peer.syn_end, s.ack)
        {
            peer.seen |= Parts::SYN_ACKED;
        }
        if syn && !end.seen.contains(Parts::SYN) {
            end.note_syn(s, segment);
        }
        if itself && flags.contains(Flags::ACK) && !after(end.syn_end, s.ack) {
            end.seen |= Parts::SYN_ACKED;
        }
        if fin && !end.seen.contains(Parts::FIN) {
            end.seen |= Parts::FIN;
            end.fin_end = s.seq.wrapping_add(s.len).wrapping_add(1);
            end.fin_ack = s.ack;
            if flags.contains(Flags::ACK) {
                end.seen |= Parts::FIN_HAS_ACK;
            }
        }
        if rst {
            end.seen |= Parts::RST;
            let closed = end.seen.intersection(peer.seen).contains(Parts::FIN);
            if self.reset_by.is_none() && !closed {
                self.reset_by = Some(from as u8);
            }
        } else if !syn {
            end.seen |= Parts::OTHER;
        }
    }
}

impl End {
    fn note_syn(&mut self, s: &Seen, segment: &Segment<'_>) {
        self.seen |= Parts::SYN;
        self.syn_end = s.seq.wrapping_add(1);
        let options = &segment.options;
        if let Some(mss) = options.mss {
            self.mss = mss;
            self.seen |= Parts::MSS;
        }
        if let Some(scale) = options.window_scale {
            self.window_scale = scale;
            self.seen |= Parts::WINDOW_SCALE;
        }
        self.seen.set(Parts::SACK_PERMITTED, options.sack_permitted);
        self.seen
            .set(Parts::TIMESTAMPS, options.timestamps.is_some());
    }
}

/// What is kept of a connection after its summary, so that its stream goes on under its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    stream: u32,
    client: u8,
    completeness: Completeness,
    first: Completeness,
    several: bool,
    flows: [Flow; 2],
    syn_time: Nanos,
    rtt: Nanos,
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

#[cfg(test)]
mod tests {
    /// The stated memory of the default limits holds only while a connection is no larger.
    #[test]
    fn a_connection_is_small() {
        let size = size_of::<super::Connection>();
        assert!(size <= 568, "{size} bytes");
    }
}
