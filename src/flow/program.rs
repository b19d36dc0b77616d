//! What program order says of one side: where it had to wait (cuts), what its bytes needed, and
//! what is certain to have been sent however the kernel raced.

use super::atoms::Direction;
use crate::timeline::Op;

/// A send of at most this many bytes leaves in one segment: the default MSS (RFC 9293, section 3.7.1).
const ONE_SEGMENT: u64 = 536;

/// `own` units from this one on come after the peer's units before `peer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// Own unit that had to wait.
    pub own: u64,
    /// End of the peer's units that it waited for.
    pub peer: u64,
}

/// How far the peer's stream had to be read before a send.
#[derive(Debug, Clone, Copy)]
struct Need {
    start: u64,
    end: u64,
    received: u64,
    echo: bool,
}

/// The program of one side, compiled.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The waits, each stronger than the one before it.
    pub waits: Vec<Wait>,
    needs: Vec<Need>,
    /// Bytes that the kernel took from the program.
    pub sent: u64,
    /// Bytes of the own stream whose acknowledgement the program waited for.
    pub acked: u64,
    /// Bytes of the peer that the program waited for exactly.
    pub exact: u64,
}

impl Program {
    /// Reads the operations of one side; `own` and `peer` are the directions on the wire, and
    /// `others` the operations of the other side, if known.
    pub fn of(ops: &[Op], own: &Direction, peer: &Direction, others: &[Op]) -> Program {
        let acked = others.iter().map(|op| match *op {
            Op::Acked(n) => n,
            _ => 0,
        });
        let acked = acked.max().unwrap_or(0);
        let mut program = Program::default();
        let mut gate = 0;
        let mut strongest = 0;
        let mut received = 0;
        let mut fin = own.fin;
        let mut rst = own.rst;
        for op in ops {
            let unit = match *op {
                Op::Received(n) => {
                    gate = gate.max(n);
                    received = received.max(n);
                    program.exact = program.exact.max(n);
                    None
                }
                Op::ReceivedSome { end } => {
                    received = (received + 1).min(end);
                    None
                }
                Op::PeerFin => {
                    // The peer's FIN is a unit of its own; without one on the wire the wait cannot be confirmed.
                    gate = gate.max(peer.fin.map_or(peer.len() + 1, |fin| fin.at + 1));
                    received = received.max(gate);
                    None
                }
                Op::Acked(n) => {
                    program.acked = program.acked.max(n);
                    None
                }
                Op::PeerReset => None,
                Op::Sent { start, end, echo } => {
                    program.sent = program.sent.max(end);
                    program.needs.push(Need {
                        start,
                        end,
                        received,
                        echo,
                    });
                    (start < own.len()).then_some(start)
                }
                Op::Shutdown => fin.take().map(|fin| fin.at),
                Op::Close { unread: 0 } => fin.take().or_else(|| rst.take()).map(|end| end.at),
                Op::Close { .. } | Op::Reset => rst.take().map(|rst| rst.at),
                Op::Killed => {
                    let end = fin.take().or_else(|| rst.take());
                    // Who killed it was a script that had waited first; the wire tells for what.
                    if let Some(end) = end.filter(|end| end.ack >= acked) {
                        gate = gate.max(acked.min(end.ack));
                    }
                    end.map(|end| end.at)
                }
            };
            if let Some(unit) = unit {
                if gate > strongest {
                    strongest = gate;
                    program.waits.push(Wait {
                        own: unit,
                        peer: gate,
                    });
                }
                if !matches!(op, Op::Sent { .. }) {
                    program.needs.push(Need {
                        start: unit,
                        end: unit + 1,
                        received,
                        echo: false,
                    });
                }
            }
        }
        program
    }

    /// What the wire shows of a side whose program is not known: a unit whose first transmission
    /// acknowledges more than any before it came after what it acknowledges.
    pub fn observed(own: &Direction) -> Vec<Wait> {
        let mut waits = vec![];
        let mut strongest = 0;
        let spans = own.spans.iter().map(|(&start, span)| (start, span.ack));
        let ends = [own.fin, own.rst]
            .into_iter()
            .flatten()
            .map(|end| (end.at, end.ack));
        for (unit, ack) in spans.chain(ends) {
            if ack > strongest {
                strongest = ack;
                waits.push(Wait {
                    own: unit,
                    peer: ack,
                });
            }
        }
        waits
    }

    /// How many of the peer's units had to be there before this unit could be sent.
    pub fn needs(&self, unit: u64) -> u64 {
        let need = self
            .needs
            .iter()
            .find(|need| need.start <= unit && unit < need.end);
        match need {
            Some(need) if need.echo => need.received.max(unit + 1),
            Some(need) => need.received,
            None => 0,
        }
    }

    /// If `own` bytes of this side are certain to be on the wire, how many of the peer's are?
    pub fn implies(&self, own: u64) -> u64 {
        let mut certain = 0;
        for need in self.needs.iter().filter(|need| need.start < own) {
            certain = certain.max(need.received);
            if need.echo {
                certain = certain.max(need.end.min(own));
            }
        }
        certain
    }

    /// Rounds a certain number of bytes up to the end of the send that they belong to, where such
    /// a send leaves whole.
    pub fn whole_sends(&self, certain: u64) -> u64 {
        let cut = self
            .needs
            .iter()
            .find(|need| need.start < certain && certain < need.end);
        match cut {
            Some(need) if need.end - need.start <= ONE_SEGMENT => need.end,
            _ => certain,
        }
    }
}
