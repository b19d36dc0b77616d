//! A connection's state and history in Zeek's words (`conn_state` and `history` of its
//! `conn.log`), by Zeek's rules with its default settings, checksums ignored (`zeek -C`).
//!
//! The originator is Zeek's: the sender of the first segment, unless that one is no SYN and comes
//! from a port where servers usually listen; then the roles are flipped and the history begins
//! with `^`. Where a SYN was seen, the originator is the client.
//!
//! One difference remains: Zeek forgets a connection some time after it ended or went silent and
//! opens another entry for what still comes; here a connection is what Wireshark calls a stream.

use super::coverage::Coverage;
use super::flow::Seen;
use super::history::History;
use crate::wire::{Flags, SeqNumber};

/// A jump of a SYN's or RST's number by more than this is not believed.
const TOO_FAR: i32 = 1 << 20;

/// TCP ports that Zeek's standard scripts register for their analyzers: where a server is likely.
const SERVER_PORTS: [u16; 47] = [
    21, 22, 25, 53, 80, 81, 88, 110, 135, 139, 143, 389, 443, 445, 502, 563, 585, 587, 614, 631,
    636, 989, 990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223, 5269,
    5432, 6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000,
];

fn likely_server(port: u16) -> bool {
    SERVER_PORTS.binary_search(&port).is_ok()
}

/// The state of an end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Inactive,
    SynSent,
    SynAckSent,
    /// Seen sending without a SYN.
    Partial,
    Established,
    /// Sent a FIN.
    Closed,
    /// Sent a RST.
    Reset,
}

#[derive(Debug, Clone, Copy, Default)]
struct End {
    state: State,
    before: State,
    fin: bool,
    start: u32,
    /// The highest number sent, and the highest acknowledged by the peer; from `start`.
    last: i64,
    acked: i64,
    /// One past the FIN, from `start`.
    fin_end: i64,
    last_syn: u32,
    last_fin: u32,
    last_rst: u32,
    retransmitted: u32,
    zero_windows: u32,
    gaps: u32,
}

impl End {
    fn set(&mut self, state: State) {
        if state != self.state {
            self.before = self.state;
            self.state = state;
        }
    }

    fn start_at(&mut self, start: u32, last: i64) {
        self.start = start;
        self.last = last;
        self.acked = 0;
    }

    /// `seq` from the start, taken to be near `to`.
    fn relative(&self, seq: u32, to: i64) -> i64 {
        to + i64::from(self.distance(seq, to))
    }

    /// `seq` less the number at `from`, modulo 2^32.
    fn distance(&self, seq: u32, from: i64) -> i32 {
        SeqNumber(seq).since(SeqNumber(self.start.wrapping_add(from as u32)))
    }

    /// Payload bytes sent or acknowledged.
    fn size(&self, peer: &End) -> i64 {
        if self.before == State::SynSent
            && self.state == State::Reset
            && peer.state == State::Inactive
            && self.acked > 1
        {
            return 0;
        }
        let mut size = self.last.max(self.acked);
        size -= i64::from(size > 0);
        size - i64::from(self.fin && size > 0)
    }

    /// Established, or closed after having been.
    fn is_clean(&self) -> bool {
        self.state == State::Established
            || (self.state == State::Closed && self.before == State::Established)
    }
}

/// The letters that are noted once an end.
#[derive(Clone, Copy)]
enum Once {
    Syn,
    Fin,
    Rst,
    Data,
    Ack,
    FinRst,
    Multi,
}

/// Zeek's view of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Zeek {
    ends: [End; 2],
    /// Which direction is the originator's.
    pub(super) orig: u8,
    partial: bool,
    /// Bit 0: the originator sent something, bit 1: the responder did.
    first_seen: u8,
    once: u32,
    pub(super) history: History,
}

impl Zeek {
    /// A connection whose first segment has `flags` and goes from `ports[0]` to `ports[1]` in
    /// direction `from`.
    pub(super) fn new(from: usize, ports: [u16; 2], flags: Flags) -> Zeek {
        let mut zeek = Zeek {
            orig: from as u8,
            ..Zeek::default()
        };
        let opening = flags & (Flags::SYN | Flags::ACK) == Flags::SYN;
        if !opening && likely_server(ports[0]) {
            let flip = if likely_server(ports[1]) {
                !flags.contains(Flags::SYN) && ports[0] < ports[1]
            } else {
                true
            };
            if flip {
                zeek.orig ^= 1;
                zeek.history.push(b'^');
            }
        }
        zeek
    }

    fn is_orig(&self, from: usize) -> bool {
        from == usize::from(self.orig)
    }

    fn letter(&mut self, from: usize, letter: u8) {
        let letter = if self.is_orig(from) {
            letter
        } else {
            letter.to_ascii_lowercase()
        };
        self.history.push(letter);
    }

    /// Notes the letter if this end has not yet; was it noted before?
    fn noted(&mut self, from: usize, what: Once, letter: u8) -> bool {
        let bit = 1 << (what as u32 + if self.is_orig(from) { 0 } else { 16 });
        if self.once & bit != 0 {
            return true;
        }
        self.once |= bit;
        self.letter(from, letter);
        false
    }

    /// Notes the first, the tenth, the hundredth… time.
    fn scaled(&mut self, from: usize, count: u32, letter: u8) {
        if count == 1 || (count >= 10 && 10u32.pow(count.ilog10()) == count) {
            self.letter(from, letter);
        }
    }

    /// Takes the next segment. `covered` are the bytes seen of each direction; whole payloads are
    /// added to them here, and what is acknowledged taken off.
    pub(super) fn take(&mut self, from: usize, s: &Seen, covered: &mut [Coverage; 2]) {
        let flags = s.flags;
        let [syn, fin, rst, has_ack] =
            [Flags::SYN, Flags::FIN, Flags::RST, Flags::ACK].map(|f| flags.contains(f));
        let is_orig = self.is_orig(from);
        let to = 1 - from;

        if self.first_seen & if is_orig { 1 } else { 2 } == 0 {
            if is_orig {
                self.partial = !syn || has_ack;
            } else if !self.partial {
                self.partial = !syn;
            }
        }
        let payload = if rst { 0 } else { s.len };
        let taken = i64::from(payload) + i64::from(syn) + i64::from(fin);
        self.init(from, s, syn, taken);
        let seq = self.ends[from].relative(s.seq, self.ends[from].last);
        self.update_history(from, s, seq);
        if s.window == 0
            && !rst
            && self.ends[to].state != State::Closed
            && self.ends[from].state != State::Reset
        {
            self.ends[from].zero_windows = self.ends[from].zero_windows.saturating_add(1);
            self.scaled(from, self.ends[from].zero_windows, b'W');
        }
        if fin {
            self.ends[from].fin = true;
            self.ends[from].fin_end = seq + taken;
        }
        let mut acked = 0;
        if has_ack {
            let peer = &mut self.ends[to];
            if peer.state == State::Inactive {
                acked = 1;
                peer.start_at(s.ack.wrapping_sub(1), 0);
            } else {
                let at = peer.relative(s.ack, peer.acked);
                if at >= 0 {
                    acked = at;
                    let far = at - peer.acked > i64::from(TOO_FAR);
                    if !rst && at > peer.acked && !(s.ack == 0 && far) {
                        peer.acked = at;
                    }
                }
            }
        }
        self.update_last(from, s, s.seq.wrapping_add(taken as u32));
        self.update_state(from, s);
        if has_ack {
            self.acknowledged(to, acked, rst, &mut covered[to]);
        }
        if payload > 0 && seq >= 0 {
            covered[from].add(s.seq.wrapping_add(u32::from(syn)), payload);
        }
        self.first_seen |= if is_orig { 1 } else { 2 };
    }

    /// Sequence numbers of an end that begins, or begins again.
    fn init(&mut self, from: usize, s: &Seen, syn: bool, taken: i64) {
        let end = &mut self.ends[from];
        match end.state {
            State::Inactive if syn => end.start_at(s.seq, taken),
            State::Inactive => end.start_at(s.seq.wrapping_sub(1), 1),
            State::SynSent | State::SynAckSent if syn && s.seq != end.start => {
                end.start_at(s.seq, taken);
            }
            State::Established | State::Partial if syn => end.start_at(s.seq, taken),
            State::Reset if syn && end.before == State::Inactive => end.start_at(s.seq, taken),
            _ => {}
        }
    }

    fn update_history(&mut self, from: usize, s: &Seen, seq: i64) {
        let control = s.flags & (Flags::SYN | Flags::FIN | Flags::RST);
        let seq = seq as u32;
        if control.bits().count_ones() > 1 {
            if control.contains(Flags::FIN | Flags::RST) {
                self.noted(from, Once::FinRst, b'I');
            } else {
                self.noted(from, Once::Multi, b'Q');
            }
        } else if control == Flags::SYN {
            let letter = if s.flags.contains(Flags::ACK) {
                b'H'
            } else {
                b'S'
            };
            if self.noted(from, Once::Syn, letter) && seq != self.ends[from].last_syn {
                self.letter(from, letter);
            }
            self.ends[from].last_syn = seq;
        } else if control == Flags::FIN {
            let seq = seq.wrapping_add(s.len);
            if self.noted(from, Once::Fin, b'F') && seq != self.ends[from].last_fin {
                self.letter(from, b'F');
            }
            self.ends[from].last_fin = seq;
        } else if control == Flags::RST {
            if self.noted(from, Once::Rst, b'R') && seq != self.ends[from].last_rst {
                self.letter(from, b'R');
            }
            self.ends[from].last_rst = seq;
        } else if s.len > 0 {
            self.noted(from, Once::Data, b'D');
        } else if s.flags.contains(Flags::ACK) {
            self.noted(from, Once::Ack, b'A');
        }
    }

    fn update_last(&mut self, from: usize, s: &Seen, past: u32) {
        let end = &mut self.ends[from];
        let delta = end.distance(past, end.last);
        if s.flags.intersects(Flags::SYN | Flags::RST) && !(-TOO_FAR..=TOO_FAR).contains(&delta) {
            return;
        }
        if s.flags.contains(Flags::FIN) && end.last == 1 {
            // Of a connection of more than 2 GiB only SYN and FIN may have been seen.
            end.last += i64::from(delta as u32);
        } else if end.state == State::Reset {
            // Nothing after a RST is believed.
        } else if delta > 0 {
            end.last += i64::from(delta);
        } else if s.len > 0 {
            end.retransmitted = end.retransmitted.saturating_add(1);
            let count = end.retransmitted;
            self.scaled(from, count, b'T');
        }
    }

    fn update_state(&mut self, from: usize, s: &Seen) {
        match self.ends[from].state {
            State::Inactive => self.leave_inactive(from, s),
            State::SynSent | State::SynAckSent => {
                if s.flags.contains(Flags::FIN) {
                    self.ends[from].set(State::Closed);
                }
                if s.flags.contains(Flags::RST) {
                    self.ends[from].set(State::Reset);
                }
            }
            State::Established | State::Partial => self.leave_established(from, s),
            State::Closed => {
                if s.flags.contains(Flags::RST) && self.ends[1 - from].state != State::Closed {
                    self.ends[from].set(State::Reset);
                }
            }
            State::Reset => {}
        }
    }

    fn leave_inactive(&mut self, from: usize, s: &Seen) {
        let is_orig = self.is_orig(from);
        let has_ack = s.flags.contains(Flags::ACK);
        let to = 1 - from;
        if s.flags.contains(Flags::SYN) {
            if is_orig {
                self.ends[from].set(if has_ack {
                    State::SynAckSent
                } else {
                    State::SynSent
                });
            } else {
                if !has_ack
                    && self.ends[to].state == State::SynAckSent
                    && s.seq == self.ends[from].start
                {
                    // SYN and SYN-ACK came in the wrong order.
                    self.partial = false;
                    self.orig ^= 1;
                    self.history.push(b'^');
                    self.ends[to].set(State::Established);
                    self.first_seen |= 1;
                }
                if self.ends[to].state == State::SynSent {
                    self.ends[to].set(State::Established);
                }
                self.ends[from].set(State::Established);
            }
        }
        if s.flags.contains(Flags::FIN) {
            self.ends[from].set(State::Closed);
        }
        if s.flags.contains(Flags::RST) {
            self.ends[from].set(State::Reset);
        }
        if self.ends[from].state != State::Inactive {
            return;
        }
        if !is_orig && s.len == 0 && self.ends[to].state == State::SynSent {
            // An ACK of the SYN ahead of the SYN-ACK.
        } else if has_ack && self.ends[to].state == State::Established {
            self.ends[from].set(State::Established);
            self.partial = false;
            self.first_seen |= if is_orig { 1 } else { 2 };
        } else {
            self.ends[from].set(State::Partial);
        }
    }

    fn leave_established(&mut self, from: usize, s: &Seen) {
        let to = 1 - from;
        let [syn, fin, rst, has_ack] =
            [Flags::SYN, Flags::FIN, Flags::RST, Flags::ACK].map(|f| s.flags.contains(f));
        if syn
            && !has_ack
            && self.ends[from].state == State::Partial
            && self.ends[to].state == State::Inactive
        {
            self.ends[from].set(State::SynSent);
        }
        if fin && !rst {
            self.ends[from].set(State::Closed);
            let peer = &mut self.ends[to];
            if peer.state == State::Reset && peer.before == State::Closed {
                peer.set(State::Closed);
            }
        }
        if rst {
            self.ends[from].set(State::Reset);
        }
    }

    /// The other end acknowledged what direction `of` sent, up to `acked` from its start.
    fn acknowledged(&mut self, of: usize, mut acked: i64, rst: bool, covered: &mut Coverage) {
        let end = &self.ends[of];
        if end.fin && acked >= end.fin_end {
            acked = end.fin_end - 1;
        }
        covered.begin(end.start.wrapping_add(1));
        if acked < 1 || (acked <= 2 && self.partial) || rst {
            return;
        }
        let holes = covered.acknowledge(end.start.wrapping_add(acked as u32));
        if holes > 0 && self.ends[0].is_clean() && self.ends[1].is_clean() {
            for _ in 0..holes {
                self.ends[of].gaps = self.ends[of].gaps.saturating_add(1);
                self.scaled(of, self.ends[of].gaps, b'G');
            }
        }
    }

    /// Zeek's `conn_state`.
    pub(super) fn state(&self) -> &'static str {
        let orig = &self.ends[usize::from(self.orig)];
        let resp = &self.ends[1 - usize::from(self.orig)];
        let silent = |end: &End| matches!(end.state, State::Inactive | State::Partial);
        match (orig.state, resp.state) {
            (State::SynSent | State::SynAckSent, State::Reset) => "REJ",
            (State::Reset, State::Reset) if orig.size(resp) == 0 && resp.size(orig) == 0 => "REJ",
            (_, State::Reset) if silent(orig) => "RSTRH",
            (_, State::Reset) => "RSTR",
            (State::Reset, _) if silent(resp) => "RSTOS0",
            (State::Reset, _) => "RSTO",
            (State::Closed, State::Closed) => "SF",
            (State::Closed, _) if silent(resp) => "SH",
            (State::Closed, _) => "S2",
            (_, State::Closed) if silent(orig) => "SHR",
            (_, State::Closed) => "S3",
            (State::SynSent, State::Inactive) => "S0",
            (State::Established, State::Established) => "S1",
            _ => "OTH",
        }
    }
}
