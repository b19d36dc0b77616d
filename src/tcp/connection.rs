//! One live connection: what the next segment needs, and what the account of it will say.

use super::coverage::Coverage;
use super::flow::{Flow, Scale, Seen};
use super::table::Key;
use super::zeek::Zeek;
use super::{
    Analysis, By, Close, Completeness, Handshake, How, Sent, Side, Summary, Tracked, flow::after,
};
use crate::timeline::Nanos;
use crate::wire::{Flags, Options, Segment};

/// What one end sent, beyond what the analysis needs.
#[derive(Debug, Default)]
struct End {
    segments: u64,
    payload: u64,
    retransmissions: u32,
    out_of_order: u32,
    duplicate_acks: u32,
    zero_windows: u32,
    /// One past the first SYN's and the first FIN's number, and what the FIN acknowledged.
    syn_end: u32,
    fin_end: u32,
    fin_ack: u32,
    mss: u16,
    window_scale: u8,
    seen: Parts,
}

bitflags::bitflags! {
    /// What an end has done.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    struct Parts: u16 {
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
    client: u8,
    pub(super) completeness: Completeness,
    /// Not to be evicted at the next turn: a segment came since the last.
    pub(super) recent: bool,
    continued: bool,
    /// Subtypes of Multipath TCP options seen.
    multipath: u16,
    /// The end whose RST came first, before there were two FINs.
    reset_by: Option<u8>,
    /// By key order: 0 is what the low end sends.
    pub(super) flows: [Flow; 2],
    /// When the last SYN without ACK was sent; 0: none was.
    syn_time: Nanos,
    /// From that SYN to the first ACK; 0: not known.
    rtt: Nanos,
    /// From that SYN to the first SYN-ACK.
    syn_rtt: Option<u32>,
    time: [Nanos; 2],
    frames: [u64; 2],
    ends: [End; 2],
    covered: [Coverage; 2],
    zeek: Zeek,
}

impl Connection {
    /// A connection of which nothing was seen yet.
    pub(super) fn new(key: Key, stream: u32) -> Connection {
        Connection {
            key,
            stream,
            client: 0,
            completeness: Completeness::empty(),
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
        self.flows = kept.flows;
        self.syn_time = kept.syn_time;
        self.rtt = kept.rtt;
        self.continued = true;
    }

    /// A socket connected to itself? All its segments are of one direction.
    fn is_with_itself(&self) -> bool {
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
            self.completeness |= seen_parts(flags, s.len, is_new);
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
        self.completeness |= seen_parts(flags, 0, is_new);
        if let Some(options) = options {
            self.note_scale(from, flags, options, false);
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

    /// The account of the connection so far.
    pub(super) fn summary(&self, evicted: bool) -> Summary {
        let client = usize::from(self.client);
        let server = 1 - client;
        let originator = if self.zeek.orig == self.client {
            Side::Client
        } else {
            Side::Server
        };
        Summary {
            stream: self.stream,
            client: self.key.end(client),
            server: self.key.end(server),
            handshake: self.handshake(client, server),
            close: self.close(client, server),
            sent: [client, server].map(|end| self.sent(end)),
            completeness: self.completeness,
            state: self.zeek.state(),
            history: self.zeek.history.text(),
            originator,
            initial_rtt: (self.rtt != 0).then_some(self.rtt),
            syn_rtt: self.syn_rtt.map(Nanos::from),
            time: self.time,
            frames: self.frames,
            evicted,
            continued: self.continued,
        }
    }

    fn handshake(&self, client: usize, server: usize) -> Handshake {
        // Of a connection with itself, one end does it all.
        let server = if self.is_with_itself() {
            client
        } else {
            server
        };
        let c = self.ends[client].seen;
        let s = self.ends[server].seen;
        let done = Parts::SYN | Parts::SYN_ACKED;
        if c.contains(done) && s.contains(done) {
            Handshake::Complete
        } else if !c.union(s).contains(Parts::SYN) {
            Handshake::Unseen
        } else if c.contains(Parts::SYN) && self.ends[server].segments == 0 {
            Handshake::Unanswered
        } else if c.contains(Parts::SYN)
            && s.contains(Parts::RST)
            && !s.intersects(done | Parts::OTHER)
        {
            Handshake::Refused
        } else {
            Handshake::Partial
        }
    }

    fn close(&self, client: usize, server: usize) -> Close {
        let by = |end: usize| {
            Some(if end == client {
                By::Client
            } else {
                By::Server
            })
        };
        if let Some(end) = self.reset_by {
            return Close {
                how: How::Reset,
                by: by(usize::from(end)),
            };
        }
        let server = if self.is_with_itself() {
            client
        } else {
            server
        };
        let [c, s] = [client, server].map(|end| &self.ends[end]);
        let (how, by) = match [c, s].map(|end| end.seen.contains(Parts::FIN)) {
            [false, false] => (How::Open, None),
            [true, false] => (How::Half, by(client)),
            [false, true] => (How::Half, by(server)),
            [true, true] => {
                let answers = |a: &End, b: &End| {
                    a.seen.contains(Parts::FIN_HAS_ACK) && !after(b.fin_end, a.fin_ack)
                };
                let by = match (answers(s, c), answers(c, s)) {
                    (true, false) => By::Client,
                    (false, true) => By::Server,
                    _ => By::Both,
                };
                (How::Fin, Some(by))
            }
        };
        Close { how, by }
    }

    fn sent(&self, which: usize) -> Sent {
        let end = &self.ends[which];
        let covered = &self.covered[which];
        Sent {
            segments: end.segments,
            payload: end.payload,
            bytes: covered.bytes,
            missing: covered.missing,
            retransmissions: end.retransmissions.into(),
            out_of_order: end.out_of_order.into(),
            duplicate_acks: end.duplicate_acks.into(),
            zero_windows: end.zero_windows.into(),
            mss: end.seen.contains(Parts::MSS).then_some(end.mss),
            window_scale: end
                .seen
                .contains(Parts::WINDOW_SCALE)
                .then_some(end.window_scale),
            sack_permitted: end.seen.contains(Parts::SACK_PERMITTED),
            timestamps: end.seen.contains(Parts::TIMESTAMPS),
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
