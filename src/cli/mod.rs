//! One file a subcommand; thin.

pub mod args;
mod attempt;
mod by_hand;
mod check;
mod doctor;
mod durations;
mod exec;
mod export;
mod interrupt;
mod main;
mod merge;
mod plan;
mod progress;
mod record;
mod repeats;
mod reporters;
mod run;
pub mod shard;
mod show;
mod snap;
mod terminal;
mod turns;

pub use main::main;
