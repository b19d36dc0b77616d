//! `lab-capture [run] PATH…`: scenarios, side by side, judged and reported.

mod args;
mod attempt;
mod command;
pub(super) mod durations;
mod plan;
mod progress;
mod repeats;
mod reporters;
pub mod shard;
mod turns;

pub use args::RunArgs;
pub use command::run;
