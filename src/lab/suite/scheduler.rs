//! Workers take runs in the plan's order; their results are delivered in that order too.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::queue::Queue;

/// What bounds a suite, however many runs it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs side by side.
    pub jobs: usize,
    /// Bound on the sum of the costs of the runs that are under way (descriptors, for instance).
    pub cost: u64,
    /// Bound on the weight, in bytes, of results that wait for those before them; one that exceeds
    /// it is let through, then no further run is started until it has been delivered.
    pub held: u64,
    /// How often [`Event::Tick`] comes while nothing else does; `None`: never.
    pub tick: Option<Duration>,
}

/// What happens in a suite, told in the thread that called [`run`].
#[derive(Debug)]
pub enum Event<T> {
    /// A worker begins with this run. Not in the plan's order.
    Started(usize),
    /// A run ended; it will be delivered when those before it have been. Not in the plan's order.
    Ended(usize),
    /// A run's result, in the plan's order.
    Result(usize, T),
    /// Time has passed; see [`Limits::tick`].
    Tick,
}

/// What the listener wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    No,
    /// Start no further run; those under way end, and are delivered.
    Yes,
}

enum Message<T> {
    Started(usize),
    Ended(usize, u64, T),
}

/// What a suite consists of.
pub trait Work: Sync {
    /// What a run gives.
    type Result: Send;

    /// How many runs there are.
    fn count(&self) -> usize;

    /// What a run costs while it is under way.
    fn cost(&self, index: usize) -> u64;

    /// Does a run, in a worker's thread.
    fn run(&self, index: usize) -> Self::Result;

    /// Bytes that a result holds.
    fn weight(&self, result: &Self::Result) -> u64;

    /// No further run is to be started: the suite was interrupted.
    fn stopped(&self) -> bool {
        false
    }
}

/// Does all runs, several at once, and calls `listen` with all that happens. Returns how many runs
/// were started; all of them have been delivered.
///
/// # Panics
/// When a run does, after the others have ended.
pub fn run<W: Work>(
    work: &W,
    limits: Limits,
    mut listen: impl FnMut(Event<W::Result>) -> Stop,
) -> usize {
    let queue = Queue::new(limits);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for worker in 0..limits.jobs.clamp(1, work.count().max(1)) {
            let sender = sender.clone();
            let queue = &queue;
            let body = move || {
                let _guard = StopOnPanic(queue);
                while let Some(index) = queue.take(work) {
                    // The listener lives as long as the scope does; it cannot have hung up.
                    let _ = sender.send(Message::Started(index));
                    let result = work.run(index);
                    let weight = work.weight(&result);
                    queue.ended(work.cost(index), weight);
                    let _ = sender.send(Message::Ended(index, weight, result));
                }
            };
            let spawned = std::thread::Builder::new()
                .name(format!("worker {worker}"))
                .spawn_scoped(scope, body);
            // Fewer workers than wished for do the same work.
            if let Err(error) = spawned {
                assert!(worker > 0, "no thread can be started: {error}");
                break;
            }
        }
        drop(sender);
        deliver(&receiver, &queue, limits.tick, &mut listen);
    });
    queue.started()
}

/// A worker that panics would leave the result that is due for ever undelivered.
struct StopOnPanic<'a>(&'a Queue);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

fn deliver<T>(
    receiver: &Receiver<Message<T>>,
    queue: &Queue,
    tick: Option<Duration>,
    listen: &mut impl FnMut(Event<T>) -> Stop,
) {
    let mut waiting: BTreeMap<usize, (u64, T)> = BTreeMap::new();
    let mut due = 0;
    let mut tell = |event| {
        if listen(event) == Stop::Yes {
            queue.stop();
        }
    };
    loop {
        let received = match tick {
            Some(tick) => receiver.recv_timeout(tick),
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Err(RecvTimeoutError::Timeout) => tell(Event::Tick),
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(Message::Started(index)) => tell(Event::Started(index)),
            Ok(Message::Ended(index, weight, result)) => {
                tell(Event::Ended(index));
                waiting.insert(index, (weight, result));
                while let Some((weight, result)) = waiting.remove(&due) {
                    tell(Event::Result(due, result));
                    due += 1;
                    queue.delivered(weight);
                }
            }
        }
    }
}
