//! One file a subcommand; thin.

pub mod args;
mod attempt;
mod by_hand;
mod check;
mod doctor;
mod exec;
mod export;
mod interrupt;
mod main;
mod plan;
mod progress;
mod record;
mod repeats;
mod reporters;
mod run;
mod show;
mod snap;
mod terminal;

pub use main::main;
