//! `lab-capture talk`: a client by hand. Lines go out as they are typed, replies are shown as they come.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::read;
use socket2::{SockAddr, Type};
use thiserror::Error;

use super::link::{Io, Link, open};
use super::report::{Reporter, errno_of};
use crate::platform::Cancel;
use crate::platform::multiplex::{Interest, PollList};
use crate::scenario::How;
use crate::timeline::{Op, Timeline};

/// Bytes read at once, from either side.
const PIECE: usize = 64 * 1024;

/// How a talk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goodbye {
    /// The input had ended (Ctrl-D), and then the peer closed too.
    EndOfInput,
    /// The peer closed first.
    PeerClosed,
    /// The run was cancelled (Ctrl-C).
    Cancelled,
    /// Nobody reads the output any more.
    OutputClosed,
}

/// Why there is nothing to talk to, or nothing to talk with.
#[derive(Debug, Error)]
pub enum TalkError {
    /// The connection failed, or broke.
    #[error("{call} {address}: {source}{}", hint(.source))]
    Socket {
        /// The call.
        call: &'static str,
        /// The peer.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Standard input or output failed.
    #[error("{call}: {source}")]
    Terminal {
        /// The call.
        call: &'static str,
        /// Why.
        source: io::Error,
    },
}

fn hint(source: &io::Error) -> &'static str {
    match errno_of(source) {
        Errno::ECONNREFUSED => {
            ". Nobody listens there: start a server first, for instance `lab-capture serve select`"
        }
        Errno::ECONNRESET => ". The peer answered with RST",
        _ => "",
    }
}

/// Connects to `target`, sends what `input` has, writes what comes to `output`, until either ends.
///
/// At the end of the input (Ctrl-D) the own direction is shut, so that the peer sees an end and replies still come; when
/// the peer has ended too the socket is closed. `cancel` (Ctrl-C) closes at once. Events go to `timeline` under the name
/// `talk`.
///
/// # Errors
/// [`TalkError`].
pub fn talk(
    target: SocketAddr,
    input: BorrowedFd<'_>,
    output: &mut dyn Write,
    cancel: &Cancel,
    timeline: &Arc<Timeline>,
) -> Result<Goodbye, TalkError> {
    let reporter = Reporter {
        timeline: timeline.clone(),
        actor: "talk".into(),
    };
    let mut talk = Talk {
        target,
        input,
        link: Link::unconnected(reporter),
        outgoing: Vec::new(),
        input_ended: false,
        shut: false,
    };
    let goodbye = match talk.connect(cancel)? {
        Some(goodbye) => goodbye,
        None => talk.converse(output, cancel)?,
    };
    talk.link.close();
    Ok(goodbye)
}

struct Talk<'a> {
    target: SocketAddr,
    input: BorrowedFd<'a>,
    link: Link,
    /// Typed, and not taken by the kernel yet.
    outgoing: Vec<u8>,
    input_ended: bool,
    shut: bool,
}

impl Talk<'_> {
    fn broken(&self, call: &'static str, errno: Errno) -> TalkError {
        self.link.failed(call, errno);
        TalkError::Socket {
            call,
            address: self.target,
            source: errno.into(),
        }
    }

    /// `Some` if the run was cancelled meanwhile.
    fn connect(&mut self, cancel: &Cancel) -> Result<Option<Goodbye>, TalkError> {
        let socket =
            open(self.target, Type::STREAM).map_err(|e| self.broken("socket", errno_of(&e)))?;
        let begun = socket.connect(&SockAddr::from(self.target));
        self.link.attach(socket);
        self.link.learn_ends(self.target);
        match begun.map_err(|e| errno_of(&e)) {
            Ok(()) | Err(Errno::EINPROGRESS) => {}
            Err(e) => return Err(self.broken("connect", e)),
        }
        loop {
            let Some(socket) = self.link.socket() else {
                return Err(self.broken("connect", Errno::EBADF));
            };
            if socket.peer_addr().is_ok() {
                let peer = self.target.to_string();
                self.link.event("connect", peer).push();
                return Ok(None);
            }
            if let Some(e) = socket.take_error().unwrap_or_else(Some) {
                return Err(self.broken("connect", errno_of(&e)));
            }
            if self.wait(cancel, Interest::WRITE, false)? {
                return Ok(Some(Goodbye::Cancelled));
            }
        }
    }

    /// Blocks until something can be done; was it cancelled?
    fn wait(&self, cancel: &Cancel, interest: Interest, input: bool) -> Result<bool, TalkError> {
        let mut list = PollList::default();
        list.push(cancel.as_raw_fd(), Interest::READ);
        for watch in self.link.watch(interest) {
            list.push(watch.fd, watch.interest);
        }
        if input {
            list.push(self.input.as_raw_fd(), Interest::READ);
        }
        let poll = |source| TalkError::Terminal {
            call: "poll",
            source,
        };
        list.wait(None).map_err(poll)?;
        Ok(cancel.is_cancelled())
    }

    fn converse(&mut self, output: &mut dyn Write, cancel: &Cancel) -> Result<Goodbye, TalkError> {
        loop {
            // No more is read from the keyboard while the peer does not take what was typed.
            let listening = !self.input_ended && self.outgoing.is_empty();
            let interest = Interest {
                read: true,
                write: !self.outgoing.is_empty(),
            };
            if self.wait(cancel, interest, listening)? {
                return Ok(Goodbye::Cancelled);
            }
            if let Some(goodbye) = self.hear(output)? {
                return Ok(goodbye);
            }
            if listening {
                self.listen()?;
            }
            self.say()?;
        }
    }

    fn hear(&mut self, output: &mut dyn Write) -> Result<Option<Goodbye>, TalkError> {
        let mut buffer = vec![0; PIECE];
        let n = match self.link.recv_quietly(&mut buffer) {
            Io::Blocked => return Ok(None),
            Io::Failed(e) => return Err(self.broken("recv", e)),
            Io::Done(0) => {
                self.link.event("recv", "0").op(Op::PeerFin).push();
                return Ok(Some(match self.input_ended {
                    true => Goodbye::EndOfInput,
                    false => Goodbye::PeerClosed,
                }));
            }
            Io::Done(n) => n,
        };
        let end = self.link.received;
        let event = self.link.event("recv", n.to_string());
        event.op(Op::ReceivedSome { end }).push();
        match output.write_all(&buffer[..n]).and_then(|()| output.flush()) {
            Ok(()) => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(Some(Goodbye::OutputClosed)),
            Err(source) => Err(TalkError::Terminal {
                call: "write",
                source,
            }),
        }
    }

    /// Reads the keyboard, if it has something to say.
    fn listen(&mut self) -> Result<(), TalkError> {
        let failed = |source: io::Error| TalkError::Terminal {
            call: "read",
            source,
        };
        let mut list = PollList::default();
        list.push(self.input.as_raw_fd(), Interest::READ);
        let now = Some(std::time::Instant::now());
        if list.wait(now).map_err(failed)?.is_empty() {
            return Ok(());
        }
        let mut buffer = vec![0; PIECE];
        match read(self.input, &mut buffer) {
            Ok(0) => self.input_ended = true,
            Ok(n) => self.outgoing.extend_from_slice(&buffer[..n]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(e) => return Err(failed(e.into())),
        }
        Ok(())
    }

    fn say(&mut self) -> Result<(), TalkError> {
        while !self.outgoing.is_empty() {
            let bytes = std::mem::take(&mut self.outgoing);
            match self.link.send(&bytes, false) {
                Io::Done(n) => self.outgoing = bytes[n..].to_vec(),
                Io::Blocked => {
                    self.outgoing = bytes;
                    return Ok(());
                }
                Io::Failed(e) => {
                    return Err(TalkError::Socket {
                        call: "send",
                        address: self.target,
                        source: e.into(),
                    });
                }
            }
        }
        if self.input_ended && !std::mem::replace(&mut self.shut, true) {
            match self.link.shutdown(How::Write) {
                Ok(()) => self
                    .link
                    .event("shutdown", "SHUT_WR")
                    .op(Op::Shutdown)
                    .push(),
                // The peer has gone meanwhile: the next recv says how.
                Err(Errno::ENOTCONN) => {}
                Err(e) => return Err(self.broken("shutdown", e)),
            }
        }
        Ok(())
    }
}
