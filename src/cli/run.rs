//! `lab-capture [run] PATH…`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::args::{On, RunArgs};
use super::{export, interrupt, main};
use crate::check::{Judge, Judged, Policy, Verdict};
use crate::lab::{self, Isolation, RunOptions};
use crate::platform::Cancel;
use crate::report::{Detail, Options, Tally, text};
use crate::scenario::{self, Scenario};

/// Runs the scenarios of the paths and reports; the exit code.
pub fn run(args: &RunArgs) -> anyhow::Result<u8> {
    let scenarios = match load(args) {
        Ok(scenarios) => scenarios,
        Err(code) => return Ok(code),
    };
    if scenarios.is_empty() {
        anstream::eprintln!("lab-capture: no scenario matches");
        return Ok(main::USAGE);
    }
    // Before any thread: a user namespace can be entered only by a process that has one.
    let isolation = match Isolation::prepare(args.on.into()) {
        Ok(isolation) => isolation,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error}");
            return Ok(main::LAB);
        }
    };
    let interrupt = interrupt::install().context("cannot handle signals")?;
    let start = Instant::now();
    let mut tally = Tally::default();
    let mut out = anstream::stdout().lock();
    let options = Options {
        detail: detail(args, scenarios.len()),
        ..Options::default()
    };
    let mut worst = 0;
    for scenario in &scenarios {
        let judged = one(scenario, args, isolation, &interrupt);
        tally.add(&judged);
        worst = worse(worst, judged.verdict.exit_code());
        text::write(&mut out, &judged, &options)?;
        if interrupt.is_cancelled() {
            break;
        }
    }
    if scenarios.len() > 1 {
        text::summary(&mut out, &tally, start.elapsed())?;
    }
    out.flush()?;
    Ok(worst)
}

/// A failure is worth more than a run that could not be, and both more than one that proves nothing.
fn worse(a: u8, b: u8) -> u8 {
    [1, 3, 4, 0]
        .into_iter()
        .find(|code| [a, b].contains(code))
        .unwrap_or(0)
}

fn detail(args: &RunArgs, scenarios: usize) -> Detail {
    match (args.quiet, args.verbose || scenarios == 1) {
        (true, _) => Detail::Quiet,
        (false, true) => Detail::Full,
        (false, false) => Detail::Failures,
    }
}

fn one(
    scenario: &Arc<Scenario>,
    args: &RunArgs,
    isolation: Isolation,
    interrupt: &Cancel,
) -> Judged {
    let start = Instant::now();
    let options = RunOptions {
        isolation,
        output: args.capture_dir.clone(),
        interrupt: interrupt.clone(),
        start_limit: scenario.limit,
    };
    let ran = match lab::run(scenario, &options) {
        Ok(ran) => ran,
        Err(error) => return failed(scenario, error.to_string(), start.elapsed()),
    };
    let judge = Judge {
        policy: policy(args),
        isolated: args.on == On::Namespace,
    };
    let file = export::write(
        &ran.recording,
        &args.capture_dir,
        &scenario.name,
        args.format,
    );
    let opinion = judge.judge(scenario, &ran.recording, ran.conversations, &ran.exchanges);
    ran.closing.join();
    let (opinion, file) = match (opinion, file) {
        (Ok(opinion), Ok(file)) => (opinion, file),
        (Err(error), _) => return failed(scenario, error.to_string(), start.elapsed()),
        (_, Err(error)) => return failed(scenario, error.to_string(), start.elapsed()),
    };
    Judged {
        scenario: scenario.clone(),
        recording: Some(ran.recording),
        connections: opinion.connections,
        datagrams: opinion.datagrams,
        verdict: opinion.verdict,
        file: Some(file),
        elapsed: start.elapsed(),
        accepted: opinion.accepted,
    }
}

fn failed(scenario: &Arc<Scenario>, why: String, elapsed: Duration) -> Judged {
    Judged {
        scenario: scenario.clone(),
        recording: None,
        connections: vec![],
        datagrams: vec![],
        verdict: Verdict::Error(why),
        file: None,
        elapsed,
        accepted: false,
    }
}

fn policy(args: &RunArgs) -> Policy {
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1");
    match (args.accept, ci) {
        (true, _) => Policy::Accept,
        (false, true) => Policy::ReadOnly,
        (false, false) => Policy::Compare,
    }
}

impl From<On> for lab::On {
    fn from(on: On) -> Self {
        match on {
            On::Namespace => lab::On::Namespace,
            On::Host => lab::On::Host,
        }
    }
}

/// Loads everything that is named; every error of every file is shown before giving up.
fn load(args: &RunArgs) -> Result<Vec<Arc<Scenario>>, u8> {
    let mut scenarios = vec![];
    let mut wrong = false;
    let mut complain = |text: String| {
        anstream::eprintln!("{text}");
        wrong = true;
    };
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    for path in &args.paths {
        match files(path) {
            Ok(files) if files.is_empty() => {
                complain(format!(
                    "lab-capture: no scenario (*.toml) in {}",
                    path.display()
                ));
            }
            Ok(files) => {
                for file in files {
                    match scenario::load(&file) {
                        Ok(mut scenario) => {
                            if args.ipv6 {
                                scenario.to_ipv6();
                            }
                            scenarios.push(Arc::new(scenario));
                        }
                        Err(error) => complain(error.render(colour)),
                    }
                }
            }
            Err(error) => complain(format!(
                "lab-capture: cannot read {}: {error}",
                path.display()
            )),
        }
    }
    if wrong {
        return Err(main::USAGE);
    }
    if let Some(text) = &args.filter {
        scenarios.retain(|scenario| scenario.name.contains(text.as_str()));
    }
    Ok(scenarios)
}

/// The file itself, or every `*.toml` below the folder, by path.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = vec![];
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
