//! A subset of Wireshark's display filters, with the answers of tshark 4.0.
//!
//! ```
//! use lab_capture::filter::Filter;
//!
//! let filter = Filter::parse("tcp.flags.reset == 1 && tcp.srcport == 5000").unwrap();
//! let error = Filter::parse("tcp.flag.reset == 1").unwrap_err();
//! assert_eq!(error.help.as_deref(), Some("did you mean `tcp.flags.reset`?"));
//! # let _ = filter;
//! ```
//!
//! Text becomes tokens ([`lex`](mod@lex)), tokens a typed tree ([`ast`]), and the tree is evaluated
//! over what a [`Viewer`] says of each frame in capture order. What Wireshark has and this subset
//! has not is refused by name; what a frame does not allow to decide (a TCP header quoted in an
//! ICMP error has no `tcp.len`) is [`Unknown`], never a guess. `docs/filters.md` describes the
//! language.

pub mod ast;
pub mod error;
mod eval;
mod extract;
pub mod field;
mod layers;
pub mod lex;
mod literal;
mod parse;
mod pattern;
mod slice;
#[cfg(test)]
mod tests;
mod value;
pub mod view;

pub use ast::Filter;
pub use error::FilterError;
pub use field::{FIELDS, Field, Kind};
pub use view::{Lens, PacketView, Unknown, Viewer};
