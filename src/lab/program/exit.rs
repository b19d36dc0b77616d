//! How a program ended.

use std::fmt;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// `exit(2)` with this status.
    Status(i32),
    /// Killed by the signal of this number.
    Signal(i32),
}

impl Exit {
    /// `SIGKILL`; empty for an exit.
    pub fn signal_name(self) -> String {
        match self {
            Exit::Status(_) => String::new(),
            Exit::Signal(number) => Signal::try_from(number)
                .map_or_else(|_| format!("signal {number}"), |s| s.as_str().to_owned()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Status(status) => write!(f, "exit status {status}"),
            Exit::Signal(_) => write!(f, "killed by {}", self.signal_name()),
        }
    }
}
