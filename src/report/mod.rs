//! What people and CI read: one file a format, all of them read-only.
//!
//! | file | what |
//! |---|---|
//! | [`text`] | the terminal: packet list, ladder, findings, one verdict line |
//! | [`json`] | JSON Lines, one record a line |
//! | [`junit`] | JUnit XML, one test case a scenario |
//! | [`tap`] | TAP 13 with YAML diagnostics |
//! | [`github`] | annotations beside the lines of a pull request |
//! | [`table`], [`stream`], [`lines`], [`follow`], [`census`] | a capture file, read in one pass |
//! | [`records`] | JSON Lines of a capture file, written for speed |
//! | [`merge`] | the JUnit and JSON reports of several shards made one |
//!
//! Every writer takes an [`std::io::Write`] and gives back its error; a closed pipe is the
//! caller's to forgive. The text writer emits ANSI styles: wrap the stream in
//! [`anstream::AutoStream`], which removes them where nobody sees them and honours `NO_COLOR` and
//! `CLICOLOR_FORCE`.

pub mod buffer;
pub mod census;
#[cfg(test)]
mod ci_tests;
#[cfg(test)]
mod crowd_tests;
mod datagrams;
mod drawn;
pub mod escape;
mod excerpt;
mod facts;
mod findings;
pub mod follow;
pub mod github;
pub mod json;
#[cfg(test)]
mod json_tests;
pub mod junit;
mod known;
mod ladder;
pub mod lines;
pub mod live;
mod meaning;
pub mod merge;
mod order;
#[cfg(test)]
mod order_tests;
mod outcome;
mod packets;
mod record;
pub mod records;
#[cfg(test)]
mod sample;
pub mod stream;
mod style;
pub mod table;
pub mod tally;
pub mod tap;
pub mod text;
#[cfg(test)]
mod text_tests;

pub use tally::Tally;
pub use text::{Detail, Options};
