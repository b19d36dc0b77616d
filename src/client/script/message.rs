//! `send-message` and `recv-message`: the framing at work on a socket.

use nix::errno::Errno;

use super::act::{Act, Failure, Progress};
use super::machine::Script;
use super::payload::{Payload, difference};
use super::recv::{Exact, PIECE, UpTo};
use super::send::Send;
use crate::client::framing::{self, Decoder, FrameError};
use crate::client::link::Io;
use crate::platform::multiplex::Interest;
use crate::scenario::{Data, Framing};
use crate::timeline::Op;

fn failure(call: &'static str, result: String) -> Failure {
    Failure {
        call,
        result,
        errno: None,
        fault: None,
        op: None,
    }
}

fn framing_of(script: &Script, call: &'static str) -> Result<Framing, Failure> {
    let none = || failure(call, "no framing is set for this actor".into());
    script.role.framing.clone().ok_or_else(none)
}

/// Begins `send-message`: the head and the body go out by calls of their own, as the course's programs send them.
pub fn send(script: &Script, data: &Data, payload: Payload) -> Result<Send, Failure> {
    let framing = framing_of(script, "send")?;
    let wrong = |e: FrameError| failure("send", e.to_string());
    if let (Framing::Delimiter(_), Data::Bytes(bytes)) = (&framing, data) {
        let frame = framing::encode(&framing, bytes).map_err(wrong)?;
        return Ok(Send::new(Payload::Bytes(frame)));
    }
    let (head, tail) = framing::envelope(&framing, payload.len()).map_err(wrong)?;
    let pieces = [Payload::Bytes(head), payload, Payload::Bytes(tail)];
    Ok(Send::pieces(
        pieces.into_iter().filter(|p| !p.is_empty()).collect(),
    ))
}

/// Begins `recv-message`.
pub fn receive(script: &Script, expected: Option<Payload>) -> Result<Box<dyn Act>, Failure> {
    let framing = framing_of(script, "recv")?;
    // A stream has no messages: exactly the expected bytes, or whatever comes.
    if framing == Framing::Stream {
        return Ok(match expected {
            Some(bytes) => Box::new(Exact::equal(bytes)),
            None => Box::new(UpTo(PIECE)),
        });
    }
    Ok(Box::new(RecvMessage {
        decoder: Decoder::new(framing),
        expected,
        before: script.link.received,
    }))
}

struct RecvMessage {
    decoder: Decoder,
    expected: Option<Payload>,
    before: u64,
}

impl RecvMessage {
    /// Looks, takes what belongs to this message and leaves the rest in the socket: what is queued there at `close`
    /// decides between FIN and RST.
    fn step(&mut self, script: &mut Script, buffer: &mut [u8]) -> Result<(), Progress> {
        let room = self.decoder.missing().unwrap_or(u64::MAX).max(1);
        let room = usize::try_from(room).unwrap_or(PIECE).min(buffer.len());
        let broken = |e: FrameError, op| {
            Progress::Failed(Failure {
                fault: e.word(),
                op,
                ..failure("recv", e.to_string())
            })
        };
        match script.link.peek(&mut buffer[..room]) {
            Io::Blocked => Err(Progress::on(script.link.watch(Interest::READ))),
            Io::Failed(e) => Err(Progress::errno("recv", e)),
            Io::Done(0) => self.decoder.end().map_err(|e| broken(e, Some(Op::PeerFin))),
            Io::Done(n) => {
                let taken = self.decoder.feed(&buffer[..n]);
                // What breaks the frame has been looked at: take it, so that the event's offset tells where.
                let take = *taken.as_ref().unwrap_or(&n);
                let _ = script.link.recv_quietly(&mut buffer[..take]);
                let end = script.link.received;
                taken
                    .map(|_| ())
                    .map_err(|e| broken(e, Some(Op::ReceivedSome { end })))
            }
        }
    }

    fn finish(&self, script: &Script) -> Progress {
        let message = self.decoder.message();
        let frame = script.link.received - self.before;
        let op = match script.role.framing {
            Some(Framing::Close) => Op::PeerFin,
            _ => Op::Received(script.link.received),
        };
        if let Some(expected) = &self.expected {
            let text = match difference(expected, 0, message) {
                Ok(None) if expected.len() == message.len() as u64 => None,
                Ok(None) => Some(format!(
                    "a message of {} bytes came, {} were expected",
                    message.len(),
                    expected.len()
                )),
                Ok(Some(text)) => Some(text),
                Err(e) => Some(format!("cannot read: {e}")),
            };
            if let Some(text) = text {
                return Progress::failed("recv", text, op);
            }
        }
        let result = format!("message of {} bytes ({frame} on the wire)", message.len());
        Progress::done("recv", result, op)
    }
}

impl Act for RecvMessage {
    fn advance(&mut self, script: &mut Script) -> Progress {
        if script.link.socket().is_none() {
            return Progress::errno("recv", Errno::EBADF);
        }
        let mut buffer = vec![0; PIECE];
        while !self.decoder.is_complete() {
            if let Err(progress) = self.step(script, &mut buffer) {
                return progress;
            }
        }
        self.finish(script)
    }

    fn waiting(&self, _: &Script) -> String {
        let have = self.decoder.taken();
        match self.decoder.missing() {
            Some(u64::MAX) => format!("{have} bytes of a message, but not the peer's end (FIN)"),
            Some(n) => format!("{have} bytes of a message, at least {n} are missing"),
            None => format!("{have} bytes of a message without its delimiter"),
        }
    }

    fn abandon(&mut self, script: &mut Script) {
        let have = script.link.received - self.before;
        if have > 0 {
            let op = Op::ReceivedSome {
                end: script.link.received,
            };
            script.link.event("recv", have.to_string()).op(op).push();
        }
    }
}
