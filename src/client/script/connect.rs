//! Steps on the socket itself: make it, bind it, connect it, set it, shut it, close it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::errno::Errno;
use socket2::{SockAddr, SockFilter, Type};

use super::act::{Act, Failure, Progress};
use super::machine::Script;
use crate::client::link::{bind, open, option_name, set_option};
use crate::client::report::errno_of;
use crate::platform::multiplex::Interest;
use crate::platform::process::out_of_the_way;
use crate::scenario::{How, SocketOption};

impl Script {
    /// The socket that the next `connect` will use, made now if there is none yet.
    fn ensure_socket(&mut self, to: Option<SocketAddr>) -> Result<(), Progress> {
        let unused = self.link.socket().is_some() && self.link.ends.is_none();
        if unused || (to.is_none() && self.link.socket().is_some()) {
            return Ok(());
        }
        let Some(to) = to.or(self.role.target) else {
            return Err(Progress::errno("socket", Errno::EBADF));
        };
        let kind = match self.role.datagram {
            true => Type::DGRAM,
            false => Type::STREAM,
        };
        let socket = open(to, kind).map_err(|e| Progress::errno("socket", errno_of(&e)))?;
        let socket = out_of_the_way(socket.into()).into();
        // A connection that the script left open stays open.
        self.kept.extend(self.link.attach(socket));
        (self.shut_read, self.shut_write, self.saw_reset) = (false, false, false);
        Ok(())
    }
}

/// `connect(2)`.
pub struct Connect {
    to: Option<SocketAddr>,
    begun: bool,
}

impl Connect {
    /// To this address, or to the client's target.
    pub fn new(to: Option<SocketAddr>) -> Self {
        Connect { to, begun: false }
    }

    fn begin(&mut self, script: &mut Script, to: SocketAddr) -> Result<(), Progress> {
        self.begun = true;
        script.ensure_socket(Some(to))?;
        let Some(socket) = script.link.socket() else {
            return Err(Progress::errno("connect", Errno::EBADF));
        };
        let result = socket.connect(&SockAddr::from(to));
        // Asked now: after a refusal the kernel has forgotten the address.
        script.link.learn_ends(to);
        match result {
            Ok(()) => Err(connected(script)),
            Err(e) if errno_of(&e) == Errno::EINPROGRESS => Ok(()),
            Err(e) => Err(refused(script, errno_of(&e))),
        }
    }
}

fn connected(script: &mut Script) -> Progress {
    let ends = script.link.ends;
    let text = ends.map_or_else(|| "ok".to_string(), |e| e.peer.to_string());
    Progress::done("connect", text, None)
}

/// The next `connect` begins with a fresh socket; this one never had a connection.
fn refused(script: &mut Script, errno: Errno) -> Progress {
    drop(script.link.take());
    Progress::errno("connect", errno)
}

impl Act for Connect {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let Some(to) = self.to.or(script.role.target) else {
            let text = "a server's connection is connected already";
            return Progress::failed("connect", text, None);
        };
        if !self.begun
            && let Err(progress) = self.begin(script, to)
        {
            return progress;
        }
        let Some(socket) = script.link.socket() else {
            return Progress::errno("connect", Errno::EBADF);
        };
        // Asked first: an error that came after the handshake belongs to the next call.
        if socket.peer_addr().is_ok() {
            return connected(script);
        }
        match socket.take_error().map_err(|e| errno_of(&e)) {
            Ok(None) => Progress::on(script.link.watch(Interest::WRITE)),
            Ok(Some(e)) if errno_of(&e) == Errno::ECONNRESET => {
                // A refusal is ECONNREFUSED: the handshake was complete, and the RST came right behind it.
                script.link.pending = Some(Errno::ECONNRESET);
                connected(script)
            }
            Ok(Some(e)) => refused(script, errno_of(&e)),
            Err(e) => refused(script, e),
        }
    }

    fn waiting(&self, script: &Script) -> String {
        let to = self.to.or(script.role.target);
        to.map_or_else(String::new, |to| format!("no answer from {to}"))
    }
}

/// `bind(2)` to a source port.
pub struct Bind(pub u16);

impl Act for Bind {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let Some(target) = script.role.target else {
            let text = "a server's connection is bound already";
            return Progress::failed("bind", text, None);
        };
        if let Err(progress) = script.ensure_socket(Some(target)) {
            return progress;
        }
        let ip = match target.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        match script.link.socket().map(|s| bind(s, (ip, self.0).into())) {
            Some(Ok(())) => Progress::done("bind", format!("port {}", self.0), None),
            Some(Err(e)) => Progress::errno("bind", errno_of(&e)),
            None => Progress::errno("bind", Errno::EBADF),
        }
    }
}

/// `setsockopt(2)`.
pub struct Set(pub SocketOption);

impl Act for Set {
    fn advance(&mut self, script: &mut Script) -> Progress {
        if let Err(progress) = script.ensure_socket(None) {
            return progress;
        }
        match script.link.socket().map(|s| set_option(s, self.0)) {
            Some(Ok(())) => Progress::done("setsockopt", option_name(self.0), None),
            Some(Err(e)) => Progress::errno("setsockopt", errno_of(&e)),
            None => Progress::errno("setsockopt", Errno::EBADF),
        }
    }
}

/// `SO_ATTACH_FILTER` with one instruction that returns 0, hence drops every segment; or `SO_DETACH_FILTER`.
pub struct Deaf(pub bool);

impl Act for Deaf {
    fn advance(&mut self, script: &mut Script) -> Progress {
        const RETURN_CONSTANT: u16 = 0x06; // BPF_RET | BPF_K
        if let Err(progress) = script.ensure_socket(None) {
            return progress;
        }
        let Some(socket) = script.link.socket() else {
            return Progress::errno("setsockopt", Errno::EBADF);
        };
        let (name, result) = match self.0 {
            true => {
                let drop_all = SockFilter::new(RETURN_CONSTANT, 0, 0, 0);
                ("SO_ATTACH_FILTER", socket.attach_filter(&[drop_all]))
            }
            false => ("SO_DETACH_FILTER", socket.detach_filter()),
        };
        match result {
            Ok(()) => Progress::done("setsockopt", name, None),
            Err(e) if errno_of(&e) == Errno::EPERM => Progress::Failed(Failure {
                call: "setsockopt",
                result: format!(
                    "{name}: EPERM, this kernel wants CAP_NET_ADMIN for it: root has it, and the lab in a namespace of its own"
                ),
                errno: Some(Errno::EPERM),
                fault: None,
                op: None,
            }),
            Err(e) => Progress::errno("setsockopt", errno_of(&e)),
        }
    }
}

/// `shutdown(2)`.
pub struct Shutdown(pub How);

impl Act for Shutdown {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let (name, write) = match self.0 {
            How::Read => ("SHUT_RD", false),
            How::Write => ("SHUT_WR", true),
            How::Both => ("SHUT_RDWR", true),
        };
        if let Err(e) = script.link.shutdown(self.0) {
            return Progress::errno("shutdown", e);
        }
        script.shut_write |= write;
        script.shut_read |= self.0 != How::Write;
        let op = write.then_some(crate::timeline::Op::Shutdown);
        Progress::done("shutdown", name, op)
    }
}

/// `close(2)`.
pub struct Close;

impl Act for Close {
    fn advance(&mut self, script: &mut Script) -> Progress {
        if script.link.socket().is_none() {
            return Progress::errno("close", Errno::EBADF);
        }
        script.link.close();
        Progress::Quiet
    }
}

/// `SO_LINGER` 0 and `close(2)`.
pub struct Reset;

impl Act for Reset {
    fn advance(&mut self, script: &mut Script) -> Progress {
        match script.link.reset() {
            Ok(()) => Progress::Quiet,
            Err(e) => Progress::errno("close", e),
        }
    }
}
