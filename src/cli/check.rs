//! `lab-capture check FILE SCENARIO`: an existing capture judged by a scenario's snapshot and
//! expectations. Roles follow from addresses and ports.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::main::USAGE;
use super::run::policy;
use crate::capture::read::Reader;
use crate::capture::{Completeness, FrameStore, Recording, Stats};
use crate::check::naming::Roles;
use crate::check::{Judge, Judged};
use crate::flow::{Exchange, Exchanges};
use crate::report::text;
use crate::scenario::{self, Scenario};
use crate::tcp::{Conversation, Conversations};
use crate::wire::{LinkType, Packet, Reassembler};

/// `lab-capture check FILE SCENARIO`
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// A pcap or pcapng file, also compressed; '-' is standard input
    pub file: PathBuf,
    /// The scenario that says what is expected
    pub scenario: PathBuf,
    /// The server's address in the capture, where it is not the scenario's
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub server: Option<SocketAddr>,
    /// Write what the capture shows as the new snapshot
    #[arg(long)]
    pub accept: bool,
    /// The verdict line only
    #[arg(long, short)]
    pub quiet: bool,
}

/// What a capture file holds, followed.
pub(super) struct Followed {
    pub recording: Recording,
    pub conversations: Vec<Conversation>,
    pub exchanges: Vec<Exchange>,
}

/// Judges a capture file; the exit code.
pub fn check(args: &CheckArgs) -> anyhow::Result<u8> {
    let start = Instant::now();
    let Some(scenario) = load(&args.scenario) else {
        return Ok(USAGE);
    };
    let followed = match read(&args.file) {
        Ok(followed) => followed,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error}");
            return Ok(USAGE);
        }
    };
    let judge = Judge {
        policy: policy(args.accept),
        isolated: false,
        roles: Roles::Addresses {
            server: args.server,
        },
    };
    let file = Some(args.file.clone());
    let judged = judge_followed(&judge, &Arc::new(scenario), followed, file, start)?;
    report(&judged, args.quiet)
}

/// Loads a scenario; complains and gives `None` if it cannot be.
pub(super) fn load(path: &Path) -> Option<Scenario> {
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    match scenario::load(path) {
        Ok(scenario) => Some(scenario),
        Err(error) => {
            anstream::eprintln!("{}", error.render(colour));
            None
        }
    }
}

/// Judges what was recorded elsewhere, or by `exec`.
pub(super) fn judge_followed(
    judge: &Judge,
    scenario: &Arc<Scenario>,
    followed: Followed,
    file: Option<PathBuf>,
    start: Instant,
) -> anyhow::Result<Judged> {
    let Followed {
        recording,
        conversations,
        exchanges,
    } = followed;
    let opinion = judge.judge(scenario, &recording, conversations, &exchanges)?;
    if opinion.foreign > 0 {
        anstream::eprintln!(
            "{} connections in the capture are not the scenario's",
            opinion.foreign
        );
    }
    Ok(Judged {
        scenario: scenario.clone(),
        recording: Some(recording),
        connections: opinion.connections,
        datagrams: opinion.datagrams,
        verdict: opinion.verdict,
        foreseen: opinion.foreseen,
        file,
        elapsed: start.elapsed(),
        accepted: opinion.accepted,
    })
}

/// Prints a judged run; its exit code.
pub(super) fn report(judged: &Judged, quiet: bool) -> anyhow::Result<u8> {
    let mut out = anstream::stdout().lock();
    let detail = if quiet {
        crate::report::Detail::Quiet
    } else {
        crate::report::Detail::Full
    };
    text::write(&mut out, judged, &super::terminal::options(detail))?;
    out.flush()?;
    if let (true, Some(reason)) = (quiet, text::reason(judged)) {
        anstream::eprintln!("{reason}");
    }
    Ok(judged.verdict.exit_code())
}

pub(super) fn read(path: &Path) -> Result<Followed, crate::capture::read::ReadError> {
    let mut reader = match path.as_os_str() == "-" {
        true => Reader::from_read(Box::new(std::io::stdin()))?,
        false => Reader::open(path)?,
    };
    let mut link = None;
    let mut frames = FrameStore::default();
    let mut reassembler = Reassembler::default();
    let (mut conversations, mut exchanges) = (Conversations::default(), Exchanges::default());
    while let Some(frame) = reader.next()? {
        link.get_or_insert(frame.link);
        frames.push(frame.time, frame.wire_len, frame.data);
        match reassembler.parse(&frame) {
            Packet::Tcp(segment) => {
                conversations.push(frame.number, frame.time, &segment);
            }
            Packet::Udp(datagram) => exchanges.push(frame.number, frame.time, &datagram),
            Packet::Icmp(icmp) => exchanges.push_icmp(frame.number, &icmp),
            _ => {}
        }
    }
    if let Some(truncated) = reader.truncated() {
        anstream::eprintln!("lab-capture: {}: {truncated}", path.display());
    }
    Ok(Followed {
        recording: Recording {
            link: link.unwrap_or(LinkType::ETHERNET),
            snaplen: crate::capture::live::SNAPLEN,
            frames,
            events: vec![],
            stats: Stats::default(),
            complete: Completeness::Unknown,
            output: vec![],
        },
        conversations: conversations.finish(),
        exchanges: exchanges.finish(),
    })
}
