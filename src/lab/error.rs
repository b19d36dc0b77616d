//! Why the lab could not run a scenario: exit code 3.

use std::sync::Arc;

use super::isolation::IsolationError;
use super::program::ProgramError;
use crate::capture::live::CaptureError;
use crate::server::ServerError;

/// The lab could not run a scenario.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No namespace, or a setting refused.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// libpcap.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A server does not start.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// An external program does not start.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// An external server started, but never listened.
    #[error("{source}{said}")]
    NotReady {
        /// Why not.
        source: ProgramError,
        /// The last lines of its standard error.
        said: String,
    },
    /// A system call of the lab's own failed.
    #[error("cannot {operation} {object}: {source}")]
    System {
        /// What was to be done.
        operation: &'static str,
        /// To what.
        object: Arc<str>,
        /// What the system said.
        source: std::io::Error,
    },
}

impl LabError {
    /// A failed system call: operation, object, reason.
    pub fn system(operation: &'static str, object: &str, source: std::io::Error) -> Self {
        LabError::System {
            operation,
            object: object.into(),
            source,
        }
    }
}
