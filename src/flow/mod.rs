//! A conversation and the waits that its scenario imposed, to the canonical [`Flow`].

pub mod types;

pub use types::*;
