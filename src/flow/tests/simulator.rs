//! Two TCP ends that run programs under a random scheduler: the same programs, another kernel.

use std::collections::VecDeque;

use proptest::test_runner::TestRng;
use rand::RngExt;

use super::Made;
use crate::tcp::Side;
use crate::timeline::Op;
use crate::wire::Flags;

/// What a program does, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Send(u32),
    /// Exactly this many bytes in all, from the start of the stream.
    RecvTo(u32),
    RecvEof,
    Shutdown,
    Close,
}

#[derive(Debug, Default)]
struct End {
    program: VecDeque<Act>,
    ops: Vec<Op>,
    written: u32,
    fin_written: bool,
    transmitted: u32,
    fin_transmitted: bool,
    received: u32,
    fin_received: bool,
}

impl End {
    /// Sequence number of the next byte, FIN included.
    fn next(&self) -> u32 {
        1 + self.transmitted + u32::from(self.fin_transmitted)
    }

    fn ack(&self) -> u32 {
        1 + self.received + u32::from(self.fin_received)
    }

    fn step(&mut self) -> bool {
        match self.program.front() {
            None => return false,
            Some(Act::Send(n)) => {
                let (start, end) = (u64::from(self.written), u64::from(self.written + n));
                self.ops.push(Op::Sent {
                    start,
                    end,
                    echo: false,
                });
                self.written += n;
            }
            Some(Act::RecvTo(n)) => {
                if self.received < *n {
                    return false;
                }
                self.ops.push(Op::Received(u64::from(*n)));
            }
            Some(Act::RecvEof) => {
                if !self.fin_received {
                    return false;
                }
                self.ops.push(Op::PeerFin);
            }
            Some(Act::Shutdown) => {
                self.ops.push(Op::Shutdown);
                self.fin_written = true;
            }
            Some(Act::Close) => {
                self.ops.push(Op::Close { unread: 0 });
                self.fin_written = true;
            }
        }
        self.program.pop_front();
        true
    }
}

/// What a run left: the frames as captured, and both programs' operations.
pub struct Ran {
    pub frames: Vec<Made>,
    pub ops: [Vec<Op>; 2],
}

/// Byte `i` of a stream; the directions differ.
fn byte(side: Side, i: u32) -> u8 {
    b'a' + ((i + 7 * side.index() as u32) % 26) as u8
}

/// Runs both programs to their ends. `noise`: pure ACKs, duplicates, keep-alives, splits.
pub fn run(programs: [&[Act]; 2], rng: &mut TestRng, noise: bool) -> Ran {
    let mut ends = programs.map(|program| End {
        program: program.to_vec().into(),
        ..End::default()
    });
    let mut frames = super::script("HS");
    let sides = [Side::Client, Side::Server];
    loop {
        // Every kind of progress that is possible now; one is taken at random.
        let mut choices: Vec<(usize, u8)> = vec![];
        for (side, end) in ends.iter().enumerate() {
            let mut probe = End {
                program: end.program.clone(),
                ..End::default()
            };
            probe.received = end.received;
            probe.fin_received = end.fin_received;
            if probe.step() {
                choices.push((side, 0));
            }
            if end.transmitted < end.written || (end.fin_written && !end.fin_transmitted) {
                choices.push((side, 1));
            }
        }
        if choices.is_empty() {
            break;
        }
        let (side, kind) = choices[rng.random_range(0..choices.len())];
        if kind == 0 {
            ends[side].step();
            continue;
        }
        let from = sides[side];
        let left = ends[side].written - ends[side].transmitted;
        let len = if noise && left > 0 {
            rng.random_range(1..=left)
        } else {
            left
        };
        let start = ends[side].transmitted;
        let last = start + len == ends[side].written;
        let fin = ends[side].fin_written && last && (len == 0 || rng.random_bool(0.5));
        let seq = 1 + start;
        let payload: Vec<u8> = (start..start + len).map(|i| byte(from, i)).collect();
        let mut flags = Flags::ACK;
        flags.set(Flags::FIN, fin);
        let ack = ends[side].ack();
        frames.push(Made {
            from,
            flags,
            seq,
            ack,
            payload,
        });
        ends[side].transmitted += len;
        ends[side].fin_transmitted |= fin;
        let (own, peer) = (side, 1 - side);
        ends[peer].received = ends[own].transmitted;
        ends[peer].fin_received = ends[own].fin_transmitted;
        if noise {
            add_noise(&mut frames, &ends, own, rng);
        }
    }
    for (side, end) in ends.iter().enumerate() {
        assert!(
            end.program.is_empty(),
            "{:?} hangs in {:?}",
            sides[side],
            end.program
        );
    }
    if noise {
        reorder(&mut frames, rng);
    }
    Ran {
        frames,
        ops: ends.map(|end| end.ops),
    }
}

fn add_noise(frames: &mut Vec<Made>, ends: &[End; 2], own: usize, rng: &mut TestRng) {
    let pure = |side: usize, back: u32| Made {
        from: [Side::Client, Side::Server][side],
        flags: Flags::ACK,
        seq: ends[side].next() - back,
        ack: ends[side].ack(),
        payload: vec![],
    };
    if rng.random_bool(0.5) {
        frames.push(pure(1 - own, 0));
    }
    if rng.random_bool(0.1) {
        // A keep-alive: one below the next sequence number.
        frames.push(pure(own, 1));
    }
    if rng.random_bool(0.2) {
        // A retransmission, acknowledging what is there by now.
        let again = rng.random_range(0..frames.len());
        let mut copy = frames[again].clone();
        let side = copy.from.index();
        if copy.flags.contains(Flags::ACK) && !copy.flags.contains(Flags::SYN) {
            copy.ack = ends[side].ack();
        }
        frames.push(copy);
    }
}

/// As when two CPUs send: frames of one direction overtake each other, never their own cause.
fn reorder(frames: &mut [Made], rng: &mut TestRng) {
    for at in 3..frames.len().saturating_sub(1) {
        if frames[at].from == frames[at + 1].from && rng.random_bool(0.2) {
            frames.swap(at, at + 1);
        }
    }
}
