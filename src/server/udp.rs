//! A UDP socket: no connections, one datagram after the other.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use socket2::{SockAddr, Socket};

use super::shop::{Serve, Shop};
use crate::client::report::errno_of;
use crate::platform::multiplex::{Interest, PollList};
use crate::scenario::Handler;
use crate::timeline::{Ends, Op};

/// The kind.
pub struct Udp;

/// The largest datagram of IPv4 and, without jumbograms, of IPv6.
const LARGEST: usize = 65_535;
/// Peers whose byte counts are kept at most.
const PEERS: usize = 65_536;

struct Server<'a> {
    shop: &'a Shop,
    /// Datagrams that the socket did not take yet.
    output: VecDeque<(Vec<u8>, SocketAddr)>,
    /// Bytes received from each peer and sent to it.
    counts: HashMap<SocketAddr, (u64, u64)>,
}

impl Serve for Udp {
    fn serve(self: Box<Self>, shop: &Shop) -> io::Result<()> {
        let mut server = Server {
            shop,
            output: VecDeque::new(),
            counts: HashMap::new(),
        };
        loop {
            let mut list = PollList::default();
            list.push(shop.context.cancel.as_raw_fd(), Interest::READ);
            if let Some(watch) = shop.listener.watch() {
                // Reading waits while an answer could not be sent: no queue grows without bound.
                list.push(
                    watch.fd,
                    match server.output.is_empty() {
                        true => Interest::READ,
                        false => Interest::WRITE,
                    },
                );
            }
            if list.wait(None)?.contains(&0) {
                return Ok(());
            }
            shop.listener.with(|socket| server.turn(socket));
        }
    }
}

impl Server<'_> {
    fn turn(&mut self, socket: &Socket) {
        self.flush(socket);
        if !self.output.is_empty() {
            return;
        }
        let mut buffer = vec![0; LARGEST];
        match receive(socket, &mut buffer) {
            Ok((n, peer)) => {
                buffer.truncate(n);
                let op = Op::ReceivedSome {
                    end: self.count(peer, n, 0).0,
                };
                self.event("recvfrom", n.to_string(), peer).op(op).push();
                if self.shop.server.handler == Handler::Echo {
                    self.output.push_back((buffer, peer));
                    self.flush(socket);
                }
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(e) => self.shop.reporter.error("recvfrom", e).push(),
        }
    }

    fn count(&mut self, peer: SocketAddr, received: usize, sent: usize) -> (u64, u64) {
        if self.counts.len() >= PEERS && !self.counts.contains_key(&peer) {
            self.counts.clear();
        }
        let counts = self.counts.entry(peer).or_default();
        counts.0 += received as u64;
        counts.1 += sent as u64;
        *counts
    }

    fn event(
        &self,
        call: &str,
        result: String,
        peer: SocketAddr,
    ) -> crate::client::report::Draft<'_> {
        let local = self.shop.listener.address;
        let ends = Some(Ends { local, peer });
        self.shop.reporter.event(call, result).ends(ends)
    }

    fn flush(&mut self, socket: &Socket) {
        while let Some((bytes, peer)) = self.output.front() {
            let peer = *peer;
            let flags = nix::libc::MSG_NOSIGNAL;
            let result = socket.send_to_with_flags(bytes, &SockAddr::from(peer), flags);
            match result.map_err(|e| errno_of(&e)) {
                Ok(n) => {
                    let end = self.count(peer, 0, n).1;
                    let op = Op::Sent {
                        start: end - n as u64,
                        end,
                        echo: true,
                    };
                    self.event("sendto", n.to_string(), peer).op(op).push();
                }
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => return,
                Err(e) => self.event("sendto", String::new(), peer).errno(e).push(),
            }
            self.output.pop_front();
        }
    }
}

fn receive(socket: &Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddr), Errno> {
    let (n, peer) = nix::sys::socket::recvfrom::<nix::sys::socket::SockaddrStorage>(
        socket.as_raw_fd(),
        buffer,
    )?;
    let peer = peer.ok_or(Errno::EAFNOSUPPORT)?;
    let v4 = peer.as_sockaddr_in().map(|a| SocketAddr::V4((*a).into()));
    let v6 = peer.as_sockaddr_in6().map(|a| SocketAddr::V6((*a).into()));
    Ok((n, v4.or(v6).ok_or(Errno::EAFNOSUPPORT)?))
}
