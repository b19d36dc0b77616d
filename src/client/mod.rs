//! The script interpreter, shared by clients and by servers whose handler is a list of steps, and what both are made
//! of: the [`Context`] of a run, a connected socket that reports what it does ([`Link`]), and [`Task`]s that never block.

pub mod barrier;
pub mod context;
pub mod framing;
pub mod link;
mod pace;
pub mod report;
pub mod run;
pub mod script;
pub mod talk;
pub mod task;

pub use barrier::Barriers;
pub use context::{Context, Control, WireWatch};
pub use link::{Io, Link};
pub use report::Reporter;
pub use run::{Finished, run_script, spawn};
pub use script::{Role, Script};
pub use talk::{Goodbye, TalkError, talk};
pub use task::{Task, Want, Watch, drive};
