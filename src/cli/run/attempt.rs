//! What a worker does with one scenario: run it, judge it, write its capture, try it again.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::args::RunArgs;
use super::plan::{Item, Plan};
use super::turns::{Turn, Turns};
use crate::capture::Recording;
use crate::capture::live::Closing;
use crate::capture::write::WriteError;
use crate::check::naming::Roles;
use crate::check::{Judge, Judged, Opinion, Policy, Verdict};
use crate::cli::export;
use crate::cli::options::{self, Format, On};
use crate::lab::{self, Isolation, RunOptions, suite};
use crate::platform::Cancel;
use crate::report::Detail;
use crate::scenario::Scenario;
use crate::tcp::Seg;
use crate::timeline::Event;

/// Frames from which on a capture is written beside the judge; a thread costs more than a short file.
const SIDE_BY_SIDE: usize = 4096;

/// Everything that workers share.
pub(super) struct Laboratory<'a> {
    pub plan: &'a Plan,
    pub options: RunOptions,
    pub judge: Judge,
    pub folder: PathBuf,
    pub format: Format,
    pub retries: u32,
    pub descriptors: suite::Descriptors,
    /// Do reports need the packets of runs that passed?
    pub packets: bool,
    /// Who writes the snapshot of each of the plan's items, where several runs of it could.
    turns: Vec<Turns>,
    closing: Mutex<VecDeque<Closing>>,
    /// Packet sockets that may be closing at once.
    closing_limit: usize,
}

/// The attempts at one run: one, or more with `--retries`; the last one counts.
pub(super) struct Attempts(pub Vec<Judged>);

impl<'a> Laboratory<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        args: &RunArgs,
        isolation: Isolation,
        interrupt: Cancel,
        jobs: usize,
    ) -> Self {
        Laboratory {
            plan,
            options: RunOptions {
                isolation,
                output: args.capture_dir.clone(),
                memory: (args.memory as usize).saturating_mul(1 << 20),
                interrupt,
            },
            judge: Judge {
                roles: Roles::Actors,
                policy: policy(args),
                isolated: args.on == On::Namespace,
            },
            folder: args.capture_dir.clone(),
            format: args.format,
            retries: args.retries,
            descriptors: plan.descriptors,
            packets: args.json.is_some() || args.detail(plan.runs()) == Detail::Full,
            turns: if args.accept && plan.repeat > 1 {
                plan.items.iter().map(|_| Turns::default()).collect()
            } else {
                vec![]
            },
            closing: Mutex::default(),
            closing_limit: jobs.saturating_mul(4),
        }
    }

    /// One run, judged. With a turn it writes the snapshot only if no run before it has.
    fn attempt(&self, item: &Item, name: Option<&str>, turn: Option<&Turn<'_>>) -> Judged {
        let start = Instant::now();
        let scenario = &item.scenario;
        let failed = |why: String| failed(scenario, why, start.elapsed());
        let (needed, limit) = (suite::descriptors(scenario), self.descriptors.one);
        if needed > limit {
            return failed(format!(
                "it needs about {needed} descriptors, and this process may have {limit}; raise the \
                 limit with `ulimit -n {}`, or run as root, who may raise it here",
                needed.next_multiple_of(1000)
            ));
        }
        let ran = match lab::run_here(scenario, &self.options) {
            Ok(ran) => ran,
            Err(error) => return failed(error.to_string()),
        };
        let mut judge = self.judge;
        if judge.policy == Policy::Accept && turn.is_some_and(Turn::settled) {
            judge.policy = Policy::Accepted;
        }
        let recording = &ran.recording;
        let export = || name.map(|name| export::write(recording, &self.folder, name, self.format));
        let judge = || judge.judge(scenario, recording, ran.conversations, &ran.exchanges);
        // A large file is written while the judge reads.
        let (file, opinion) = if recording.frames.len() < SIDE_BY_SIDE {
            (export(), judge())
        } else {
            std::thread::scope(|scope| {
                let writing = scope.spawn(export);
                let opinion = judge();
                let panicked = |panic| std::panic::resume_unwind(panic);
                (writing.join().unwrap_or_else(panicked), opinion)
            })
        };
        let held = |opinion: &Opinion| matches!(opinion.verdict, Verdict::Passed { .. });
        if let (Ok(opinion), Some(turn)) = (&opinion, turn)
            && held(opinion)
        {
            turn.settle();
        }
        self.close(ran.closing);
        match (opinion, file.transpose()) {
            (Ok(opinion), Ok(file)) => {
                opinion.of(scenario.clone(), ran.recording, file, start.elapsed())
            }
            (Ok(opinion), Err(error)) => {
                not_written(opinion, error, ran.recording, scenario, start)
            }
            (Err(error), _) => failed(error.to_string()),
        }
    }

    /// A panic while one scenario runs is a defect of ours; the others run on.
    fn guarded(&self, item: &Item, name: Option<&str>, turn: Option<&Turn<'_>>) -> Judged {
        let start = Instant::now();
        catch_unwind(AssertUnwindSafe(|| self.attempt(item, name, turn))).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            let words = words.unwrap_or("no message");
            let why = format!("lab-capture itself failed (a defect, please report it): {words}");
            failed(&item.scenario, why, start.elapsed())
        })
    }

    /// Packet sockets close behind the results: the kernel takes its time for each, but does not
    /// mind several at once. Finished ones are reaped, and there is a bound on the others.
    fn close(&self, closing: Closing) {
        let oldest = {
            let mut all = self.closing.lock().unwrap_or_else(|e| e.into_inner());
            all.push_back(closing);
            while all.front().is_some_and(Closing::is_finished) {
                if let Some(finished) = all.pop_front() {
                    finished.join();
                }
            }
            (all.len() > self.closing_limit)
                .then(|| all.pop_front())
                .flatten()
        };
        if let Some(oldest) = oldest {
            oldest.join();
        }
    }

    /// Waits until all packet sockets are closed.
    pub(super) fn closed(self) {
        for closing in self.closing.into_inner().unwrap_or_else(|e| e.into_inner()) {
            closing.join();
        }
    }
}

/// The capture could not be written. What was found all the same stays found; a pass is none, since the
/// file belongs to it.
fn not_written(
    mut opinion: Opinion,
    error: WriteError,
    recording: Recording,
    scenario: &Arc<Scenario>,
    start: Instant,
) -> Judged {
    match &mut opinion.verdict {
        Verdict::Inconclusive(reasons) => reasons.push(error.to_string()),
        Verdict::Failed(findings) => {
            if let Some(last) = findings.last_mut() {
                last.notes.push(error.to_string());
            }
        }
        Verdict::Passed { .. } | Verdict::Error(_) => {
            return failed(scenario, error.to_string(), start.elapsed());
        }
    }
    opinion.of(scenario.clone(), recording, None, start.elapsed())
}

impl suite::Work for Laboratory<'_> {
    type Result = Attempts;

    fn count(&self) -> usize {
        self.plan.runs()
    }

    fn cost(&self, index: usize) -> u64 {
        suite::descriptors(&self.plan.run(index).0.scenario)
    }

    fn run(&self, index: usize) -> Attempts {
        let (item, number) = self.plan.run(index);
        let turns = self.turns.get(index / self.plan.repeat as usize);
        let turn = turns.map(|turns| turns.enter(number));
        let mut attempts = vec![];
        loop {
            // Of repetitions only those that show something new are written, when their turn comes.
            let name = match (self.plan.repeat, attempts.len()) {
                (1, 0) => Some(item.stem.clone()),
                (1, n) => Some(format!("{}.{}", item.stem, n + 1)),
                _ => None,
            };
            let judged = self.guarded(item, name.as_deref(), turn.as_ref());
            let again = !matches!(judged.verdict, Verdict::Passed { .. })
                && attempts.len() < self.retries as usize
                && !self.stopped();
            attempts.push(judged);
            if !again {
                break;
            }
        }
        let mut attempts = Attempts(attempts);
        if self.plan.repeat == 1 && !self.packets {
            attempts.slim();
        }
        attempts
    }

    fn weight(&self, result: &Attempts) -> u64 {
        result.0.iter().map(weight).sum()
    }

    fn stopped(&self) -> bool {
        self.options.interrupt.is_cancelled()
    }
}

impl Attempts {
    /// Frees what no report needs of a run that passed.
    fn slim(&mut self) {
        for judged in &mut self.0 {
            if !matches!(judged.verdict, Verdict::Passed { .. }) {
                continue;
            }
            if let Some(recording) = &mut judged.recording {
                recording.frames.forget();
                recording.events = vec![];
                recording.output = vec![];
            }
            for named in &mut judged.connections {
                named.conversation.segments = vec![];
            }
        }
    }
}

/// About how many bytes it holds.
fn weight(judged: &Judged) -> u64 {
    let segments = judged
        .connections
        .iter()
        .flat_map(|named| &named.conversation.segments);
    // Their payloads are parts of the frames.
    let segments = segments.count() * size_of::<Seg>();
    let recorded = judged.recording.as_ref().map_or(0, |recording| {
        // An event has three short texts beside itself.
        recording.frames.held() + recording.events.len() * (size_of::<Event>() + 64)
    });
    (segments + recorded + size_of::<Judged>() + 1024 * judged.connections.len()) as u64
}

pub(super) fn failed(scenario: &Arc<Scenario>, why: String, elapsed: Duration) -> Judged {
    Judged {
        scenario: scenario.clone(),
        recording: None,
        connections: vec![],
        datagrams: vec![],
        verdict: Verdict::Error(why),
        foreseen: vec![],
        file: None,
        elapsed,
        accepted: false,
    }
}

fn policy(args: &RunArgs) -> Policy {
    match options::policy(args.accept) {
        // Repetitions side by side would overwrite each other's pending snapshot; see `repeats`.
        Policy::Compare if args.repeat > 1 => Policy::ReadOnly,
        policy => policy,
    }
}
