//! forward: a second connection to another server, bytes passed both ways, each end passed on as an end.

use std::net::SocketAddr;

use nix::errno::Errno;
use socket2::{SockAddr, Type};

use super::RECV_SIZE;
use super::output::{Flushed, Output};
use crate::client::link::open;
use crate::client::report::errno_of;
use crate::client::{Io, Link, Task, Want, Watch};
use crate::platform::multiplex::Interest;
use crate::scenario::How;
use crate::timeline::Op;

/// One direction.
#[derive(Default)]
struct Way {
    output: Output,
    /// The source has ended.
    ended: bool,
    /// So has, therefore, what we send.
    shut: bool,
}

impl Way {
    /// Passes on what can be passed on; `Err` if one of the two is broken.
    fn pump(&mut self, from: &mut Link, to: &mut Link) -> Result<(), Errno> {
        if self.shut {
            return Ok(());
        }
        if !self.flush(to)? {
            return Ok(());
        }
        let mut buffer = [0; RECV_SIZE];
        if !self.ended {
            match from.recv(&mut buffer) {
                Io::Blocked => return Ok(()),
                Io::Failed(e) => return Err(e),
                Io::Done(0) => self.ended = true,
                Io::Done(n) => {
                    self.output.push(&buffer[..n]);
                    self.flush(to)?;
                }
            }
        }
        if self.ended && self.output.is_empty() {
            to.shutdown(How::Write)?;
            to.event("shutdown", "SHUT_WR").op(Op::Shutdown).push();
            self.shut = true;
        }
        Ok(())
    }

    fn flush(&mut self, to: &mut Link) -> Result<bool, Errno> {
        match self.output.flush(to, false) {
            Flushed::All => Ok(true),
            Flushed::Blocked => Ok(false),
            Flushed::Broken(e) => Err(e),
        }
    }

    /// Reading from the source makes sense only while nothing waits to be sent on.
    fn reads(&self) -> bool {
        !self.ended && self.output.is_empty()
    }
}

/// A port forwarder's connection.
pub struct Forward {
    down: Link,
    up: Link,
    connected: bool,
    to_up: Way,
    to_down: Way,
    target: SocketAddr,
}

impl Forward {
    /// From this connection to this address.
    pub fn new(down: Link, target: SocketAddr) -> Self {
        Forward {
            up: Link::unconnected(down.reporter.clone()),
            down,
            connected: false,
            to_up: Way::default(),
            to_down: Way::default(),
            target,
        }
    }

    fn close(&mut self) -> Want {
        self.up.close();
        self.down.close();
        Want::Over
    }

    /// `Ok(true)` once the second connection stands.
    fn connect(&mut self) -> Result<bool, Errno> {
        if self.up.socket().is_none() {
            let socket = open(self.target, Type::STREAM).map_err(|e| errno_of(&e))?;
            let result = socket.connect(&SockAddr::from(self.target));
            self.up.attach(socket);
            self.up.learn_ends(self.target);
            match result.map_err(|e| errno_of(&e)) {
                Ok(()) | Err(Errno::EINPROGRESS) => {}
                Err(e) => return Err(e),
            }
        }
        let Some(socket) = self.up.socket() else {
            return Err(Errno::EBADF);
        };
        if socket.peer_addr().is_ok() {
            let text = self.target.to_string();
            self.up.event("connect", text).push();
            return Ok(true);
        }
        match socket.take_error() {
            Ok(None) => Ok(false),
            Ok(Some(e)) | Err(e) => Err(errno_of(&e)),
        }
    }

    fn watches(&self) -> Vec<Watch> {
        let down = Interest {
            read: self.to_up.reads(),
            write: !self.to_down.output.is_empty(),
        };
        let up = Interest {
            read: self.to_down.reads(),
            write: !self.to_up.output.is_empty(),
        };
        let mut on = Vec::new();
        for (link, interest) in [(&self.down, down), (&self.up, up)] {
            if !interest.is_none() {
                on.extend(link.watch(interest));
            }
        }
        on
    }
}

impl Task for Forward {
    fn run(&mut self) -> Want {
        if !self.connected {
            match self.connect() {
                Ok(true) => self.connected = true,
                Ok(false) => return Want::on(self.up.watch(Interest::WRITE)),
                Err(e) => {
                    self.up.failed("connect", e);
                    drop(self.up.take());
                    return self.close();
                }
            }
        }
        let result = self
            .to_up
            .pump(&mut self.down, &mut self.up)
            .and_then(|()| self.to_down.pump(&mut self.up, &mut self.down));
        match result {
            // The event that says why is written.
            Err(_) => self.close(),
            Ok(()) if self.to_up.shut && self.to_down.shut => self.close(),
            Ok(()) => Want::on(self.watches()),
        }
    }

    fn holds(&self) -> bool {
        self.down.socket().is_some() || self.up.socket().is_some()
    }
}
