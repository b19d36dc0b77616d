//! Isolation, one run, many runs side by side.

mod actors;
pub mod error;
pub mod isolation;
mod isolation_help;
mod observer;
pub mod run;
mod settle;
pub mod suite;
pub mod watch;

pub use error::LabError;
pub use isolation::{Isolation, IsolationError, Namespace, On};
pub use run::{Ran, RunOptions, run, run_here};
