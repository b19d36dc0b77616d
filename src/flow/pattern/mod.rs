//! Expected flows as text: the text form of a flow with what may vary left open.
//!
//! ```text
//! handshake complete
//! client 5 "hello"
//! then server ...
//! ? then client 3
//! then client fin | then client reset
//! ...
//! close client first | close crossed
//! ```
//!
//! A line is a line of the flow; `then` may be left out. Left open: `...` alone on a line stands for
//! any lines, also none; `?` in front makes a line optional; `|` stands between alternatives. In a
//! run the length or the content may be left out, `...` stands for any bytes, also none, and
//! `/regex/` for content that it matches. Two runs that nobody made wait stand on one line or two,
//! with `||` between them or in front of the second.
//!
//! Several connections: a line that ends in `:` names those that the lines behind it are for, as
//! `client-1:`, `client-1, client-3:`, or `client-*:`. So does a name without it where the lines of its flow are
//! indented below, as a flow is printed: a snapshot's text is a pattern as it stands. `any order:` begins a group: the patterns
//! behind its `-` lines, each with `for N` if several connections show it, are for the connections
//! that nothing else names, whichever shows which.

mod group;
mod line;
mod matching;
mod parse;
mod token;

pub use group::{Group, Mismatch, Patterns};
pub use line::{BytesPattern, ContentPattern, Item, ResetPattern, RunPattern};
pub use matching::Miss;
pub use parse::PatternError;
