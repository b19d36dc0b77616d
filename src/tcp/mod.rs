//! Segments to conversations: handshake, data, close; Wireshark's analysis.
//!
//! [`Tracker`] is fed segments in capture order and keeps only what the next one needs;
//! [`Conversation`] collects what it says of one connection, for the rooms that judge and draw.

pub mod conversation;
mod flow;
mod table;
pub mod tracker;
pub mod types;

pub use conversation::{Conversation, Conversations, Seg};
pub use tracker::Tracker;
pub use types::*;
