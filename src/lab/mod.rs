//! Isolation, one run, many runs side by side.

pub mod isolation;
mod isolation_help;

pub use isolation::{Isolation, IsolationError, Namespace, On};
