//! Isolation: what it is, whether it works here, and what to do where it does not.

mod enter;
mod help;
pub mod probe;

pub use enter::{Isolation, IsolationError, Namespace, On};
pub use help::remedy_on_host;
pub use probe::{Probe, ProbeStep, probe, probe_main};
