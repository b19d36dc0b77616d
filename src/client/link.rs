//! A connected socket that counts its streams and reports what is done with it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::pace::Pace;
use super::report::{Draft, Reporter, errno_of};
use super::task::Watch;
use crate::platform::forking::closing;
use crate::platform::multiplex::Interest;
use crate::platform::notify::unique;
use crate::platform::process::raise_descriptor_limit;
use crate::platform::socket::unread;
use crate::scenario::{How, SocketOption, Span};
use crate::timeline::{Ends, Op};

/// Result of a call that does not block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Io {
    /// This many bytes; 0 from a recv is the peer's end.
    Done(usize),
    /// Not now (EAGAIN).
    Blocked,
    /// Failed.
    Failed(Errno),
}

/// One socket with its stream offsets and its pen. All its calls are non-blocking and none raises SIGPIPE.
#[derive(Debug)]
pub struct Link {
    socket: Option<Socket>,
    id: u64,
    /// Both addresses, once known.
    pub ends: Option<Ends>,
    /// The pen.
    pub reporter: Reporter,
    /// Bytes of the own stream that the kernel has taken.
    pub sent: u64,
    /// Bytes of the peer's stream that have been read.
    pub received: u64,
    /// An error that was taken from the socket (`SO_ERROR`) and belongs to the next call.
    pub pending: Option<Errno>,
    /// The step that is being done, for its events.
    pub step: Option<Span>,
    /// How far the own stream may be ahead of the capture.
    pub pace: Pace,
}

impl Link {
    /// A link without a socket yet.
    pub fn unconnected(reporter: Reporter) -> Self {
        Link {
            socket: None,
            id: 0,
            ends: None,
            reporter,
            sent: 0,
            received: 0,
            pending: None,
            step: None,
            pace: Pace::default(),
        }
    }

    /// An accepted connection.
    pub fn accepted(socket: Socket, ends: Ends, reporter: Reporter) -> Self {
        let mut link = Link::unconnected(reporter);
        link.attach(socket);
        link.ends = Some(ends);
        link
    }

    /// Takes this socket: both streams begin anew. Returns the one it held.
    pub fn attach(&mut self, socket: Socket) -> Option<Socket> {
        self.id = unique();
        (self.sent, self.received) = (0, 0);
        (self.ends, self.pending) = (None, None);
        self.pace = Pace::default();
        self.socket.replace(socket)
    }

    /// The socket, if it is open.
    pub fn socket(&self) -> Option<&Socket> {
        self.socket.as_ref()
    }

    /// Gives the socket away, open.
    pub fn take(&mut self) -> Option<Socket> {
        self.socket.take()
    }

    /// To wait for this socket; nothing if it is closed.
    pub fn watch(&self, interest: Interest) -> Vec<Watch> {
        let Some(socket) = &self.socket else {
            return Vec::new();
        };
        vec![Watch {
            fd: socket.as_raw_fd(),
            id: self.id,
            interest,
        }]
    }

    /// An event on this connection.
    pub fn event(&self, call: &str, result: impl Into<String>) -> Draft<'_> {
        self.reporter
            .event(call, result)
            .ends(self.ends)
            .step(self.step.clone())
    }

    /// `recv(2)` without an event; counts.
    pub fn recv_quietly(&mut self, buffer: &mut [u8]) -> Io {
        let io = self.recv_flags(buffer, MsgFlags::MSG_DONTWAIT);
        if let Io::Done(n) = io {
            self.received += n as u64;
        }
        io
    }

    /// `recv(2)` with MSG_PEEK: what is there stays there.
    pub fn peek(&mut self, buffer: &mut [u8]) -> Io {
        self.recv_flags(buffer, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK)
    }

    fn recv_flags(&mut self, buffer: &mut [u8], flags: MsgFlags) -> Io {
        if let Some(errno) = self.pending.take() {
            return Io::Failed(errno);
        }
        let Some(socket) = &self.socket else {
            return Io::Failed(Errno::EBADF);
        };
        loop {
            match recv(socket.as_raw_fd(), buffer, flags) {
                Ok(n) => return Io::Done(n),
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => return Io::Blocked,
                Err(e) => return Io::Failed(e),
            }
        }
    }

    /// `send(2)` without an event; counts.
    pub fn send_quietly(&mut self, bytes: &[u8]) -> Io {
        if let Some(errno) = self.pending.take() {
            return Io::Failed(errno);
        }
        let Some(socket) = &self.socket else {
            return Io::Failed(Errno::EBADF);
        };
        loop {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(socket.as_raw_fd(), bytes, flags) {
                Ok(n) => {
                    self.sent += n as u64;
                    return Io::Done(n);
                }
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => return Io::Blocked,
                Err(e) => return Io::Failed(e),
            }
        }
    }

    /// One `recv(2)` of whatever is there, with its event.
    pub fn recv(&mut self, buffer: &mut [u8]) -> Io {
        let io = self.recv_quietly(buffer);
        match io {
            Io::Blocked => {}
            Io::Done(0) => self.event("recv", "0").op(Op::PeerFin).push(),
            Io::Done(n) => self
                .event("recv", n.to_string())
                .op(Op::ReceivedSome { end: self.received })
                .push(),
            Io::Failed(e) => self.failed("recv", e),
        }
        io
    }

    /// One `send(2)`, with its event. `echo`: the bytes were read at these offsets of the peer's stream.
    pub fn send(&mut self, bytes: &[u8], echo: bool) -> Io {
        let start = self.sent;
        let io = self.send_quietly(bytes);
        match io {
            Io::Blocked => {}
            Io::Done(n) => self
                .event("send", n.to_string())
                .op(Op::Sent {
                    start,
                    end: self.sent,
                    echo,
                })
                .push(),
            Io::Failed(e) => self.failed("send", e),
        }
        io
    }

    /// The event of a failed call that is no failure of the scenario: a server survives it.
    pub fn failed(&self, call: &str, errno: Errno) {
        self.event(call, "").errno(errno).op(reset_op(errno)).push();
    }

    /// `shutdown(2)`.
    ///
    /// # Errors
    /// ENOTCONN; EBADF without a socket.
    pub fn shutdown(&mut self, how: How) -> Result<(), Errno> {
        let socket = self.socket.as_ref().ok_or(Errno::EBADF)?;
        let how = match how {
            How::Read => std::net::Shutdown::Read,
            How::Write => std::net::Shutdown::Write,
            How::Both => std::net::Shutdown::Both,
        };
        socket.shutdown(how).map_err(|e| errno_of(&e))
    }

    /// `close(2)`, with its event; nothing if it is closed already.
    pub fn close(&mut self) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        let _whole = closing();
        let unread = unread(&socket).unwrap_or(0);
        let abort = matches!(socket.linger(), Ok(Some(Duration::ZERO)));
        drop(socket);
        let (result, op) = match (abort, unread) {
            (true, _) => ("SO_LINGER 0".to_string(), Op::Reset),
            (false, 0) => ("ok".to_string(), Op::Close { unread }),
            (false, n) => (format!("{n} bytes unread"), Op::Close { unread }),
        };
        self.event("close", result).op(op).push();
    }

    /// `SO_LINGER` 0 and `close(2)`, with its event.
    ///
    /// # Errors
    /// EBADF without a socket; what `setsockopt(2)` says.
    pub fn reset(&mut self) -> Result<(), Errno> {
        let socket = self.socket.as_ref().ok_or(Errno::EBADF)?;
        socket
            .set_linger(Some(Duration::ZERO))
            .map_err(|e| errno_of(&e))?;
        self.close();
        Ok(())
    }

    /// Asks the socket for both addresses.
    pub fn learn_ends(&mut self, peer: SocketAddr) {
        let local = self
            .socket
            .as_ref()
            .and_then(|s| s.local_addr().ok())
            .and_then(|a| a.as_socket());
        self.ends = local.map(|local| Ends { local, peer });
    }
}

/// What a failed call says about the peer: ECONNRESET can only come from its RST.
pub fn reset_op(errno: Errno) -> Option<Op> {
    (errno == Errno::ECONNRESET).then_some(Op::PeerReset)
}

/// A non-blocking socket for this address. When descriptors run out the soft limit is raised once.
///
/// # Errors
/// What `socket(2)` says.
pub fn open(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let protocol = match kind {
        Type::DGRAM => Protocol::UDP,
        _ => Protocol::TCP,
    };
    let kind = kind.nonblocking().cloexec();
    match Socket::new(domain, kind, Some(protocol)) {
        Err(e) if errno_of(&e) == Errno::EMFILE && raise_descriptor_limit().is_some() => {
            Socket::new(domain, kind, Some(protocol))
        }
        other => other,
    }
}

/// `bind(2)`.
///
/// # Errors
/// EADDRINUSE, EADDRNOTAVAIL, EACCES.
pub fn bind(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.bind(&SockAddr::from(address))
}

/// `setsockopt(2)` of one option.
///
/// # Errors
/// What `setsockopt(2)` says: ENOPROTOOPT for a TCP option on a UDP socket.
pub fn set_option(socket: &Socket, option: SocketOption) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match option {
        SocketOption::NoDelay(on) => socket.set_tcp_nodelay(on),
        SocketOption::Linger(seconds) => {
            socket.set_linger(seconds.map(|s| Duration::from_secs(u64::from(s))))
        }
        SocketOption::RcvBuf(bytes) => socket.set_recv_buffer_size(bytes as usize),
        SocketOption::SndBuf(bytes) => socket.set_send_buffer_size(bytes as usize),
        SocketOption::KeepAlive(on) => socket.set_keepalive(on),
        SocketOption::ReuseAddr(on) => socket.set_reuse_address(on),
        SocketOption::QuickAck(on) => socket.set_tcp_quickack(on),
        SocketOption::Cork(on) => socket.set_tcp_cork(on),
    }
}

/// An option as events name it: `SO_RCVBUF 4096`.
pub fn option_name(option: SocketOption) -> String {
    let switch = |on: bool| if on { "on" } else { "off" };
    match option {
        SocketOption::NoDelay(on) => format!("TCP_NODELAY {}", switch(on)),
        SocketOption::Linger(None) => "SO_LINGER off".into(),
        SocketOption::Linger(Some(s)) => format!("SO_LINGER {s}"),
        SocketOption::RcvBuf(n) => format!("SO_RCVBUF {n}"),
        SocketOption::SndBuf(n) => format!("SO_SNDBUF {n}"),
        SocketOption::KeepAlive(on) => format!("SO_KEEPALIVE {}", switch(on)),
        SocketOption::ReuseAddr(on) => format!("SO_REUSEADDR {}", switch(on)),
        SocketOption::QuickAck(on) => format!("TCP_QUICKACK {}", switch(on)),
        SocketOption::Cork(on) => format!("TCP_CORK {}", switch(on)),
    }
}
