//! How runs are made, whatever their scenario.

use std::path::PathBuf;

use super::isolation::Isolation;
use crate::platform::Cancel;

/// What a run needs besides its scenario.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How runs are isolated.
    pub isolation: Isolation,
    /// Where received files go, and the frames that are too many for memory.
    pub output: PathBuf,
    /// Bytes of frames that stay in memory; [`crate::capture::spill::IN_MEMORY`] unless there is a reason.
    pub memory: usize,
    /// Ends the run early: Ctrl-C.
    pub interrupt: Cancel,
}
