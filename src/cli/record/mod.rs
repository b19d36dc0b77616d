//! `lab-capture record FILE` and `record -- CMD…`: a real exchange becomes a scenario with its
//! expectations, the quickest way to the first test.
//!
//! A capture becomes scripts that repeat what both sides sent ([`script`], [`gates`]); a command
//! stays a command. Either is then run several times, and what does not hold every time is not
//! expected ([`expectation`]).

mod command;
mod expectation;
mod gates;
mod script;
mod text;
mod udp;

pub use command::{RecordArgs, record};
