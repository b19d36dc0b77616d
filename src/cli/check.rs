//! `lab-capture check FILE SCENARIO`: an existing capture judged by a scenario's snapshot and
//! expectations. Roles follow from addresses and ports.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::exit::USAGE;
use super::options::policy;
use crate::capture::read::Reader;
use crate::capture::spill::IN_MEMORY;
use crate::capture::{Completeness, FrameStore, Recording, Spill, Stats};
use crate::check::naming::Roles;
use crate::check::{Judge, Judged};
use crate::flow::{Exchange, Exchanges};
use crate::report::text;
use crate::scenario::{self, Scenario};
use crate::tcp::{Conversation, Conversations};
use crate::wire::Frame;
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
    Ok(opinion.of(scenario.clone(), recording, file, start.elapsed()))
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
    let mut follower = Follower::new();
    while let Some(frame) = reader.next()? {
        follower.push(&frame);
    }
    follower.follow();
    if let Some(truncated) = reader.truncated() {
        anstream::eprintln!("lab-capture: {}: {truncated}", path.display());
    }
    Ok(follower.finish())
}

/// Bytes of frames that are gathered before they go where they stay.
const PORTION: usize = 1 << 20;

/// Keeps the frames of a file, in memory or, if they are many, in a file that can be read at any
/// place, and follows them.
struct Follower {
    /// Read, and not yet followed: each with its own link type.
    new: FrameStore,
    links: Vec<LinkType>,
    frames: FrameStore,
    spill: Spill,
    link: Option<LinkType>,
    reassembler: Reassembler,
    conversations: Conversations,
    exchanges: Exchanges,
}

impl Follower {
    fn new() -> Self {
        Follower {
            new: FrameStore::default(),
            links: vec![],
            frames: FrameStore::default(),
            spill: Spill::new(IN_MEMORY, &std::env::temp_dir()),
            link: None,
            reassembler: Reassembler::default(),
            conversations: Conversations::default(),
            exchanges: Exchanges::default(),
        }
    }

    fn push(&mut self, frame: &Frame<'_>) {
        self.link.get_or_insert(frame.link);
        self.links.push(frame.link);
        self.new.push(frame.time, frame.wire_len, frame.data);
        if self.new.held() > PORTION {
            self.follow();
        }
    }

    fn follow(&mut self) {
        let from = self.frames.len();
        let new = std::mem::take(&mut self.new);
        self.frames.append(new, &mut self.spill);
        for (index, link) in (from..).zip(self.links.drain(..)) {
            let Some(frame) = self.frames.get(index, link) else {
                break;
            };
            let chunk = self.frames.chunk_of(index);
            let (number, time) = (frame.number, frame.time);
            let packet = self.reassembler.parse(&frame);
            if matches!(packet, Packet::Tcp(_)) {
                self.conversations.feed(number, time, &packet, chunk);
            }
            self.exchanges.feed(number, time, &packet, chunk);
        }
    }

    fn finish(self) -> Followed {
        Followed {
            recording: Recording {
                link: self.link.unwrap_or(LinkType::ETHERNET),
                snaplen: crate::capture::live::SNAPLEN,
                frames: self.frames,
                events: vec![],
                stats: Stats::default(),
                complete: match self.spill.error() {
                    None => Completeness::Unknown,
                    Some(error) => Completeness::Incomplete(vec![error.to_string()]),
                },
                output: vec![],
            },
            conversations: self.conversations.finish(),
            exchanges: self.exchanges.finish(),
        }
    }
}
