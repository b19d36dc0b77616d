//! A capture around the test's own sockets.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::Error;
use super::{again, scenario};
use crate::capture::live::{LiveCapture, LiveConfig, RingBudget};
use crate::capture::spill::IN_MEMORY;
use crate::capture::{FrameStore, Spill, Stats};
use crate::check::complete;
use crate::check::naming::Owned;
use crate::flow::atoms::Atoms;
use crate::flow::{Exchange, Flow, Programs, canonical, canonical_udp};
use crate::lab::observer::{Observed, Observer};
use crate::lab::watch::Wire;
use crate::platform::Notify;
use crate::platform::multiplex::{Interest, PollList};
use crate::scenario::{CaptureSpec, Link};
use crate::tcp::{Conversation, Side};
use crate::timeline::Timeline;
use crate::wire::LinkType;

use std::os::fd::AsRawFd;

/// Longest time for a barrier; it takes milliseconds.
const BARRIER_LIMIT: Duration = Duration::from_secs(5);

/// Longest time that the kernel may take to acknowledge a FIN (a delayed ACK takes 200 ms at most).
const ACK_LIMIT: Duration = Duration::from_secs(1);

/// Payload that the ring must have room for should the capture thread get no CPU: 16 MiB.
const EXPECTED: u64 = 16 << 20;

/// What was on the wire while the closure ran, all of it.
#[derive(Debug, Clone)]
pub struct Captured<R> {
    /// What the closure returned.
    pub value: R,
    /// The TCP connections, by their first frame.
    pub conversations: Vec<Conversation>,
    /// The UDP exchanges, by their first frame.
    pub exchanges: Vec<Exchange>,
    /// Every frame.
    pub frames: FrameStore,
    /// Link type of the frames.
    pub link: LinkType,
    /// libpcap's counters.
    pub stats: Stats,
    snaplen: u32,
}

/// Runs the closure in a network namespace of its own with `lo` up, and captures everything that it
/// puts on the wire: by its own sockets, those of threads that it starts, and of child processes.
///
/// The closure runs in a thread of its own, since a namespace belongs to a thread. A thread that is
/// there already stays outside (a runtime must be started inside). The recording ends when the
/// closure returns: join threads and wait for children in it, or what they do later is not recorded.
/// For FINs that are on the wire by then, their acknowledgements are waited for.
///
/// # Errors
/// Not isolated; no namespace; or the capture is not proven complete, so that nothing can be said.
///
/// # Panics
/// The closure panicked: its panic goes on.
pub fn capture<R: Send>(test: impl FnOnce() -> R + Send) -> Result<Captured<R>, Error> {
    let isolation = again::isolation()?;
    // insta names snapshots after the test by the thread's name.
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("capture").to_owned();
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name(name)
            .spawn_scoped(scope, || {
                let _namespace = isolation.enter(&Link::default(), &[])?;
                here(test)
            })
            .map_err(system("start a thread"))?
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn system(operation: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::System { operation, source }
}

fn here<R>(test: impl FnOnce() -> R) -> Result<Captured<R>, Error> {
    let config = LiveConfig::choose(&CaptureSpec::default(), EXPECTED);
    let permit = RingBudget::global().acquire(u64::from(config.ring_bytes));
    let frames_came = Arc::new(Notify::new().map_err(system("make an eventfd"))?);
    let bell = frames_came.clone();
    let mut capture = LiveCapture::open(&config, Some(permit), move || bell.signal())?;
    capture.barrier(BARRIER_LIMIT).map_err(Error::NotOpen)?;
    let wire = Wire::new(Timeline::new());
    let spill = Spill::new(IN_MEMORY, &std::env::temp_dir());
    let mut observer = Observer::new(capture.link(), wire.clone(), spill);

    let value = test();

    let deadline = Instant::now() + ACK_LIMIT;
    let proof = loop {
        frames_came.clear();
        let proof = capture.settle(BARRIER_LIMIT);
        observer.look(&capture);
        let awaited = wire.with(|all| all.iter().any(fin_unacknowledged));
        if proof.is_err() || !awaited || Instant::now() >= deadline {
            break proof;
        }
        let mut poll = PollList::default();
        poll.push(frames_came.as_raw_fd(), Interest::READ);
        poll.wait(Some(deadline)).map_err(system("poll"))?;
    };
    let mut doubts: Vec<String> = proof.err().map(|e| e.to_string()).into_iter().collect();
    let finished = capture.finish();
    let Observed { frames, doubt } = observer.last(finished.frames);
    doubts.extend(doubt);
    doubts.extend(finished.error);
    let conversations = wire.take();
    doubts.extend(doubted(&finished.stats, &conversations));
    finished.closing.join();
    if !doubts.is_empty() {
        return Err(Error::Incomplete(doubts));
    }
    Ok(Captured {
        value,
        conversations,
        exchanges: wire.take_udp(),
        frames,
        link: finished.link,
        stats: finished.stats,
        snaplen: finished.snaplen,
    })
}

/// A FIN that its receiver's kernel has yet to acknowledge. A RST says more than an acknowledgement.
fn fin_unacknowledged(conversation: &Conversation) -> bool {
    let atoms = Atoms::of(conversation);
    let sides = [Side::Client, Side::Server].map(|side| atoms.side(side));
    sides.iter().all(|side| side.rst.is_none())
        && sides
            .iter()
            .any(|side| side.fin.is_some() && side.acked < side.sequence_end())
}

/// Holes, and acknowledgements of what is not there.
fn doubted(stats: &Stats, conversations: &[Conversation]) -> Vec<String> {
    let own: Vec<Owned> = names(conversations.iter().map(|c| (c.client, c.server)))
        .into_iter()
        .enumerate()
        .map(|(index, name)| Owned {
            name,
            server: None,
            index,
            client_ops: None,
            server_ops: None,
        })
        .collect();
    complete::reasons(stats, &own, conversations)
}

/// `client` if there is one only, else `client-1`, `client-2` by the first frame.
fn names(pairs: impl ExactSizeIterator<Item = (SocketAddr, SocketAddr)>) -> Vec<String> {
    let alone = pairs.len() == 1;
    let named = pairs.enumerate().map(|(index, _)| match alone {
        true => "client".to_owned(),
        false => format!("client-{}", index + 1),
    });
    named.collect()
}

impl<T, E> Captured<Result<T, E>> {
    /// The error of a closure that failed, or what it put on the wire.
    ///
    /// # Errors
    /// The closure's.
    pub fn transpose(self) -> Result<Captured<T>, E> {
        Ok(Captured {
            value: self.value?,
            conversations: self.conversations,
            exchanges: self.exchanges,
            frames: self.frames,
            link: self.link,
            stats: self.stats,
            snaplen: self.snaplen,
        })
    }
}

impl<R> Captured<R> {
    /// The canonical flow of each TCP connection, then that of each UDP exchange, each kind by first
    /// frame: `client` if there is one only, else `client-1`, `client-2`…
    ///
    /// What programs waited for is read off the wire, since the test's sockets report nothing: an
    /// answer that acknowledges its question is told as `then`. It is the same in every run if each
    /// side waits for the other; two sides that speak at once may show it differently.
    pub fn flow_list(&self) -> Vec<Flow> {
        let named = names(self.conversations.iter().map(|c| (c.client, c.server)));
        let tcp = (named.iter().zip(&self.conversations))
            .map(|(name, one)| canonical(name, one, Programs::default()).flow);
        let named = names(self.exchanges.iter().map(|e| (e.client, e.server)));
        let udp = (named.iter().zip(&self.exchanges))
            .map(|(name, one)| canonical_udp(name, one, [None, None]));
        tcp.chain(udp).collect()
    }

    /// [`Captured::flow_list`] as text, as snapshots hold it.
    pub fn flows(&self) -> String {
        scenario::text(&self.flow_list())
    }

    /// The connections to a server's address.
    pub fn to(&self, server: SocketAddr) -> impl Iterator<Item = &Conversation> {
        let ours = move |one: &&Conversation| one.server == server;
        self.conversations.iter().filter(ours)
    }

    /// Writes all frames as a nanosecond pcap file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_pcap(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        scenario::write_pcap(path.as_ref(), &self.frames, self.link, self.snaplen)
    }
}
