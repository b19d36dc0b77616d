//! What lab-capture and the first process of a program's PID namespace say to each other: JSON, a
//! line each, on a socket pair.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::timeline::Nanos;

/// What the first process says before anything else: it has been executed, and holds no socket of
/// lab-capture's any more.
pub(super) const FIRST_WORD: &[u8; 1] = b"\n";

/// The one line that lab-capture answers: what to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// Who it is, for messages.
    pub actor: String,
    /// The program's file.
    pub program: PathBuf,
    /// `argv`, the program's own name first.
    pub argv: Vec<String>,
    /// Added to the inherited environment.
    pub env: Vec<(String, String)>,
    /// Working folder.
    pub dir: PathBuf,
    /// Soft and hard `RLIMIT_NOFILE` that lab-capture was given, where it raised its own: a program
    /// that assumes `FD_SETSIZE`, or closes all that there may be, is run as it would be by hand.
    pub descriptors: Option<(u64, u64)>,
    /// Become this user before.
    pub user: Option<User>,
    /// Give up all capabilities before; false only for real root.
    pub unprivileged: bool,
}

/// The user who typed `sudo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    pub uid: u32,
    pub gid: u32,
    /// Name and home folder, if the system knows them.
    pub name: Option<String>,
    pub home: Option<PathBuf>,
}

/// What lab-capture may ask for afterwards; closing the socket asks for the end of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    /// Send this signal to the main program.
    Signal(i32),
}

/// What the first process reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// The main program has been executed.
    Started { at: Nanos },
    /// It could not be; `errno` 0 if there is none.
    Failed { operation: String, errno: i32 },
    /// The main program has ended.
    Exited { at: Nanos, how: super::exit::Exit },
    /// No process of the program is left, daemons included.
    Gone,
}
