//! What several subcommands are asked.

use clap::ValueEnum;

use crate::check::Policy;

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

/// What to do with snapshots: CI never writes any.
pub(super) fn policy(accept: bool) -> Policy {
    match (accept, ci()) {
        (_, true) => Policy::ReadOnly,
        (true, false) => Policy::Accept,
        (false, false) => Policy::Compare,
    }
}

/// Is this a CI machine? It never writes snapshots.
pub(super) fn ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}
