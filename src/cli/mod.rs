//! One file a subcommand; thin.

pub mod args;
mod attempt;
mod export;
mod interrupt;
mod main;
mod plan;
mod progress;
mod repeats;
mod reporters;
mod run;
mod show;
mod snap;

pub use main::main;
