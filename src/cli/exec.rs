//! `lab-capture exec [--expect S] [-w FILE] -- CMD…`: any command in an own namespace, captured and
//! judged, its exit status passed on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;

use super::check::{Followed, judge_followed, load, report};
use super::exit::{LAB, USAGE};
use super::options::Format;
use super::options::policy;
use super::{export, interrupt};
use crate::capture::spill::IN_MEMORY;
use crate::check::Judge;
use crate::check::naming::Roles;
use crate::lab::{self, Isolation, On, RunOptions};
use crate::scenario::{CaptureSpec, Client, ClientKind, Expect, Link, Program, Scenario, Source};
use crate::timeline::Event;

/// `lab-capture exec`
#[derive(Debug, Clone, Args)]
pub struct ExecArgs {
    /// Judge what was captured by this scenario's snapshot and expectations
    #[arg(long, value_name = "SCENARIO")]
    pub expect: Option<PathBuf>,
    /// Write the capture into this file (.pcap or .pcapng)
    #[arg(long, short, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Longest time that the command may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub limit: u64,
    /// With --expect: write what was captured as the new snapshot
    #[arg(long, requires = "expect")]
    pub accept: bool,
    /// Print nothing but what the command prints, and on standard error why a capture proves nothing
    #[arg(long, short)]
    pub quiet: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// Runs the command; its exit status, or what is wrong with what it put on the wire.
pub fn exec(args: &ExecArgs) -> anyhow::Result<u8> {
    let start = Instant::now();
    let expected = match args.expect.as_deref().map(load) {
        Some(None) => return Ok(USAGE),
        Some(Some(scenario)) => Some(Arc::new(scenario)),
        None => None,
    };
    let isolation = match Isolation::prepare(On::Namespace) {
        Ok(isolation) => isolation,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error}");
            return Ok(LAB);
        }
    };
    let interrupt = interrupt::install().context("cannot handle signals")?;
    let options = RunOptions {
        isolation,
        output: PathBuf::from("."),
        memory: IN_MEMORY,
        interrupt,
    };
    let own = Arc::new(around(args));
    let ran = match lab::run(&own, &options) {
        Ok(ran) => ran,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error}");
            return Ok(LAB);
        }
    };
    let status = status(&ran.recording.events);
    let file = match &args.write {
        Some(path) => Some(write(&ran.recording, path)?),
        None => None,
    };
    let mut recording = ran.recording;
    if expected.is_some() {
        // The command's own end is passed on, not judged.
        recording.events.clear();
    }
    let followed = Followed {
        recording,
        conversations: ran.conversations,
        exchanges: ran.exchanges,
    };
    let judge = Judge {
        policy: policy(args.accept),
        isolated: true,
        roles: match expected {
            Some(_) => Roles::Addresses { server: None },
            None => Roles::Actors,
        },
    };
    let scenario = expected.clone().unwrap_or(own);
    let judged = judge_followed(&judge, &scenario, followed, file, start)?;
    ran.closing.join();
    let code = if args.quiet {
        if let Some(reason) = crate::report::text::reason(&judged) {
            anstream::eprintln!("lab-capture: {reason}");
        }
        judged.verdict.exit_code()
    } else {
        report(&judged, false)?
    };
    Ok(match (status, expected) {
        // What the command itself says comes first; it is what the caller asked to run.
        (Some(status), _) if status != 0 => status,
        (_, Some(_)) => code,
        (_, None) if code == LAB || code == 4 => code,
        _ => 0,
    })
}

/// A scenario around the command: nothing but one external client.
fn around(args: &ExecArgs) -> Scenario {
    let program = Program {
        argv: args.command.clone(),
        inherit: true,
        keep_stdin: true,
        ..Program::default()
    };
    Scenario {
        name: "exec".to_owned(),
        source: Arc::new(Source {
            path: PathBuf::from("exec"),
            text: args.command.join(" "),
        }),
        title: args.command.join(" "),
        explain: None,
        servers: vec![],
        clients: vec![Client {
            name: "command".into(),
            target: ([127, 0, 0, 1], 0).into(),
            kind: ClientKind::Command(program),
            framing: None,
            span: 0..0,
        }],
        link: Link::default(),
        sysctl: vec![],
        limit: Duration::from_secs(args.limit),
        capture: CaptureSpec::default(),
        expect: Expect {
            snapshot: Some(false),
            ..Expect::default()
        },
    }
}

/// The command's exit status as a shell would report it; `None` if it never ended.
fn status(events: &[Event]) -> Option<u8> {
    let end = events
        .iter()
        .rev()
        .find(|event| matches!(event.call.as_str(), "exit" | "killed"))?;
    let number = end
        .result
        .rsplit(' ')
        .next()
        .and_then(|word| word.parse::<u8>().ok());
    let signal = || {
        let name = end.result.rsplit(' ').next()?;
        let signal: nix::sys::signal::Signal = name.parse().ok()?;
        Some(128 + signal as u8)
    };
    number.or_else(signal).or(Some(1))
}

fn write(recording: &crate::capture::Recording, path: &Path) -> anyhow::Result<PathBuf> {
    let format = match path.extension() {
        Some(extension) if extension == "pcapng" => Format::Pcapng,
        _ => Format::Pcap,
    };
    Ok(export::write_to(recording, path, "exec", format)?)
}
