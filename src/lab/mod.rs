//! Isolation, one run, many runs side by side.

mod actors;
pub mod error;
mod expected;
pub mod isolation;
pub(crate) mod observer;
mod options;
mod powers;
pub mod program;
pub mod run;
mod settle;
pub mod suite;
pub mod watch;

pub use error::LabError;
pub use isolation::{
    Isolation, IsolationError, Namespace, On, Probe, ProbeStep, probe, probe_main, remedy_on_host,
};
pub use options::RunOptions;
pub use program::{Exit, Launch, ProgramError, ProgramOutput, RunningProgram};
pub use run::{Ran, run, run_here};
