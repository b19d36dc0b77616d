//! Exchanges as two TCPs have them, captured badly: handshakes in all forms, data with loss,
//! reordering and duplicates, windows that close, keep-alives, closes, ports used again.

use lab_capture::wire::Flags;

use crate::exchange::{Rng, Sent};

const ACK: Flags = Flags::ACK;

/// Two ends that talk.
struct Talk<'a> {
    r: &'a mut Rng,
    time: &'a mut i64,
    sent: Vec<Sent>,
    /// Next number to send; next one expected from the other.
    next: [u32; 2],
    expected: [u32; 2],
    window: [u16; 2],
    scale: [Option<u8>; 2],
    mss: u64,
    pace: i64,
}

impl Talk<'_> {
    fn put(&mut self, from: usize, flags: Flags, seq: u32, ack: u32, len: u64) {
        *self.time += self.pace / 2 + self.r.below(self.pace as u64 + 1) as i64;
        let scale = if flags.contains(Flags::SYN) {
            self.scale[from]
        } else {
            None
        };
        self.sent.push(Sent {
            time: *self.time,
            from,
            flags,
            seq,
            ack: if flags.contains(ACK) { ack } else { 0 },
            len: len as u32,
            window: self.window[from],
            scale,
            mptcp: None,
            quoted: false,
        });
    }

    /// Something new from `from`; the other end has it only if it is `heard`.
    fn say(&mut self, from: usize, flags: Flags, len: u64, heard: bool) {
        let seq = self.next[from];
        self.put(from, flags, seq, self.expected[from], len);
        let control = u32::from(flags.intersects(Flags::SYN | Flags::FIN));
        self.next[from] = seq.wrapping_add(len as u32 + control);
        if heard {
            self.expected[1 - from] = self.next[from];
        }
    }

    fn ack(&mut self, from: usize) {
        self.put(from, ACK, self.next[from], self.expected[from], 0);
    }

    fn handshake(&mut self) {
        let syn = Flags::SYN;
        let kind = self.r.below(12);
        match kind {
            0 => {
                // Not captured.
                self.next = self.next.map(|n| n.wrapping_add(1));
                self.expected = [self.next[1], self.next[0]];
                return;
            }
            1 => {
                // Simultaneous.
                self.say(0, syn, 0, true);
                self.say(1, syn, 0, true);
                for from in 0..2 {
                    let seq = self.next[from].wrapping_sub(1);
                    self.put(from, syn | ACK, seq, self.expected[from], 0);
                }
                return;
            }
            2 => {
                self.say(0, syn, 0, true);
                self.next[1] = 0;
                self.say(1, Flags::RST | ACK, 0, false);
                return;
            }
            _ => {}
        }
        let tfo = if kind == 3 { self.r.below(50) } else { 0 };
        if kind != 4 {
            self.say(0, syn, tfo, true);
            for _ in 0..self.r.pick(&[0, 0, 0, 0, 1, 2]) {
                *self.time += 1_000_000_000;
                let seq = self.next[0].wrapping_sub(1 + tfo as u32);
                self.put(0, syn, seq, 0, tfo);
            }
        } else {
            self.next[0] = self.next[0].wrapping_add(1);
            self.expected[1] = self.next[0];
        }
        if kind == 5 {
            self.next[1] = self.next[1].wrapping_add(1);
            self.expected[0] = self.next[1];
        } else {
            self.say(1, syn | ACK, 0, true);
            if self.r.chance(8) {
                let seq = self.next[1].wrapping_sub(1);
                self.put(1, syn | ACK, seq, self.expected[1], 0);
            }
        }
        if kind != 6 {
            self.ack(0);
        }
    }

    /// A burst from `from`, with what a network does to it.
    fn burst(&mut self, from: usize) {
        let to = 1 - from;
        let start = self.sent.len();
        let begin = self.next[from];
        let mut lost = None;
        for n in 0..1 + self.r.below(7) {
            let len = if self.r.chance(70) {
                self.mss
            } else {
                1 + self.r.below(self.mss)
            };
            let drop = lost.is_none() && self.r.chance(8);
            self.say(from, ACK | Flags::PSH, len, lost.is_none() && !drop);
            if drop {
                lost = Some((self.next[from].wrapping_sub(len as u32), len));
                // Before the capture point, or behind it?
                if self.r.chance(50) {
                    self.sent.pop();
                }
            } else if lost.is_some() || n % 2 == 1 {
                self.ack(to);
            }
        }
        if let Some((seq, len)) = lost {
            for _ in 0..self.r.below(4) {
                self.ack(to);
            }
            *self.time += self
                .r
                .pick(&[0, 1_000_000, 15_000_000, 30_000_000, 400_000_000]);
            self.put(from, ACK, seq, self.expected[from], len);
            self.expected[to] = self.next[from];
            self.ack(to);
        }
        let end = self.sent.len();
        if end - start > 2 && self.r.chance(15) {
            // Reordered: the times stay, the segments move.
            let (a, b) = (
                start + self.r.below((end - start) as u64) as usize,
                start + self.r.below((end - start) as u64) as usize,
            );
            let (ta, tb) = (self.sent[a].time, self.sent[b].time);
            self.sent.swap(a, b);
            self.sent[a].time = ta;
            self.sent[b].time = tb;
        }
        if self.r.chance(10) {
            let mut copy = self.sent[start + self.r.below((end - start) as u64) as usize].clone();
            *self.time += self.r.pick(&[100, 100_000, 2_000_000, 50_000_000]);
            copy.time = *self.time;
            self.sent.push(copy);
        }
        if self.r.chance(5) {
            // All again, in other pieces.
            let len = self.next[from].wrapping_sub(begin);
            *self.time += 200_000_000;
            self.put(
                from,
                ACK,
                begin,
                self.expected[from],
                u64::from(len.min(60_000)),
            );
        }
    }

    fn zero_window(&mut self, from: usize) {
        let to = 1 - from;
        // Fill the window, then close it.
        self.window[to] = 1_000;
        self.ack(to);
        let scale = match self.scale {
            [Some(_), Some(_)] => u32::from(self.scale[to].unwrap_or(0).min(14)),
            _ => 0,
        };
        let edge = self.expected[to].wrapping_add(1_000 << scale);
        let room = u64::from(edge.wrapping_sub(self.next[from])).min(60_000);
        self.say(from, ACK | Flags::PSH, room, true);
        self.window[to] = 0;
        self.ack(to);
        for _ in 0..self.r.below(4) {
            *self.time += 300_000_000;
            match self.r.below(3) {
                // Linux probes from one before, Windows with the next byte.
                0 => {
                    let seq = self.next[from].wrapping_sub(1);
                    self.put(from, ACK, seq, self.expected[from], 0);
                }
                1 => {
                    let seq = self.next[from];
                    self.put(from, ACK, seq, self.expected[from], 1);
                }
                _ => {
                    let seq = self.next[from].wrapping_sub(1);
                    self.put(from, ACK, seq, self.expected[from], 1);
                }
            }
            if self.r.chance(80) {
                self.ack(to);
            }
        }
        if self.r.chance(80) {
            self.window[to] = self.r.pick(&[500, 8_000, 65_535]);
            self.ack(to);
        }
    }

    fn keep_alive(&mut self, from: usize) {
        for _ in 0..1 + self.r.below(3) {
            *self.time += 1_000_000_000;
            let seq = self.next[from].wrapping_sub(1);
            let len = self.r.below(2);
            self.put(from, ACK, seq, self.expected[from], len);
            if self.r.chance(80) {
                self.ack(1 - from);
            }
        }
    }

    fn close(&mut self) {
        let from = self.r.below(2) as usize;
        let to = 1 - from;
        match self.r.below(7) {
            0 => {}
            1 => self.say(from, Flags::RST | ACK, 0, false),
            2 => self.say(from, Flags::RST, 0, false),
            3 => {
                // Crossed.
                self.say(from, Flags::FIN | ACK, 0, false);
                self.say(to, Flags::FIN | ACK, 0, true);
                self.expected[to] = self.next[from];
                self.ack(from);
                self.ack(to);
            }
            4 => {
                self.say(from, Flags::FIN | ACK, 10, true);
                let answer = self.next[from];
                self.put(to, Flags::RST, self.expected[from], answer, 0);
                self.put(to, Flags::RST, self.expected[from], answer, 0);
            }
            _ => {
                self.say(from, Flags::FIN | ACK, 0, true);
                if self.r.chance(20) {
                    *self.time += 200_000_000;
                    let seq = self.next[from].wrapping_sub(1);
                    self.put(from, Flags::FIN | ACK, seq, self.expected[from], 0);
                }
                if self.r.chance(50) {
                    self.ack(to);
                }
                if self.r.chance(20) {
                    self.burst(to);
                }
                self.say(to, Flags::FIN | ACK, 0, true);
                self.ack(from);
                if self.r.chance(20) {
                    self.ack(from);
                    self.put(to, Flags::RST, self.next[to], 0, 0);
                }
            }
        }
    }
}

/// An exchange, or some on the same ends.
pub fn talk(r: &mut Rng, time: &mut i64) -> Vec<Sent> {
    let mut all = Vec::new();
    let mut first = [r.next() as u32, r.next() as u32];
    for n in 0..r.pick(&[1, 1, 1, 2, 3]) {
        if r.chance(20) {
            first[r.below(2) as usize] = r.pick(&[u32::MAX - 700, 0, u32::MAX, 0x7fff_ff00]);
        }
        let scales = [None, Some(0), Some(2), Some(7), Some(14)];
        let scale = if r.chance(60) {
            [Some(7), Some(r.below(15) as u8)]
        } else {
            [r.pick(&scales), r.pick(&scales)]
        };
        let (mss, pace) = (
            r.pick(&[2, 100, 1_448, 20_000]),
            r.pick(&[10_000, 1_000_000, 20_000_000]),
        );
        let mut talk = Talk {
            r: &mut *r,
            time: &mut *time,
            sent: Vec::new(),
            next: first,
            expected: [0; 2],
            window: [65_535; 2],
            scale,
            mss,
            pace,
        };
        talk.handshake();
        for _ in 0..talk.r.below(6) {
            let from = talk.r.below(2) as usize;
            match talk.r.below(10) {
                0..=6 => talk.burst(from),
                7 => talk.zero_window(from),
                8 => talk.keep_alive(from),
                _ => *talk.time += 3_000_000_000,
            }
        }
        talk.close();
        let Talk { mut sent, next, .. } = talk;
        if n > 0 && r.chance(30) {
            // The other end opens this time.
            for s in &mut sent {
                s.from = 1 - s.from;
            }
        }
        match r.below(6) {
            // The same numbers again: no new stream.
            0 => {}
            1 => first = next,
            _ => first = [r.next() as u32, r.next() as u32],
        }
        all.extend(sent);
    }
    if r.chance(10) {
        // Only one direction captured.
        let from = r.below(2) as usize;
        all.retain(|s| s.from == from);
    }
    if r.chance(10) {
        // The capture begins late.
        let skip = r.below(all.len() as u64 + 1) as usize;
        all.drain(..skip);
    }
    if r.chance(8) {
        for s in &mut all {
            s.mptcp = r.pick(&[None, Some(2), Some(2), Some(5)]);
        }
    }
    let loss = r.pick(&[0, 0, 2, 10]);
    all.retain(|_| !r.chance(loss));
    if r.chance(8) && !all.is_empty() {
        // An ICMP error quotes one of the segments, captured or not.
        let at = r.below(all.len() as u64) as usize;
        let mut quote = all[at].clone();
        quote.quoted = true;
        quote.len = 0;
        all.insert(r.below(all.len() as u64 + 1) as usize, quote);
    }
    all
}
