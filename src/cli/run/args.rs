//! What a run is asked.

use std::path::PathBuf;

use clap::Args;

use crate::capture::spill::IN_MEMORY;
use crate::cli::options::{Format, On};
use crate::report::Detail;

/// `lab-capture [run] PATH…`
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Scenario files, or folders of them
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Folder for the exported captures: NAME.pcap for each scenario
    #[arg(long, value_name = "DIR", default_value = "captures")]
    pub capture_dir: PathBuf,
    /// Format of the exported captures
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the traffic goes
    #[arg(long, value_enum, default_value_t)]
    pub on: On,
    /// Scenarios that run side by side [default: chosen for this machine]
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<usize>,
    /// Run each scenario this often; each distinct flow is reported with its count, and the
    /// capture of the first run that showed it is kept as NAME.K.pcap
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Only scenarios whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Try what did not pass up to N times more; a pass then is reported as flaky, and counts as
    /// a pass for the exit code
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "repeat")]
    pub retries: u32,
    /// Start nothing more after the first that does not pass
    #[arg(long)]
    pub fail_fast: bool,
    /// Run the scenarios in an order drawn from this number
    #[arg(long, value_name = "SEED")]
    pub shuffle: Option<u64>,
    /// This machine's part of the scenarios, for instance 1/4: the first of four. Without it, the
    /// variables of GitLab, CircleCI, Buildkite and Kubernetes are looked at
    #[arg(long, value_name = "K/N")]
    pub shard: Option<super::shard::Shard>,
    /// Recorded durations: shards are balanced by them, a run without --shard records them
    /// [default: .durations.json in the capture folder, of runs of several scenarios]
    #[arg(long, value_name = "FILE")]
    pub durations: Option<PathBuf>,
    /// Use ::1 wherever the scenario says 127.0.0.1
    #[arg(long)]
    pub ipv6: bool,
    /// Write what this run showed as the new snapshots. Of --repeat the first run that passes
    /// writes, and the others are compared with it; of --retries the attempt that passes
    #[arg(long)]
    pub accept: bool,
    /// Verdict lines only, and on standard error why a run could not be or proves nothing
    #[arg(long, short)]
    pub quiet: bool,
    /// Packets and ladder also when several scenarios run
    #[arg(long, short)]
    pub verbose: bool,
    /// Print each scenario's explanation
    #[arg(long)]
    pub explain: bool,
    /// JSON Lines, one record a line; '-' is standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// TAP 13
    #[arg(long, value_name = "FILE")]
    pub tap: Option<PathBuf>,
    /// MiB of each run's frames that stay in memory; more go into a file without a name beside the
    /// captures
    #[arg(long, value_name = "MIB", default_value_t = (IN_MEMORY >> 20) as u32, hide = true)]
    pub memory: u32,
}

impl RunArgs {
    /// How much is told of each of so many runs.
    pub(super) fn detail(&self, runs: usize) -> Detail {
        match (self.quiet, self.verbose || runs == 1) {
            (true, _) => Detail::Quiet,
            (false, true) => Detail::Full,
            (false, false) => Detail::Failures,
        }
    }
}
