//! What keeps a test from its packets.

use std::fmt;

use crate::capture::live::{BarrierError, CaptureError};
use crate::capture::write::WriteError;
use crate::check::snapshot::SnapshotError;
use crate::lab::{IsolationError, LabError};
use crate::scenario::ScenarioError;

/// A test could not run or capture what it wanted; never a verdict about what it captured.
///
/// Its `Debug` is its message, since that is what a test that returns `Err` prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Called in a process with threads, outside of [`isolated`](super::isolated).
    #[error(
        "this process has several threads and is not isolated: wrap the test in \
         lab_capture::testing::isolated(|| {{ … }})"
    )]
    NotIsolated,
    /// No namespace; with a remedy.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// The scenario file is wrong.
    #[error("{}", .0.render(false))]
    Scenario(#[from] ScenarioError),
    /// The lab could not run the scenario.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A snapshot beside the scenario cannot be read or written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The capture could not be opened.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The capture was not proven open before the sockets were.
    #[error("the capture is not proven open: {0}")]
    NotOpen(BarrierError),
    /// The capture is not proven to hold every frame: nothing can be asserted on it.
    #[error("the capture is not proven complete:\n  {}", .0.join("\n  "))]
    Incomplete(Vec<String>),
    /// A system call of the lab's own failed.
    #[error("cannot {operation}: {source}")]
    System {
        /// What was to be done.
        operation: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A system call of the test's own failed, passed on with `?`.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A capture file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
