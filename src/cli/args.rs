//! The command line, as clap types. Help texts are written for people who see it for the first time.

use clap::{Parser, Subcommand};

use super::run::RunArgs;
use super::show::ShowArgs;

/// What a TCP program really puts on the wire: run it, capture it, judge it.
#[derive(Debug, Parser)]
#[command(
    name = "lab-capture",
    version,
    // A terminal of 80 columns shows the help as it is meant.
    term_width = 80,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Begin with:  lab-capture scenarios/close.toml

Exit codes:
  0  all passed
  1  an expectation or a snapshot failed, or a snapshot is missing
  2  a scenario or the command line is wrong
  3  the lab could not run: permission, port in use, program not found
  4  inconclusive: the capture cannot prove anything")]
pub struct Cli {
    /// What to do; without one, the paths are run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// A bare path means `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios, capture, judge (the default)
    Run(RunArgs),
    /// Show a capture file: its connections and packets
    Show(ShowArgs),
    /// Decide about snapshots that wait for review
    Snap(super::snap::SnapArgs),
    /// Judge an existing capture by what a scenario expects
    Check(super::check::CheckArgs),
    /// Run any command in an own namespace, captured and judged
    Exec(super::exec::ExecArgs),
    /// Make a scenario of a capture file, or of what a command does
    Record(super::record::RecordArgs),
    /// Run a server by hand; each thing that it does is printed
    Serve(super::by_hand::ServeArgs),
    /// Be a client by hand: type lines, see replies
    Talk(super::by_hand::TalkArgs),
    /// Print each packet of the machine's lo as it comes (root)
    Watch(super::by_hand::WatchArgs),
    /// Make the reports of several shards one
    Merge(super::merge::MergeArgs),
    /// What this machine can do, and how to get the rest
    Doctor,
    /// Print the JSON Schema of the scenario file, for editors
    Schema,
    /// Print a shell completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}
