//! One run: a namespace, a capture, servers, clients; then a recording whose capture was closed
//! before anything was torn down.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::actors::Actors;
use super::error::LabError;
use super::isolation::{Isolation, On};
use super::settle;
use super::watch::Wire;
use crate::capture::live::{Closing, LiveCapture, LiveConfig, RingBudget};
use crate::capture::{Completeness, FrameStore, Recording};
use crate::platform::multiplex::{Interest, PollList};
use crate::platform::{Cancel, Notify};
use crate::scenario::Scenario;
use crate::tcp::Conversation;
use crate::timeline::Timeline;
use crate::wire::{LinkType, Packet, Reassembler};

/// Longest time that a barrier may take; under any load it takes milliseconds.
const BARRIER_LIMIT: Duration = Duration::from_secs(5);

/// What a run needs besides its scenario.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How runs are isolated.
    pub isolation: Isolation,
    /// Where received files go.
    pub output: PathBuf,
    /// Ends the run early: Ctrl-C.
    pub interrupt: Cancel,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    /// Frames, events, statistics, the proof.
    pub recording: Recording,
    /// The frames' TCP conversations.
    pub conversations: Vec<Conversation>,
    /// Ctrl-C came before the end.
    pub interrupted: bool,
    /// From the start to the end of the recording.
    pub elapsed: Duration,
    /// The packet socket, being closed behind the results.
    pub closing: Closing,
}

/// Runs a scenario in a thread of its own, since a network namespace belongs to a thread.
///
/// # Errors
/// The lab could not run it; nothing has been judged.
pub fn run(scenario: &Arc<Scenario>, options: &RunOptions) -> Result<Ran, LabError> {
    std::thread::scope(|scope| {
        let name = format!("run {}", scenario.name);
        let run = std::thread::Builder::new()
            .name(name.chars().take(15).collect())
            .spawn_scoped(scope, || here(scenario, options))
            .map_err(|source| LabError::system("start a thread for", &scenario.name, source))?;
        run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn here(scenario: &Arc<Scenario>, options: &RunOptions) -> Result<Ran, LabError> {
    let start = Instant::now();
    let deadline = start + scenario.limit;
    let _namespace = options.isolation.enter(&scenario.link, &scenario.sysctl)?;
    let timeline = Timeline::new();
    let wire = Wire::new(timeline.clone());
    let system = |what| move |source| LabError::system(what, "the run", source);
    let frames_came = Arc::new(Notify::new().map_err(system("make an eventfd for"))?);
    let events_came = timeline.subscribe().map_err(system("make an eventfd for"))?;
    let config = LiveConfig::choose(&scenario.capture, expected_bytes(scenario));
    let permit = RingBudget::global().acquire(u64::from(config.ring_bytes));
    let bell = frames_came.clone();
    let mut capture = LiveCapture::open(&config, Some(permit), move || bell.signal())?;
    let mut doubts = vec![];
    if let Err(error) = capture.barrier(BARRIER_LIMIT) {
        doubts.push(format!("the capture was not proven open before the actors started: {error}"));
    }

    let mut observer = Observer::new(&capture, wire.clone());
    let mut actors = Actors::start(scenario, options, &timeline, &wire)?;
    let isolated = options.isolation.on() == On::Namespace;
    let mut interrupted = false;
    loop {
        frames_came.clear();
        events_came.clear();
        observer.look();
        let awaited = actors.awaited().or_else(|| {
            let events = timeline.snapshot();
            wire.with(|conversations| settle::awaited(scenario, conversations, &events, isolated))
        });
        let Some(_awaited) = awaited else { break };
        interrupted = options.interrupt.is_cancelled();
        if interrupted || observer.capture.error().is_some() || Instant::now() >= deadline {
            break;
        }
        let mut poll = PollList::default();
        use std::os::fd::AsRawFd;
        for fd in [frames_came.as_raw_fd(), events_came.as_raw_fd(), options.interrupt.as_raw_fd()] {
            poll.push(fd, Interest::READ);
        }
        actors.watch(&mut poll);
        poll.wait(Some(deadline)).map_err(system("wait in"))?;
    }
    if !interrupted && let Some(late) = actors.awaited() {
        actors.report_late(&late, scenario.limit);
    }

    // The recording ends before teardown: stopping the actors sends FIN and RST of its own.
    let closed = if isolated { capture.settle(BARRIER_LIMIT) } else { capture.barrier(BARRIER_LIMIT) };
    if let Err(error) = closed {
        doubts.push(format!("the capture was not proven complete at the end: {error}"));
    }
    let events = timeline.snapshot();
    let mut observer = observer.detach();
    let finished = capture.finish();
    observer.last(&finished.frames);
    doubts.extend(finished.error.map(|error| format!("the capture ended early: {error}")));
    if interrupted {
        doubts.push("the run was interrupted".to_owned());
    }
    let elapsed = start.elapsed();
    let output = actors.stop();
    let complete = if doubts.is_empty() {
        Completeness::Complete
    } else {
        Completeness::Incomplete(doubts)
    };
    Ok(Ran {
        recording: Recording {
            link: finished.link,
            snaplen: finished.snaplen,
            frames: observer.frames,
            events,
            stats: finished.stats,
            complete,
            output,
        },
        conversations: wire.take(),
        interrupted,
        elapsed,
        closing: finished.closing,
    })
}
