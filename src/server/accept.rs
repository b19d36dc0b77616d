//! Accepting connections, and surviving what can go wrong with it.

use std::fs::File;
use std::io;

use nix::errno::Errno;

use super::shop::Shop;
use crate::client::Link;
use crate::client::report::errno_of;
use crate::platform::process::{descriptor_limit, out_of_the_way, raise_descriptor_limit};
use crate::scenario::ServerKind;
use crate::timeline::Ends;

/// What came of one `accept(2)`.
pub enum Accepted {
    /// A connection; its event is [`super::handler::welcome`].
    Connection(Link),
    /// None is waiting (EAGAIN).
    Nothing,
    /// That one came to nothing (it was reset before it was accepted, or refused for want of descriptors): go on.
    Lost,
    /// The system has no room (ENFILE, ENOMEM): do not ask again before something was freed.
    Full,
    /// A step closed the listener.
    Closed,
}

/// Accepts, and keeps one descriptor in reserve so that a connection for which there is none can be taken and closed,
/// instead of waking the server again and again.
pub struct Acceptor {
    reserve: Option<File>,
    /// The last attempt found the system full: one event is enough.
    full: bool,
}

impl Acceptor {
    /// With its reserve.
    pub fn new() -> Self {
        Acceptor {
            reserve: File::open("/dev/null").ok(),
            full: false,
        }
    }

    /// One `accept(2)`.
    ///
    /// # Errors
    /// An error of the listening socket itself.
    pub fn accept(&mut self, shop: &Shop) -> io::Result<Accepted> {
        match shop.listener.accept() {
            Ok((socket, peer)) => {
                self.full = false;
                let socket = match shop.server.kind {
                    ServerKind::Select => socket,
                    _ => out_of_the_way(socket.into()).into(),
                };
                // accept told the peer: getpeername fails (ENOTCONN) once the peer has reset the connection.
                let local = socket.local_addr().ok().and_then(|a| a.as_socket());
                let local = local.unwrap_or(shop.listener.address);
                let link = Link::accepted(socket, Ends { local, peer }, shop.reporter.clone());
                Ok(Accepted::Connection(link))
            }
            Err(e) => self.failed(shop, e),
        }
    }

    fn failed(&mut self, shop: &Shop, error: io::Error) -> io::Result<Accepted> {
        let errno = errno_of(&error);
        match errno {
            Errno::EAGAIN => Ok(Accepted::Nothing),
            Errno::EBADF => Ok(Accepted::Closed),
            Errno::EINTR => Ok(Accepted::Lost),
            Errno::EMFILE => Ok(self.out_of_descriptors(shop)),
            Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM => {
                if !std::mem::replace(&mut self.full, true) {
                    shop.reporter.error("accept", errno).push();
                }
                Ok(Accepted::Full)
            }
            // accept(2): errors that were pending on the new connection, to be taken like EAGAIN.
            Errno::ECONNABORTED
            | Errno::EPROTO
            | Errno::ENETDOWN
            | Errno::ENOPROTOOPT
            | Errno::EHOSTDOWN
            | Errno::ENONET
            | Errno::EHOSTUNREACH
            | Errno::EOPNOTSUPP
            | Errno::ENETUNREACH
            | Errno::EPERM => {
                shop.reporter.error("accept", errno).push();
                Ok(Accepted::Lost)
            }
            _ => {
                shop.reporter.error("accept", errno).failed(true).push();
                Err(error)
            }
        }
    }

    fn out_of_descriptors(&mut self, shop: &Shop) -> Accepted {
        // A limit that the scenario asked for stays.
        if shop.server.descriptors.is_none()
            && let Some(limit) = raise_descriptor_limit()
        {
            shop.reporter
                .event("setrlimit", format!("RLIMIT_NOFILE raised to {limit}"))
                .push();
            return Accepted::Lost;
        }
        let limit = descriptor_limit().map(|(soft, _)| soft).unwrap_or(0);
        let had_reserve = self.reserve.take().is_some();
        let refused = shop.listener.accept().map_err(|e| errno_of(&e));
        let peer = refused.map(|(_closed, peer)| peer);
        self.reserve = File::open("/dev/null").ok();
        match peer {
            // The kernel looks for a descriptor before it looks for a connection: there was none.
            Err(Errno::EAGAIN) => return Accepted::Nothing,
            Ok(peer) if had_reserve => {
                let text = format!(
                    "EMFILE: {peer} refused, all {limit} descriptors are in use (ulimit -n raises the limit)"
                );
                let event = shop.reporter.event("accept", text);
                event.errno(Errno::EMFILE).push();
                return Accepted::Lost;
            }
            _ => {}
        }
        if !std::mem::replace(&mut self.full, true) {
            shop.reporter.error("accept", Errno::EMFILE).push();
        }
        Accepted::Full
    }
}
