//! `recv`: exact bytes, a count, one call of up to n, or until the peer's end.

use nix::errno::Errno;

use super::act::{Act, Progress};
use super::machine::Script;
use super::payload::{Payload, difference};
use crate::client::link::Io;
use crate::platform::multiplex::Interest;
use crate::timeline::Op;

/// Bytes that one `recv(2)` is offered at most.
pub const PIECE: usize = 64 * 1024;

/// Exactly this many bytes, equal to what is expected.
pub struct Exact {
    expected: Option<Payload>,
    need: u64,
    got: u64,
}

impl Exact {
    /// These bytes.
    pub fn equal(expected: Payload) -> Self {
        Exact {
            need: expected.len(),
            expected: Some(expected),
            got: 0,
        }
    }

    /// So many bytes.
    pub fn count(need: u64) -> Self {
        Exact {
            expected: None,
            need,
            got: 0,
        }
    }

    fn compare(&self, bytes: &[u8]) -> Option<Progress> {
        let expected = self.expected.as_ref()?;
        match difference(expected, self.got, bytes) {
            Ok(None) => None,
            Ok(Some(text)) => Some(Progress::failed("recv", text, None)),
            Err(e) => Some(Progress::failed("recv", format!("cannot read: {e}"), None)),
        }
    }

    /// One datagram is one message: it must have the length.
    fn datagram(&mut self, script: &mut Script) -> Progress {
        let room = usize::try_from(self.need).unwrap_or(PIECE).min(PIECE);
        let mut buffer = vec![0; room + 1];
        match script.link.recv_quietly(&mut buffer) {
            Io::Blocked => Progress::on(script.link.watch(Interest::READ)),
            Io::Failed(e) => Progress::errno("recv", e),
            Io::Done(n) => {
                let op = Op::Received(script.link.received);
                if let Some(failed) = self.compare(&buffer[..n.min(room)]) {
                    return failed;
                }
                if n as u64 != self.need {
                    let more = if n > room { "more than " } else { "" };
                    let text = format!(
                        "a datagram of {more}{} bytes came, {} were expected",
                        n.min(room),
                        self.need
                    );
                    return Progress::failed("recv", text, op);
                }
                Progress::done("recv", n.to_string(), op)
            }
        }
    }
}

impl Act for Exact {
    fn advance(&mut self, script: &mut Script) -> Progress {
        if script.link.socket().is_none() {
            return Progress::errno("recv", Errno::EBADF);
        }
        if script.role.datagram {
            return self.datagram(script);
        }
        let mut buffer = vec![0; PIECE.min(usize::try_from(self.need).unwrap_or(PIECE))];
        while self.got < self.need {
            let left = usize::try_from(self.need - self.got).unwrap_or(PIECE);
            let room = left.min(buffer.len());
            match script.link.recv_quietly(&mut buffer[..room]) {
                Io::Blocked => return Progress::on(script.link.watch(Interest::READ)),
                Io::Failed(e) => return Progress::errno("recv", e),
                Io::Done(0) => {
                    let text = format!(
                        "the peer's end (FIN) after {} of {} bytes",
                        self.got, self.need
                    );
                    return Progress::failed("recv", text, Op::PeerFin);
                }
                Io::Done(n) => {
                    if let Some(failed) = self.compare(&buffer[..n]) {
                        self.got += n as u64;
                        return failed;
                    }
                    self.got += n as u64;
                }
            }
        }
        let op = Op::Received(script.link.received);
        Progress::done("recv", self.need.to_string(), op)
    }

    fn waiting(&self, _: &Script) -> String {
        format!("{} of {} bytes", self.got, self.need)
    }

    fn abandon(&mut self, script: &mut Script) {
        if self.got > 0 {
            let result = format!("{} of {}", self.got, self.need);
            let op = Op::ReceivedSome {
                end: script.link.received,
            };
            script.link.event("recv", result).op(op).push();
        }
    }
}

/// One `recv(2)`.
pub struct UpTo(pub usize);

impl Act for UpTo {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let mut buffer = vec![0; self.0.clamp(1, 1 << 20)];
        match script.link.recv_quietly(&mut buffer) {
            Io::Blocked => Progress::on(script.link.watch(Interest::READ)),
            Io::Failed(e) => Progress::errno("recv", e),
            Io::Done(0) if !script.role.datagram => Progress::done("recv", "0", Op::PeerFin),
            Io::Done(n) => {
                let end = script.link.received;
                Progress::done("recv", n.to_string(), Op::ReceivedSome { end })
            }
        }
    }

    fn waiting(&self, _: &Script) -> String {
        format!("nothing to read, up to {} bytes wanted", self.0)
    }
}

/// Everything until the peer's end.
pub struct Eof {
    got: u64,
    buffer: Vec<u8>,
}

impl Eof {
    /// From here on.
    pub fn new() -> Self {
        Eof {
            got: 0,
            buffer: vec![0; PIECE],
        }
    }

    /// Reads all that is there; each piece goes to `sink`, which may refuse it.
    pub fn read(
        &mut self,
        script: &mut Script,
        mut sink: impl FnMut(u64, &[u8]) -> Result<(), Progress>,
    ) -> Result<u64, Progress> {
        if script.role.datagram {
            let text = "a UDP socket has no end to wait for";
            return Err(Progress::failed("recv", text, None));
        }
        loop {
            match script.link.recv_quietly(&mut self.buffer) {
                Io::Blocked => return Err(Progress::on(script.link.watch(Interest::READ))),
                Io::Failed(e) => return Err(Progress::errno("recv", e)),
                Io::Done(0) => return Ok(self.got),
                Io::Done(n) => {
                    let at = self.got;
                    self.got += n as u64;
                    sink(at, &self.buffer[..n])?;
                }
            }
        }
    }
}

impl Act for Eof {
    fn advance(&mut self, script: &mut Script) -> Progress {
        match self.read(script, |_, _| Ok(())) {
            Ok(0) => Progress::done("recv", "0", Op::PeerFin),
            Ok(n) => Progress::done("recv", format!("{n}, then 0"), Op::PeerFin),
            Err(progress) => progress,
        }
    }

    fn waiting(&self, _: &Script) -> String {
        format!("{} bytes so far, but not the peer's end (FIN)", self.got)
    }

    fn abandon(&mut self, script: &mut Script) {
        if self.got > 0 {
            let op = Op::ReceivedSome {
                end: script.link.received,
            };
            script
                .link
                .event("recv", self.got.to_string())
                .op(op)
                .push();
        }
    }
}
