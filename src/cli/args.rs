//! The command line, as clap types. Help texts are written for people who see it for the first time.

use std::path::PathBuf;

use crate::capture::spill::IN_MEMORY;
use clap::{Args, Parser, Subcommand, ValueEnum};

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

/// Where the traffic goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum On {
    /// An own network namespace for each scenario: no root needed, nobody else's packets
    #[default]
    Namespace,
    /// The machine's real lo (root or CAP_NET_RAW), for watching with Wireshark beside it
    Host,
}

/// Format of exported captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Nanosecond pcap
    #[default]
    Pcap,
    /// pcapng, with names and comments
    Pcapng,
}

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

/// `lab-capture show FILE`
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// A pcap or pcapng file, also compressed; '-' is standard input
    pub file: PathBuf,
    /// Further files: each is shown below its name
    #[arg(value_name = "FILE", conflicts_with_all = ["json", "stream"])]
    pub more: Vec<PathBuf>,
    /// Only what matches: a display filter as in Wireshark ('tcp.flags.reset == 1'), or short
    /// words ('host 10.0.0.1 port 80', 'flag rst', 'stream 3'). Of connections, those of which a
    /// packet matches
    #[arg(long, short, value_name = "EXPR")]
    pub filter: Option<String>,
    /// Only connections in this state: Zeek's conn_state (S0, SF, REJ…), or a word from the columns
    /// handshake and close (refused, unanswered, reset, open…); several are separated by commas
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub state: Vec<String>,
    /// One connection, by Wireshark's stream number: its facts, packets, ladder
    #[arg(long, short, value_name = "N")]
    pub stream: Option<u32>,
    /// What the connection of --stream carried, both directions put together
    #[arg(long, value_enum, requires = "stream", conflicts_with_all = ["json", "packets"])]
    pub follow: Option<FollowForm>,
    /// Follow only what this end sent
    #[arg(long, value_enum, requires = "follow")]
    pub from: Option<FollowFrom>,
    /// Write what is followed to a file; raw bytes of both directions go to FILE.client and
    /// FILE.server
    #[arg(long, value_name = "FILE", requires = "follow")]
    pub out: Option<PathBuf>,
    /// One line for each packet instead of the table
    #[arg(long, short)]
    pub packets: bool,
    /// JSON Lines instead of the table: one record for each segment and each connection
    #[arg(long, conflicts_with = "packets")]
    pub json: bool,
    /// Columns of text to keep to, 0 for no limit [default: the terminal's; no limit elsewhere]
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
}

/// How `--follow` shows bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FollowForm {
    /// As text; what cannot be printed as '.'
    Text,
    /// Offset, hexadecimal, ASCII
    Hex,
    /// The bytes themselves
    Raw,
}

/// Whose bytes `--follow` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FollowFrom {
    /// What the client sent
    Client,
    /// What the server sent
    Server,
}
