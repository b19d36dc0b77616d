//! Segments to conversations: handshake, data, close; Wireshark's analysis.
//!
//! [`Tracker`] is fed segments in capture order and keeps only what the next one needs;
//! [`Conversation`] collects what it says of one connection, for the rooms that judge and draw.

mod account;
mod connection;
pub mod conversation;
mod coverage;
mod feed;
mod flow;
mod history;
pub mod streams;
mod table;
#[cfg(test)]
mod tests;
pub mod tracker;
pub mod types;
mod zeek;

pub use conversation::{Conversation, Conversations, Seg};
pub use feed::Fed;
pub use streams::Streams;
pub use tracker::{Limits, Tracker};
pub use types::*;
