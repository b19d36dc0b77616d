//! What can go wrong with an external program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use crate::platform::PlatformError;

/// An external program could not be run, or did not do what it is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// No such program.
    #[error("{actor}: program {program} not found {}", place(.searched))]
    NotFound {
        /// The actor.
        actor: Arc<str>,
        /// As the scenario names it.
        program: String,
        /// Where it was looked for: a file, or the folders of `PATH`.
        searched: Vec<PathBuf>,
    },
    /// There is such a file, but it may not be executed.
    #[error("{actor}: {} is not an executable file (chmod +x?)", .path.display())]
    NotExecutable {
        /// The actor.
        actor: Arc<str>,
        /// The file.
        path: PathBuf,
    },
    /// The working folder does not exist.
    #[error("{actor}: working folder {} not found", .path.display())]
    NoFolder {
        /// The actor.
        actor: Arc<str>,
        /// The folder.
        path: PathBuf,
    },
    /// The kernel refused to execute it, or what comes before.
    #[error("{actor}: {program} could not be started: {operation}: {reason}")]
    Start {
        /// The actor.
        actor: Arc<str>,
        /// The program's file.
        program: String,
        /// The call.
        operation: String,
        /// The kernel's reason.
        reason: String,
    },
    /// It ended without having listened.
    #[error("{actor}: the program ended ({}) before it listened on {address}", .exit.map_or("without a status".to_owned(), |e| e.to_string()))]
    EndedBeforeListening {
        /// The actor.
        actor: Arc<str>,
        /// Where it should have listened.
        address: SocketAddr,
        /// How it ended.
        exit: Option<Exit>,
    },
    /// It did not listen in time.
    #[error("{actor}: the program did not listen on {address} within {limit:?}")]
    NotListening {
        /// The actor.
        actor: Arc<str>,
        /// Where it should have listened.
        address: SocketAddr,
        /// The limit.
        limit: Duration,
    },
    /// The run was cancelled while waiting.
    #[error("{actor}: cancelled")]
    Cancelled {
        /// The actor.
        actor: Arc<str>,
    },
    /// The process that looks after the program is gone.
    #[error("{actor}: the program's supervisor is gone: {reason}")]
    Supervisor {
        /// The actor.
        actor: Arc<str>,
        /// How that showed.
        reason: String,
    },
    /// A system call failed.
    #[error("{actor}: {source}")]
    System {
        /// The actor.
        actor: Arc<str>,
        /// What failed.
        source: PlatformError,
    },
}

fn place(searched: &[PathBuf]) -> String {
    match searched {
        [one] => format!("({})", one.display()),
        _ => "in any folder of PATH".to_owned(),
    }
}
