//! `lab-capture show FILE`: one pass over a capture file, in memory that does not grow with it.

mod args;
mod command;
mod pass;
mod select;
mod views;

pub use args::ShowArgs;
pub use command::show;
