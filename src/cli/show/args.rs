//! What `show` is asked.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
