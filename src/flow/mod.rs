//! A conversation and the waits that its scenario imposed, to the canonical [`Flow`].

pub mod atoms;
pub mod canonical;
pub mod lives;
pub mod pattern;
pub mod program;
pub mod redact;
pub mod text;
pub mod types;
pub mod udp;

pub use canonical::{Canonical, Programs, Unconfirmed, canonical, canonical_redacted};
pub use lives::{Book, Cast, Life, Pair, client_of, operations};
pub use redact::Redaction;
pub use text::escape;
pub use types::*;
pub use udp::{Exchange, Exchanges, canonical_udp};

#[cfg(test)]
mod tests;
