//! From the command line to the scenario: observe, write, run, leave out what does not hold.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;

use super::expectation::{Much, Runs, expectation};
use super::gates::gate;
use super::script::{Talk, talk};
use super::text::{Files, actors, quoted};
use super::udp;
use crate::capture::spill::IN_MEMORY;
use crate::check::{Judge, Policy, Verdict};
use crate::cli::check::read;
use crate::cli::exit::{LAB, USAGE};
use crate::cli::interrupt;
use crate::flow::{Exchange, Flow};
use crate::lab::{self, Isolation, On, Ran, RunOptions};
use crate::scenario::{self, Scenario};
use crate::tcp::Conversation;
use crate::timeline::Event;

/// `lab-capture record`
#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// A capture file, pcap or pcapng: what both sides sent becomes two scripts
    #[arg(
        value_name = "FILE",
        required_unless_present = "command",
        conflicts_with = "command"
    )]
    pub file: Option<PathBuf>,
    /// Write the scenario into this file, longer payloads into files beside it; standard output
    /// unless said otherwise
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Run it so often and expect only what holds every time; 0 writes what the capture file shows
    /// without running it [default: 5 for a command, 1 for a file]
    #[arg(long, value_name = "N")]
    pub repeat: Option<u32>,
    /// Of a command, too, make scripts, so that the scenario does not need it any more
    #[arg(long, requires = "command")]
    pub steps: bool,
    /// One line for people
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Longest time that a run may take, in seconds; 60 for a command
    #[arg(long, value_name = "SECONDS")]
    pub limit: Option<u64>,
    /// A command that talks over loopback, with its arguments
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// Makes the scenario; the exit code.
pub fn record(args: &RecordArgs) -> anyhow::Result<u8> {
    let repeat = args
        .repeat
        .unwrap_or(if args.file.is_some() { 1 } else { 5 });
    if repeat == 0 && args.file.is_none() {
        anstream::eprintln!("lab-capture: a command is run at least once: --repeat 1");
        return Ok(USAGE);
    }
    let observed = match &args.file {
        Some(file) => match read(file) {
            Ok(followed) => Some((followed.conversations, followed.exchanges)),
            Err(error) => {
                anstream::eprintln!("lab-capture: {error}");
                return Ok(USAGE);
            }
        },
        None => None,
    };
    // Before any thread is started.
    let options = if repeat > 0 {
        match Isolation::prepare(On::Namespace) {
            Ok(isolation) => Some(RunOptions {
                isolation,
                output: std::env::temp_dir(),
                memory: IN_MEMORY,
                interrupt: interrupt::install().context("cannot handle signals")?,
            }),
            Err(error) => {
                anstream::eprintln!("lab-capture: {error}");
                if args.file.is_some() {
                    anstream::eprintln!("--repeat 0 writes what the file shows without running it");
                }
                return Ok(LAB);
            }
        }
    } else {
        None
    };
    let recorder = Recorder {
        args,
        path: (args.output.clone()).unwrap_or_else(|| PathBuf::from("recorded.toml")),
        options,
        repeat,
    };
    let made = match observed {
        Some((conversations, exchanges)) => recorder.replay(&conversations, &exchanges),
        None if args.steps => recorder.of_command(1).and_then(|(_, runs)| {
            let Some(ran) = runs.into_iter().next() else {
                bail!("the command was not run");
            };
            recorder.replay(&ran.conversations, &ran.exchanges)
        }),
        None => recorder.command(),
    };
    let text = match made {
        Ok(text) => text,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error:#}");
            return Ok(if error.is::<lab::LabError>() { LAB } else { 1 });
        }
    };
    match &args.output {
        Some(path) => {
            std::fs::write(path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
            crate::platform::owner::give_to_invoker(path);
        }
        None => std::io::stdout().write_all(text.as_bytes())?,
    }
    Ok(0)
}

struct Recorder<'a> {
    args: &'a RecordArgs,
    /// Where the scenario will stand.
    path: PathBuf,
    /// `None`: nothing is run.
    options: Option<RunOptions>,
    repeat: u32,
}

impl Recorder<'_> {
    /// Both sides as scripts.
    fn replay(
        &self,
        conversations: &[Conversation],
        exchanges: &[Exchange],
    ) -> anyhow::Result<String> {
        let mut talks: Vec<Talk> = vec![];
        let mut of: Vec<&Conversation> = vec![];
        let left_out = |(client, server): (SocketAddr, SocketAddr), why: &str| {
            anstream::eprintln!("left out: {client} to {server}: {why}");
        };
        for one in conversations {
            match talk(&format!("client-{}", talks.len() + 1), one) {
                Ok(talk) => {
                    talks.push(talk);
                    of.push(one);
                }
                Err(why) => left_out((one.client, one.server), why),
            }
        }
        gate(&mut talks, &of);
        let mut servers: Vec<SocketAddr> = of.iter().map(|one| one.server).collect();
        for one in exchanges {
            match udp::talk(&format!("client-{}", talks.len() + 1), one) {
                Ok(talk) => {
                    talks.push(talk);
                    servers.push(one.server);
                }
                Err(why) => left_out((one.client, one.server), why),
            }
        }
        if talks.is_empty() {
            bail!("there is nothing that could be repeated");
        }
        let shown: Vec<Flow> = talks.iter().map(|talk| talk.flow.clone()).collect();
        let addressed: Vec<_> = talks.into_iter().zip(servers).collect();
        let mut files = Files::beside(self.args.output.as_deref());
        let head = self.head() + &actors(&addressed, &mut files);
        files.write()?;
        if self.options.is_none() {
            let flows = [shown];
            let runs = Runs {
                flows: &flows,
                named: true,
            };
            let text = head + &expectation(&runs, Much::Flow);
            self.load(text.clone())?;
            return Ok(text);
        }
        let runs = self.runs(&head, self.repeat)?;
        self.settle(&head, runs, Some(shown), true)
    }

    /// The command as it is.
    fn command(&self) -> anyhow::Result<String> {
        let (head, runs) = self.of_command(self.repeat)?;
        self.settle(&head, runs, None, false)
    }

    fn of_command(&self, times: u32) -> anyhow::Result<(String, Vec<Ran>)> {
        let argv: Vec<String> = self.args.command.iter().map(|word| quoted(word)).collect();
        let mut head = self.head();
        head += &format!(
            "[[client]]\nname = \"command\"\ncommand = [{}]\n",
            argv.join(", ")
        );
        if let Some(dir) = self.folder()? {
            head += &format!("dir = {}\n", quoted(&dir.to_string_lossy()));
        }
        let runs = self.runs(&(head.clone() + "\n"), times)?;
        let status: Vec<_> = runs
            .iter()
            .map(|ran| status(&ran.recording.events))
            .collect();
        match status.first() {
            Some(Some(first)) if status.iter().all(|other| *other == Some(*first)) => {
                head += &format!("status = {first}\n");
                if *first != 0 {
                    anstream::eprintln!(
                        "the command ends with status {first}, so that is expected"
                    );
                }
            }
            _ => {
                anstream::eprintln!("the command does not end alike each time: no status expected")
            }
        }
        Ok((head + "\n", runs))
    }

    fn head(&self) -> String {
        let title = match (&self.args.title, &self.args.file) {
            (Some(title), _) => title.clone(),
            (None, Some(file)) => {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                format!("What {name} shows")
            }
            (None, None) => format!("What `{}` does", self.args.command.join(" ")),
        };
        let line: String = title
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let of_command = self.args.file.is_none().then_some(60);
        let limit = match self.args.limit.or(of_command) {
            Some(limit) => format!("limit = \"{}s\"\n", limit.max(1)),
            None => String::new(),
        };
        format!("title = {}\n{limit}\n", quoted(&line))
    }

    /// The folder that the command is to be run in, if it is not the scenario's.
    fn folder(&self) -> anyhow::Result<Option<PathBuf>> {
        let here = std::env::current_dir()?.canonicalize()?;
        let folder = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let folder = folder
            .canonicalize()
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        if folder == here {
            return Ok(None);
        }
        Ok(Some(match folder.strip_prefix(&here) {
            Ok(below) => below.components().map(|_| "..").collect(),
            Err(_) => here,
        }))
    }

    fn load(&self, text: String) -> anyhow::Result<Arc<Scenario>> {
        match scenario::parse(&self.path, text) {
            Ok(scenario) => Ok(Arc::new(scenario)),
            Err(error) => bail!("{}", error.render(false)),
        }
    }

    fn runs(&self, head: &str, times: u32) -> anyhow::Result<Vec<Ran>> {
        let Some(options) = &self.options else {
            return Ok(vec![]);
        };
        let scenario = self.load(format!("{head}[expect]\nsnapshot = false\n"))?;
        let mut runs = vec![];
        for _ in 0..times {
            let ran = lab::run(&scenario, options)?;
            if ran.interrupted {
                bail!("interrupted");
            }
            if let Some(awaited) = &ran.left_waiting {
                bail!("the run's time was up, still waiting for {awaited} (--limit)");
            }
            runs.push(ran);
        }
        Ok(runs)
    }

    /// The scenario with what holds in every run; each of them is judged by it before it is written.
    fn settle(
        &self,
        head: &str,
        runs: Vec<Ran>,
        shown: Option<Vec<Flow>>,
        named: bool,
    ) -> anyhow::Result<String> {
        let without = self.load(format!("{head}[expect]\nsnapshot = false\n"))?;
        let mut flows = vec![];
        for ran in &runs {
            flows.push(judged(&without, ran)?.0);
        }
        if let Some(shown) = shown {
            let as_shown = [shown];
            let both: Vec<Vec<Flow>> = as_shown.iter().chain(&flows).cloned().collect();
            let text = |flows: &[Vec<Flow>]| expectation(&Runs { flows, named }, Much::Flow);
            let (of_file, of_runs, of_both) = (text(&as_shown), text(&flows), text(&both));
            if of_both.contains("flow = ") {
                flows = both;
            } else {
                anstream::eprintln!(
                    "repeated, it is not quite what the capture shows:\n{}",
                    similar::TextDiff::from_lines(&of_file, &of_runs)
                        .unified_diff()
                        .header("capture", "repeated")
                );
            }
        }
        let mut findings = vec![];
        for much in [Much::Flow, Much::Facts] {
            let runs_agree = Runs {
                flows: &flows,
                named,
            };
            let text = head.to_owned() + &expectation(&runs_agree, much);
            let scenario = self.load(text.clone())?;
            findings.clear();
            for ran in &runs {
                findings.extend(judged(&scenario, ran)?.1);
            }
            if findings.is_empty() {
                return Ok(text);
            }
        }
        bail!(
            "the scenario made of it does not hold:\n  {}",
            findings.join("\n  ")
        )
    }
}

/// The flows of a run, and what of the scenario did not hold.
fn judged(scenario: &Arc<Scenario>, ran: &Ran) -> anyhow::Result<(Vec<Flow>, Vec<String>)> {
    let judge = Judge {
        policy: Policy::ReadOnly,
        isolated: true,
        ..Judge::default()
    };
    let conversations = ran.conversations.clone();
    let opinion = judge.judge(scenario, &ran.recording, conversations, &ran.exchanges)?;
    let findings = match opinion.verdict {
        Verdict::Passed { .. } => vec![],
        Verdict::Failed(findings) => findings.into_iter().map(|f| f.message).collect(),
        Verdict::Inconclusive(reasons) => bail!("inconclusive: {}", reasons.join("; ")),
        Verdict::Error(why) => bail!("{why}"),
    };
    let flows = opinion.connections.into_iter().map(|named| named.flow);
    Ok((flows.chain(opinion.datagrams).collect(), findings))
}

/// The command's exit status, if it exited.
fn status(events: &[Event]) -> Option<i32> {
    let end = events.iter().rev().find(|event| event.call == "exit")?;
    end.result.strip_prefix("status ")?.parse().ok()
}
