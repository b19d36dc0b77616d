//! The listening socket as scripts see it: `accept` and `close-listener`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard};

use nix::errno::Errno;
use socket2::Socket;

use super::act::{Act, Progress};
use super::machine::Script;
use crate::client::report::errno_of;
use crate::client::task::Watch;
use crate::platform::forking::closing;
use crate::platform::multiplex::Interest;
use crate::platform::notify::unique;

/// A listening socket that a step may close under the server.
#[derive(Debug)]
pub struct ListenerSlot {
    socket: Mutex<Option<Socket>>,
    id: u64,
    /// The address it is bound to (with the port that the kernel chose, if it was asked to).
    pub address: SocketAddr,
}

impl ListenerSlot {
    /// Holds this socket, bound to this address.
    pub fn new(socket: Socket, address: SocketAddr) -> Self {
        ListenerSlot {
            socket: Mutex::new(Some(socket)),
            id: unique(),
            address,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Socket>> {
        self.socket.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// To wait for a connection; `None` once closed.
    pub fn watch(&self) -> Option<Watch> {
        self.lock().as_ref().map(|socket| Watch {
            fd: socket.as_raw_fd(),
            id: self.id,
            interest: Interest::READ,
        })
    }

    /// `accept4(2)`: the connection, non-blocking, and its peer.
    ///
    /// # Errors
    /// EAGAIN, ECONNABORTED, EMFILE, ENFILE…; EBADF once closed.
    pub fn accept(&self) -> io::Result<(Socket, SocketAddr)> {
        let slot = self.lock();
        let socket = slot.as_ref().ok_or(Errno::EBADF)?;
        let flags = nix::libc::SOCK_CLOEXEC | nix::libc::SOCK_NONBLOCK;
        let (connection, peer) = socket.accept4(flags)?;
        let peer = peer.as_socket().ok_or(Errno::EAFNOSUPPORT)?;
        Ok((connection, peer))
    }

    /// Does something with the socket itself (a UDP server's); `None` once closed.
    pub fn with<T>(&self, act: impl FnOnce(&Socket) -> T) -> Option<T> {
        self.lock().as_ref().map(act)
    }

    /// Closes it; was it open?
    pub fn close(&self) -> bool {
        let _whole = closing();
        self.lock().take().is_some()
    }
}

/// `accept`, in a script of the server itself.
pub struct Accept;

impl Act for Accept {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let Some(listener) = script.role.listener.clone() else {
            return Progress::failed("accept", "this actor has no listening socket", None);
        };
        match listener.accept() {
            Ok((socket, peer)) => {
                script.kept.extend(script.link.attach(socket));
                script.link.learn_ends(peer);
                Progress::done("accept", peer.to_string(), None)
            }
            Err(e) if errno_of(&e) == Errno::EAGAIN => {
                Progress::on(listener.watch().into_iter().collect())
            }
            Err(e) => Progress::errno("accept", errno_of(&e)),
        }
    }
}

/// `close-listener`.
pub struct CloseListener;

impl Act for CloseListener {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let Some(listener) = &script.role.listener else {
            return Progress::failed("close", "this actor has no listening socket", None);
        };
        if !listener.close() {
            return Progress::errno("close", Errno::EBADF);
        }
        let text = format!("[listener] {}", listener.address);
        script
            .link
            .reporter
            .event("close", text)
            .step(script.link.step.clone())
            .push();
        Progress::Quiet
    }
}
