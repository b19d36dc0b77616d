//! A conversation as two scripts that repeat it.

use crate::flow::atoms::Atoms;
use crate::flow::{Bytes, Close, Flow, Handshake, Programs, Reset, ResetKind, Run, canonical};
use crate::tcp::{Conversation, Side};
use crate::timeline::Op;
use crate::wire::Flags;

/// A step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Do {
    Connect,
    /// `connect` that must fail: nothing listens.
    Refused,
    Send(Payload),
    Recv(Payload),
    RecvEof,
    ShutdownWrite,
    Close,
    Reset,
    PeerReset,
    /// A receive that must fail: the port is closed.
    Unreachable,
    /// Drop what arrives, or no longer.
    Deaf(bool),
    /// Wait for an event of another actor.
    Event(String, &'static str),
    Barrier(&'static str),
}

/// Bytes, or how many where the capture does not hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Payload {
    Known(Vec<u8>),
    Unknown(u64),
}

/// One connection as two programs.
#[derive(Debug, Clone)]
pub(super) struct Talk {
    /// The client's name in the scenario.
    pub name: String,
    /// Client's steps, server's steps.
    pub steps: [Vec<Do>; 2],
    /// The flow that the capture shows.
    pub flow: Flow,
    /// What is at the other end.
    pub serving: Serving,
    /// Datagrams, no connection.
    pub udp: bool,
}

/// The other end of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serving {
    /// A server with a script.
    Script,
    /// Nothing listens.
    Nobody,
    /// A UDP socket that sends back what it gets.
    UdpEcho,
    /// A UDP socket that does not answer.
    UdpSink,
}

/// The scripts of a connection.
///
/// # Errors
/// Why nothing can repeat it.
pub(super) fn talk(name: &str, conversation: &Conversation) -> Result<Talk, &'static str> {
    let close = canonical(name, conversation, Programs::default())
        .flow
        .close;
    let resets = match &close {
        Close::Reset(resets) => resets.clone(),
        _ => vec![],
    };
    // How much came before a RST the canonical flow of frames alone leaves open; here it is what did.
    let mut without = conversation.clone();
    without
        .segments
        .retain(|segment| !segment.flags.contains(Flags::RST));
    let flow = match resets.is_empty() {
        true => canonical(name, conversation, Programs::default()).flow,
        false => canonical(name, &without, Programs::default()).flow,
    };
    let mut steps = [vec![], vec![]];
    match flow.handshake {
        Handshake::Complete | Handshake::Unseen => {}
        Handshake::Refused => {
            steps[0].push(Do::Refused);
            return Ok(Talk {
                name: name.to_owned(),
                steps,
                flow,
                serving: Serving::Nobody,
                udp: false,
            });
        }
        Handshake::Unanswered => return Err("nobody answered its SYN"),
        Handshake::Partial => return Err("its handshake was never completed"),
        Handshake::Udp => return Err("it is no TCP connection"),
    }
    let answered = |reset: &&Reset| reset.kind == ResetKind::Answer;
    let after_fin = |reset: &Reset| match reset.by {
        Side::Client => reset.after_client_fin,
        Side::Server => reset.after_server_fin,
    };
    if resets
        .iter()
        .filter(answered)
        .any(|reset| !after_fin(reset))
    {
        return Err("it was answered with a RST though its socket had not been closed");
    }
    steps[0].push(Do::Connect);
    let all = Atoms::of(conversation);
    let mut writer = Writer {
        atoms: Atoms::of(&without),
        name,
        close: &close,
        answers: [Side::Client, Side::Server]
            .map(|side| resets.iter().filter(answered).any(|reset| reset.by == side)),
        // What a side got before its RST, its RST acknowledges.
        reach: [Side::Client, Side::Server].map(|side| match all.side(side).rst {
            Some(rst) if rst.kind == ResetKind::Abort => rst.ack,
            _ => u64::MAX,
        }),
        steps,
        offsets: [0; 2],
        gone: [false; 2],
    };
    for phase in &flow.phases {
        let runs: Vec<&Run> = phase.runs().collect();
        writer.phase(&runs);
    }
    for reset in &resets {
        writer.reset(reset);
    }
    let steps = writer.finish();
    // Now that there are programs, the capture is read as theirs.
    let ops = [ops(&steps[0]), ops(&steps[1])];
    let programs = Programs {
        client: Some(&ops[0]),
        server: Some(&ops[1]),
    };
    Ok(Talk {
        name: name.to_owned(),
        flow: canonical(name, conversation, programs).flow,
        steps,
        serving: Serving::Script,
        udp: false,
    })
}

/// What the steps mean for the order of bytes.
fn ops(steps: &[Do]) -> Vec<Op> {
    let (mut sent, mut received) = (0, 0);
    let ops = steps.iter().filter_map(|step| match step {
        Do::Send(payload) => {
            let start = sent;
            sent += payload.len();
            Some(Op::Sent {
                start,
                end: sent,
                echo: false,
            })
        }
        Do::Recv(payload) => {
            received += payload.len();
            Some(Op::Received(received))
        }
        Do::RecvEof => Some(Op::PeerFin),
        Do::ShutdownWrite => Some(Op::Shutdown),
        Do::Close => Some(Op::Close { unread: 0 }),
        Do::Reset => Some(Op::Reset),
        Do::PeerReset => Some(Op::PeerReset),
        _ => None,
    });
    ops.collect()
}

impl Payload {
    fn len(&self) -> u64 {
        match self {
            Payload::Known(bytes) => bytes.len() as u64,
            Payload::Unknown(len) => *len,
        }
    }

    fn truncated(self, to: u64) -> Option<Payload> {
        match self {
            _ if to == 0 => None,
            Payload::Known(mut bytes) => {
                bytes.truncate(usize::try_from(to).unwrap_or(usize::MAX));
                Some(Payload::Known(bytes))
            }
            Payload::Unknown(len) => Some(Payload::Unknown(len.min(to))),
        }
    }
}

struct Writer<'a> {
    atoms: Atoms<'a>,
    name: &'a str,
    close: &'a Close,
    /// Sides whose kernel answered with a RST when their socket was no more.
    answers: [bool; 2],
    /// How much of its peer's stream a side can have received.
    reach: [u64; 2],
    steps: [Vec<Do>; 2],
    /// How much of each stream has been written.
    offsets: [u64; 2],
    /// Sides whose socket is no more.
    gone: [bool; 2],
}

impl Writer<'_> {
    /// First everybody sends what needs no waiting, then everybody receives.
    fn phase(&mut self, runs: &[&Run]) {
        let payloads: Vec<Option<Payload>> = runs.iter().map(|run| self.payload(run)).collect();
        for (run, payload) in runs.iter().zip(&payloads) {
            let steps = &mut self.steps[run.from.index()];
            steps.extend(payload.clone().map(Do::Send));
        }
        let crossed = *self.close == Close::Crossed && runs.iter().all(|run| run.fin);
        if crossed && runs.len() == 2 {
            self.receive(runs, &payloads);
            return self.cross();
        }
        for run in runs.iter().filter(|run| run.fin) {
            let own = run.from.index();
            // A RST without ACK comes from a kernel whose socket is no more: then this was close().
            self.steps[own].push(match self.answers[own] {
                true => Do::Close,
                false => Do::ShutdownWrite,
            });
            self.gone[own] |= self.answers[own];
        }
        self.receive(runs, &payloads);
        for run in runs.iter().filter(|run| run.fin) {
            let other = run.from.other().index();
            if !self.gone[other] && self.atoms.side(run.from).len() < self.reach[other] {
                self.steps[other].push(Do::RecvEof);
            }
        }
    }

    fn receive(&mut self, runs: &[&Run], payloads: &[Option<Payload>]) {
        for (run, payload) in runs.iter().zip(payloads) {
            let other = run.from.other().index();
            let Some(payload) = payload.clone().filter(|_| !self.gone[other]) else {
                continue;
            };
            let start = self.offsets[run.from.index()] - payload.len();
            let payload = payload.truncated(self.reach[other].saturating_sub(start));
            self.steps[other].extend(payload.map(Do::Recv));
        }
    }

    fn reset(&mut self, reset: &Reset) {
        let (own, other) = (reset.by.index(), reset.by.other().index());
        if reset.kind == ResetKind::Abort && !self.gone[own] {
            self.steps[own].push(Do::Reset);
            self.gone[own] = true;
        }
        if !self.gone[other] {
            self.steps[other].push(Do::PeerReset);
        }
    }

    /// Two FINs that cross take a client that is deaf for the server's until it has sent its own.
    fn cross(&mut self) {
        let [client, server] = &mut self.steps;
        server.push(Do::Event(self.name.to_owned(), "setsockopt"));
        server.push(Do::ShutdownWrite);
        client.push(Do::Deaf(true));
        client.push(Do::Event("server".to_owned(), "shutdown"));
        client.push(Do::ShutdownWrite);
        client.push(Do::Deaf(false));
        client.push(Do::RecvEof);
        server.push(Do::RecvEof);
    }

    fn payload(&mut self, run: &Run) -> Option<Payload> {
        let (Bytes::Exact(content) | Bytes::AtLeast(content)) = &run.bytes else {
            return None;
        };
        if content.len == 0 {
            return None;
        }
        let from = &mut self.offsets[run.from.index()];
        let range = *from..*from + content.len;
        *from = range.end;
        let mut bytes = vec![];
        for (at, piece) in self.atoms.pieces(run.from, range.clone()) {
            if at != range.start + bytes.len() as u64 {
                break;
            }
            bytes.extend_from_slice(piece);
        }
        Some(match bytes.len() as u64 == content.len {
            true => Payload::Known(bytes),
            false => Payload::Unknown(content.len),
        })
    }

    fn finish(mut self) -> [Vec<Do>; 2] {
        let left_open = match self.close {
            Close::Open => [true, true],
            Close::Half(by) => {
                let open = by.other();
                [open == Side::Client, open == Side::Server]
            }
            _ => [false, false],
        };
        let ends = left_open.into_iter().zip(self.gone);
        for (steps, (left_open, gone)) in self.steps.iter_mut().zip(ends) {
            if !left_open && !gone {
                steps.push(Do::Close);
            }
            if *self.close != Close::Crossed {
                shorten(steps);
            }
        }
        self.steps
    }
}

/// `shutdown` with nothing after it but the peer's end is what programs write as `close`.
fn shorten(steps: &mut Vec<Do>) {
    let Some(at) = steps.iter().position(|step| *step == Do::ShutdownWrite) else {
        return;
    };
    let rest = &steps[at + 1..];
    if rest.last() == Some(&Do::Close) && rest.iter().all(|s| matches!(s, Do::RecvEof | Do::Close))
    {
        steps.truncate(at);
        steps.push(Do::Close);
    }
}
