//! `send`: all bytes, however many calls that takes.

use std::collections::VecDeque;

use nix::errno::Errno;

use super::act::{Act, Progress};
use super::gate::is_stalled;
use super::machine::Script;
use super::payload::Payload;
use crate::client::link::Io;
use crate::platform::multiplex::Interest;
use crate::timeline::Op;

/// Bytes that one `send(2)` is given at most.
const PIECE: usize = 64 * 1024;

/// Sends pieces one after the other, each with calls of its own.
pub struct Send {
    pieces: VecDeque<Payload>,
    /// Offset into the first piece.
    at: u64,
    start: Option<u64>,
    total: u64,
}

impl Send {
    /// One piece.
    pub fn new(payload: Payload) -> Self {
        Send::pieces([payload].into())
    }

    /// Several: a header and its body, as two calls.
    pub fn pieces(pieces: VecDeque<Payload>) -> Self {
        Send {
            total: pieces.iter().map(Payload::len).sum(),
            pieces,
            at: 0,
            start: None,
        }
    }

    fn sent(&self, script: &Script) -> u64 {
        script.link.sent - self.start.unwrap_or(script.link.sent)
    }

    fn op(&self, script: &Script) -> Op {
        Op::Sent {
            start: self.start.unwrap_or(script.link.sent),
            end: script.link.sent,
            echo: false,
        }
    }
}

impl Act for Send {
    fn advance(&mut self, script: &mut Script) -> Progress {
        if script.link.socket().is_none() {
            return Progress::errno("send", Errno::EBADF);
        }
        self.start.get_or_insert(script.link.sent);
        let mut buffer = vec![0; PIECE.min(usize::try_from(self.total).unwrap_or(PIECE))];
        while let Some(piece) = self.pieces.front() {
            // An empty datagram is a datagram; an empty piece of a stream is nothing.
            let empty_datagram = script.role.datagram && self.total == 0;
            if self.at >= piece.len() && !empty_datagram {
                self.pieces.pop_front();
                self.at = 0;
                continue;
            }
            let n = match piece.read(self.at, &mut buffer) {
                Ok(n) => n,
                Err(e) => return Progress::failed("send", format!("cannot read: {e}"), None),
            };
            let (sent, ends) = (script.link.sent, script.link.ends);
            let wire = script.context.wire.as_deref();
            if !script.role.datagram && !script.link.pace.may_go(sent, wire, ends) {
                return Progress::poll();
            }
            match script.link.send_quietly(&buffer[..n]) {
                Io::Done(0) if empty_datagram => {
                    self.pieces.pop_front();
                }
                Io::Done(n) => self.at += n as u64,
                Io::Failed(e) => return Progress::errno("send", e),
                Io::Blocked if script.expects("EAGAIN") => return blocked(script),
                Io::Blocked => return Progress::on(script.link.watch(Interest::WRITE)),
            }
        }
        Progress::done("send", self.sent(script).to_string(), self.op(script))
    }

    fn waiting(&self, script: &Script) -> String {
        format!("{} of {} bytes", self.sent(script), self.total)
    }

    fn abandon(&mut self, script: &mut Script) {
        let sent = self.sent(script);
        if sent > 0 {
            let result = format!("{sent} of {}", self.total);
            script.link.event("send", result).op(self.op(script)).push();
        }
    }
}

/// A send that must fail with EAGAIN: the queue is full. Since the peer might still be reading, the failure counts once
/// nothing can move any more.
fn blocked(script: &Script) -> Progress {
    match is_stalled(script) {
        Ok(true) => Progress::errno("send", Errno::EAGAIN),
        Ok(false) => Progress::Wait {
            on: script.link.watch(Interest::WRITE),
            again: Some(std::time::Duration::from_millis(1)),
        },
        Err(e) => Progress::errno("send", e),
    }
}
