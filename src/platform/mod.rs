//! The system calls that need `unsafe`, each with its reason, and thin typed layers over the others.

pub mod multiplex;
pub mod notify;
pub mod process;
pub mod socket;

pub use notify::{Cancel, Notify};
