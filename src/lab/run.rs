//! One run: a namespace, a capture, servers, clients; then a recording whose capture was closed
//! before anything was torn down.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::actors::Actors;
use super::error::LabError;
use super::expected;
use super::isolation::On;
use super::observer::{Observed, Observer};
use super::options::RunOptions;
use super::settle::Settler;
use super::watch::Wire;
use crate::capture::live::{Barrier, BarrierError, Closing, LiveCapture, LiveConfig, RingBudget};
use crate::capture::{Completeness, FrameStore, Recording, Spill};
use crate::flow::Exchange;
use crate::platform::Notify;
use crate::platform::multiplex::{Interest, PollList};
use crate::scenario::Scenario;
use crate::tcp::Conversation;
use crate::timeline::Timeline;
use crate::wire::LinkType;

/// Longest time that a barrier may take; under any load it takes milliseconds.
const BARRIER_LIMIT: Duration = Duration::from_secs(20);

/// How often a run asks the kernel to hand over frames early; each time costs a block of the ring.
const HURRIES: u32 = 8;

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    /// Frames, events, statistics, the proof.
    pub recording: Recording,
    /// The frames' TCP conversations.
    pub conversations: Vec<Conversation>,
    /// The frames' UDP exchanges.
    pub exchanges: Vec<Exchange>,
    /// What was still awaited when the run's time was up: a connection that did not end, say.
    pub left_waiting: Option<String>,
    /// Ctrl-C came before the end.
    pub interrupted: bool,
    /// From the start of the actors to the end of the recording.
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
            .spawn_scoped(scope, || run_here(scenario, options))
            .map_err(|source| LabError::system("start a thread for", &scenario.name, source))?;
        run.join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Runs a scenario in the calling thread, which stays in the run's network namespace until it
/// enters that of its next run.
///
/// # Errors
/// As [`run`].
pub fn run_here(scenario: &Arc<Scenario>, options: &RunOptions) -> Result<Ran, LabError> {
    let _namespace = options.isolation.enter(&scenario.link, &scenario.sysctl)?;
    let timeline = Timeline::new();
    let wire = Wire::new(timeline.clone());
    let system = |what| move |source| LabError::system(what, "the run", source);
    let frames_came = Arc::new(Notify::new().map_err(system("make an eventfd for"))?);
    let events_came = timeline
        .subscribe()
        .map_err(system("make an eventfd for"))?;
    let mut expected = expected::of(scenario);
    if options.isolation.on() == On::Host {
        // Others may be heard, too.
        expected.frames = None;
    }
    let mut config = LiveConfig::choose(&scenario.capture, expected);
    if options.isolation.on() == On::Host {
        // Others may watch the same interface.
        config.fill = false;
        config.filter = Some(ports(scenario));
    }
    let permit = RingBudget::global().acquire(u64::from(config.ring_bytes));
    let bell = frames_came.clone();
    let mut capture = LiveCapture::open(&config, Some(permit), move || bell.signal())?;
    let mut doubts = vec![];
    if let Err(error) = capture.barrier(BARRIER_LIMIT) {
        doubts.push(format!(
            "the capture was not proven open before the actors started: {error}"
        ));
    }

    let spill = Spill::new(options.memory, &options.output);
    let mut observer = Observer::new(capture.link(), wire.clone(), spill);
    let start = Instant::now();
    let mut actors = Actors::start(scenario, options, &timeline, &wire)?;
    // The scenario's time begins when its servers listen: a program may be long in starting on a busy
    // machine, and has a limit of its own for that.
    let deadline = Instant::now() + scenario.limit;
    let isolated = options.isolation.on() == On::Namespace;
    let mut settler = Settler::new(scenario, isolated);
    let mut interrupted = false;
    let mut left_waiting = None;
    let mut closed = None;
    let (mut hurries, mut hurried_at) = (0, 0);
    loop {
        frames_came.clear();
        events_came.clear();
        observer.look(&capture);
        let clients_run = actors.client_runs();
        let awaited = if clients_run {
            None
        } else {
            let awaited = timeline.with(|events| {
                wire.with_changed(|conversations, changed| {
                    settler.update(events, conversations, changed);
                    settler.awaited(conversations)
                })
                .or_else(|| wire.with_udp(|seen| settler.awaited_udp(seen, events)))
            });
            if awaited.is_some() && capture.dropped() > 0 {
                // It may be a frame that was lost, which never comes: nothing can be proven any more.
                left_waiting = awaited;
                break;
            }
            if awaited.is_none() {
                // The recording ends before teardown: stopping the actors sends FIN and RST of its own.
                let frames = observer.followed();
                let passed = pass(&mut capture, isolated);
                observer.look(&capture);
                // Frames that were still on their way may have started something new: a program's FIN
                // that its server answers. Then the end is not reached yet.
                if observer.followed() == frames || Instant::now() >= deadline {
                    closed = Some(passed);
                    break;
                }
                continue;
            }
            awaited
        };
        // When all have done what was to be seen, the frames need not wait for their block's age.
        let told = timeline.with(<[_]>::len);
        if hurries < HURRIES && told > hurried_at && isolated && actors.awaited().is_none() {
            capture.hurry();
            (hurries, hurried_at) = (hurries + 1, told);
        }
        interrupted = options.interrupt.is_cancelled();
        if interrupted || capture.error().is_some() || Instant::now() >= deadline {
            let awaited = awaited.or_else(|| actors.awaited()).unwrap_or_default();
            // Not an error in itself: the recording is complete up to the barrier, and says so.
            tracing::info!(
                "{}: the time was up, still waiting for {awaited}",
                scenario.name
            );
            left_waiting = Some(awaited);
            break;
        }
        let mut poll = PollList::default();
        for fd in [
            frames_came.as_raw_fd(),
            events_came.as_raw_fd(),
            options.interrupt.as_raw_fd(),
        ] {
            poll.push(fd, Interest::READ);
        }
        poll.wait(Some(deadline)).map_err(system("wait in"))?;
    }
    if !interrupted && actors.client_runs() {
        actors.report_late(scenario.limit);
    }

    let closed = closed.unwrap_or_else(|| pass(&mut capture, isolated));
    if let Err(error) = closed {
        doubts.push(format!(
            "the capture was not proven complete at the end: {error}"
        ));
    }
    let events = timeline.snapshot();
    observer.look(&capture);
    let finished = capture.finish();
    let Observed { frames, doubt } = observer.last(finished.frames);
    doubts.extend(doubt);
    if config.slots.is_some() {
        doubts.extend(cut(&frames, finished.link));
    }
    doubts.extend(
        finished
            .error
            .map(|error| format!("the capture ended early: {error}")),
    );
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
            frames,
            events,
            stats: finished.stats,
            complete,
            output,
        },
        conversations: wire.take(),
        exchanges: wire.take_udp(),
        left_waiting,
        interrupted,
        elapsed,
        closing: finished.closing,
    })
}

/// The first frame that is longer than what the ring kept of it, in words.
fn cut(frames: &FrameStore, link: LinkType) -> Option<String> {
    let frame = frames
        .iter(link)
        .find(|f| f.data.len() < f.wire_len as usize)?;
    let (number, kept, len) = (frame.number, frame.data.len(), frame.wire_len);
    Some(format!(
        "frame {number} has {len} bytes, and the ring kept {kept} of them: more was sent than the \
         scenario says; `[capture] snaplen` helps"
    ))
}

/// On the machine's own `lo` only the scenario's ports are captured, and ICMP, which may speak of them.
fn ports(scenario: &Scenario) -> String {
    let servers = scenario.servers.iter().map(|server| server.listen.port());
    let clients = scenario.clients.iter().map(|client| client.target.port());
    let ports: std::collections::BTreeSet<u16> = servers.chain(clients).collect();
    let ports: Vec<String> = ports.iter().map(|port| format!("port {port}")).collect();
    [ports, vec!["icmp".to_owned(), "icmp6".to_owned()]]
        .concat()
        .join(" or ")
}

/// The barrier behind the exchange. Where nobody else sends, it also waits for answers to frames that
/// were still in a backlog.
fn pass(capture: &mut LiveCapture, isolated: bool) -> Result<Barrier, BarrierError> {
    if isolated {
        capture.settle(BARRIER_LIMIT)
    } else {
        capture.barrier(BARRIER_LIMIT)
    }
}
