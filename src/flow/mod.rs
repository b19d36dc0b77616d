//! A conversation and the waits that its scenario imposed, to the canonical [`Flow`].

pub mod atoms;
pub mod canonical;
pub mod pattern;
pub mod program;
pub mod text;
pub mod types;

pub use canonical::{Canonical, Programs, Unconfirmed, canonical};
pub use text::escape;
pub use types::*;

#[cfg(test)]
mod tests;
