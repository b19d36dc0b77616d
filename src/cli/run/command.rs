//! `lab-capture [run] PATH…`

use std::time::Instant;

use anyhow::Context as _;

use super::args::RunArgs;
use super::attempt::{Attempts, Laboratory};
use super::durations::Recorded;
use super::plan::Plan;
use super::progress::{Progress, TICK};
use super::repeats::Repeats;
use super::reporters::{End, Reporters};
use crate::check::{Policy, Verdict};
use crate::cli::options::{self, On};
use crate::cli::{exit, interrupt, terminal};
use crate::lab::suite::{self, Event, Limits, Stop};
use crate::lab::{self, Isolation};
use crate::report::Options;

/// Bytes of results that may wait for those before them.
const HELD: u64 = 64 << 20;

/// Runs the scenarios of the paths and reports; the exit code.
pub fn run(args: &RunArgs) -> anyhow::Result<u8> {
    let plan = match Plan::load(args) {
        Ok(plan) => plan,
        Err(code) => return Ok(code),
    };
    // Before any thread: a user namespace can be entered only by a process that has one.
    let isolation = match Isolation::prepare(args.on.into()) {
        Ok(isolation) => isolation,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error}");
            return Ok(exit::LAB);
        }
    };
    let interrupt = interrupt::install().context("cannot handle signals")?;
    let start = Instant::now();
    let jobs = jobs(args);
    let options = Options {
        explain: args.explain,
        ..terminal::options(args.detail(plan.runs()))
    };
    let mut reporters = Reporters::open(args, options)?;
    let mut progress = Progress::new(plan.runs(), args.quiet);
    let laboratory = Laboratory::new(&plan, args, isolation, interrupt.clone(), jobs);
    let limits = Limits {
        jobs,
        cost: laboratory.descriptors.together,
        held: HELD,
        tick: progress.active().then_some(TICK),
    };
    let mut results = Results::new(&laboratory, args.fail_fast);
    let started = suite::run(&laboratory, limits, |event| {
        let stop = results.hear(event, &mut reporters, &mut progress);
        progress.draw();
        stop
    });
    progress.clear();
    results.conclude(&mut reporters)?;
    let mut worst = results.worst;
    let interrupted = interrupt.is_cancelled();
    // One scenario has nothing to be dealt among, and what was cut short has no duration.
    let worth = args.durations.is_some() || (plan.runs() > 1 && !interrupted);
    let durations = match worth {
        true => results.durations.write(),
        false => Ok(()),
    };
    let not_run = plan.runs() - started;
    if interrupted && not_run > 0 {
        // What was not run proves nothing.
        worst = worse(worst, Verdict::Inconclusive(vec![]).exit_code());
    }
    reporters.finish(&End {
        runs: plan.runs(),
        not_run,
        why: if interrupted {
            "interrupted"
        } else {
            "--fail-fast"
        },
        elapsed: start.elapsed(),
    })?;
    laboratory.closed();
    if let Err(error) = durations {
        anstream::eprintln!("lab-capture: the durations were not recorded: {error}");
    }
    Ok(worst)
}

/// Hands results to the reporters.
struct Results<'a> {
    laboratory: &'a Laboratory<'a>,
    fail_fast: bool,
    repeats: Option<Repeats>,
    durations: Recorded,
    worst: u8,
    /// An output that failed: nothing more is run.
    broken: Option<anyhow::Error>,
}

impl<'a> Results<'a> {
    fn new(laboratory: &'a Laboratory<'a>, fail_fast: bool) -> Self {
        Results {
            laboratory,
            fail_fast,
            repeats: None,
            durations: laboratory.plan.durations.clone(),
            worst: 0,
            broken: None,
        }
    }

    fn hear(
        &mut self,
        event: Event<Attempts>,
        reporters: &mut Reporters,
        progress: &mut Progress,
    ) -> Stop {
        match event {
            Event::Started(_) => progress.running += 1,
            Event::Ended(_) => progress.running -= 1,
            Event::Tick => {}
            Event::Result(index, attempts) => {
                let code = attempts
                    .0
                    .last()
                    .map_or(0, |judged| judged.verdict.exit_code());
                self.worst = worse(self.worst, code);
                if code == 0 {
                    progress.passed += 1;
                } else {
                    progress.failed += 1;
                }
                if self.broken.is_none() {
                    progress.clear();
                    self.broken = self.report(index, attempts, reporters).err();
                }
                if self.broken.is_some() || (code != 0 && self.fail_fast) {
                    return Stop::Yes;
                }
            }
        }
        Stop::No
    }

    fn report(
        &mut self,
        index: usize,
        attempts: Attempts,
        reporters: &mut Reporters,
    ) -> anyhow::Result<()> {
        let plan = self.laboratory.plan;
        if let Some(judged) = attempts.0.last()
            && judged.recording.is_some()
        {
            let path = &judged.scenario.source.path;
            self.durations.record(path, judged.elapsed);
        }
        if plan.repeat == 1 {
            return reporters.attempts(&attempts.0);
        }
        let (item, number) = plan.run(index);
        let repeats = self.repeats.get_or_insert_with(Repeats::new);
        for judged in attempts.0 {
            let (folder, format) = (&self.laboratory.folder, self.laboratory.format);
            let counted = repeats.add(judged, number, item, folder, format);
            self.worst = worse(self.worst, counted.verdict.exit_code());
            reporters.repetition(counted, number)?;
        }
        if number == plan.repeat {
            self.end_of_repeats(reporters)?;
        }
        Ok(())
    }

    fn end_of_repeats(&mut self, reporters: &mut Reporters) -> anyhow::Result<()> {
        let Some(repeats) = self.repeats.take() else {
            return Ok(());
        };
        if self.laboratory.judge.policy != Policy::ReadOnly || !options::ci() {
            repeats.leave_pending()?;
        }
        reporters.repeats(&repeats)
    }

    /// The repetitions that were stopped in the middle.
    fn conclude(&mut self, reporters: &mut Reporters) -> anyhow::Result<()> {
        match self.broken.take() {
            Some(error) => Err(error),
            None => self.end_of_repeats(reporters),
        }
    }
}

/// A failure is worth more than a run that could not be, and both more than one that proves nothing.
fn worse(a: u8, b: u8) -> u8 {
    [1, 3, 4, 0]
        .into_iter()
        .find(|code| [a, b].contains(code))
        .unwrap_or(0)
}

/// Runs side by side. On the machine's own `lo` one after the other: scenarios share its ports.
fn jobs(args: &RunArgs) -> usize {
    match (args.jobs, args.on) {
        (_, On::Host) => 1,
        (Some(jobs), _) => jobs.max(1),
        (None, _) => suite::default_jobs(),
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
