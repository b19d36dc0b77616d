//! Why a server cannot be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use nix::errno::Errno;
use thiserror::Error;

use crate::client::report::errno_of;

/// A server that could not be started, or that had to end.
#[derive(Debug, Error)]
pub enum ServerError {
    /// `socket`, `setsockopt`, `bind` or `listen` failed.
    #[error("{server}: {call} {address}: {source}{}", hint(.source))]
    Bind {
        /// The server's name.
        server: Arc<str>,
        /// The call that failed.
        call: &'static str,
        /// Where it should have listened.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// This kind of server cannot do what the scenario asks of it.
    #[error("{server}: {what}")]
    Unsupported {
        /// The server's name.
        server: Arc<str>,
        /// What it cannot do, and what can.
        what: String,
    },
    /// A thread or a process could not be started, or a system call of the loop failed.
    #[error("{server}: {call}: {source}")]
    System {
        /// The server's name.
        server: Arc<str>,
        /// The call that failed.
        call: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The server's process said something that is no message, or ended before it was ready.
    #[error("{server}: its process {what}")]
    Process {
        /// The server's name.
        server: Arc<str>,
        /// What happened.
        what: String,
    },
}

impl ServerError {
    /// The errno, if a system call failed.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            ServerError::Bind { source, .. } | ServerError::System { source, .. } => {
                Some(errno_of(source))
            }
            ServerError::Unsupported { .. } | ServerError::Process { .. } => None,
        }
    }
}

/// What to do about it.
fn hint(source: &io::Error) -> &'static str {
    match errno_of(source) {
        Errno::EADDRINUSE => {
            ". Another program listens there: end it (`ss -ltnp` names it), or let the scenario listen on another port"
        }
        Errno::EADDRNOTAVAIL => ". No interface of this machine has that address",
        Errno::EACCES => ". Ports below 1024 need root or CAP_NET_BIND_SERVICE: use a higher one",
        _ => "",
    }
}
