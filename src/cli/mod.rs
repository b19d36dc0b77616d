//! One file a subcommand; thin.

pub mod args;
mod by_hand;
mod check;
mod doctor;
mod exec;
mod exit;
mod export;
mod interrupt;
mod main;
mod merge;
mod options;
mod record;
pub mod run;
mod show;
mod snap;
mod terminal;

pub use main::main;
