//! One file a subcommand; thin.

pub mod args;
mod export;
mod interrupt;
mod main;
mod run;
mod snap;

pub use main::main;
