//! What it costs: ours against the bare floor of the kernel and against a shell pipeline.
//!
//! `cargo bench --bench lab -- WHAT [--short]`; see `plan::HELP`. Contestants alternate within one
//! call, each in a process of its own; figures are ratios with their spread, and the processes'
//! own CPU time. Wall times of a busy machine say little, ratios of alternating runs more.

mod bulk;
mod contestants;
mod dismantled;
mod floor;
mod load;
mod measure;
mod plan;

use std::process::ExitCode;

fn main() -> ExitCode {
    plan::run(std::env::args().skip(1).collect())
}
