//! Isolation, one run, many runs side by side.

mod actors;
pub mod error;
mod expected;
pub mod isolation;
mod isolation_help;
pub mod isolation_probe;
pub(crate) mod observer;
mod powers;
pub mod program;
mod program_error;
mod program_find;
mod program_init;
mod program_monitor;
pub mod program_output;
mod program_protocol;
pub mod program_sockets;
pub mod run;
mod settle;
pub mod suite;
pub mod watch;

pub use error::LabError;
pub use isolation::{Isolation, IsolationError, Namespace, On};
pub use isolation_help::remedy_on_host;
pub use isolation_probe::{Probe, ProbeStep, probe, probe_main};
pub use program::{Exit, Launch, ProgramError, ProgramOutput, RunningProgram};
pub use run::{Ran, RunOptions, run, run_here};
