//! The interpreter of steps: one resumable machine, one file for each family of steps.

mod act;
mod connect;
mod event;
mod file;
mod gate;
mod kept;
mod listener;
mod machine;
mod message;
mod payload;
mod recv;
mod send;
mod together;

pub use act::{Act, Done, Failure, Progress};
pub use listener::ListenerSlot;
pub use machine::{Role, Script};
pub use payload::Payload;
