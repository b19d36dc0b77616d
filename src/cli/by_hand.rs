//! `lab-capture serve KIND`, `talk` and `watch`: the slides' three terminals, on the machine's own
//! network.

use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::exit::LAB;
use super::{interrupt, terminal};
use crate::capture::FrameStore;
use crate::capture::live::{LiveCapture, LiveConfig};
use crate::capture::write::PcapWriter;
use crate::client::{self, Context};
use crate::platform::Notify;
use crate::platform::multiplex::{Interest, PollList};
use crate::report::live::Live;
use crate::scenario::{CaptureSpec, Handler, Server, ServerKind};
use crate::server;
use crate::timeline::{Event, Timeline};

/// The servers that can be started by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// select(2): listener and clients in one list
    Select,
    /// poll(2)
    Poll,
    /// epoll(7)
    Epoll,
    /// A thread for each connection
    Threaded,
    /// A process for each connection
    Forking,
    /// One connection at a time
    Sequential,
    /// UDP
    Udp,
}

/// What a server by hand does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Does {
    /// Send back what arrives
    #[default]
    Echo,
    /// Read until the peer closes
    Sink,
    /// Pass what arrives to every other connection
    Chat,
    /// Answer HTTP requests
    Http,
}

/// `lab-capture serve KIND`
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// How it waits for and serves its connections
    pub kind: Kind,
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:5000")]
    pub listen: SocketAddr,
    /// What it does with a connection
    #[arg(long, value_enum, default_value_t)]
    pub handler: Does,
    /// Send this text to each client at once, then read
    #[arg(long, value_name = "TEXT", conflicts_with = "handler")]
    pub greet: Option<String>,
    /// Second argument of listen(2)
    #[arg(long, default_value_t = 5)]
    pub backlog: i32,
}

/// `lab-capture talk ADDRESS`
#[derive(Debug, Clone, Args)]
pub struct TalkArgs {
    /// Whom to connect to
    #[arg(default_value = "127.0.0.1:5000")]
    pub address: SocketAddr,
}

/// `lab-capture watch`
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Only packets from or to this port
    #[arg(long, short)]
    pub port: Option<u16>,
    /// Write what is seen into this capture file as well
    #[arg(long, short, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Stop after this many packets
    #[arg(long, short, value_name = "N")]
    pub count: Option<u64>,
}

/// Runs a server until Ctrl-C; each thing that it does is printed as it happens.
pub fn serve(args: &ServeArgs) -> anyhow::Result<u8> {
    let interrupt = interrupt::install().context("cannot handle signals")?;
    let timeline = Timeline::with_listener(Box::new(print));
    let server = Server {
        name: "server".into(),
        kind: match args.kind {
            Kind::Select => ServerKind::Select,
            Kind::Poll => ServerKind::Poll,
            Kind::Epoll => ServerKind::Epoll,
            Kind::Threaded => ServerKind::Threaded,
            Kind::Forking => ServerKind::Forking,
            Kind::Sequential => ServerKind::Sequential,
            Kind::Udp => ServerKind::Udp,
        },
        listen: args.listen,
        handler: match (&args.greet, args.handler) {
            (Some(text), _) => Handler::Greet(text.clone().into_bytes()),
            (None, Does::Echo) => Handler::Echo,
            (None, Does::Sink) => Handler::Sink,
            (None, Does::Chat) => Handler::Chat,
            (None, Does::Http) => Handler::Http(b"hello from lab-capture\n".to_vec()),
        },
        backlog: args.backlog,
        options: vec![],
        framing: None,
        process: false,
        descriptors: None,
        span: 0..0,
    };
    let running = match server::spawn(&server, &Context::new(timeline, interrupt.clone())) {
        Ok(running) => running,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error}");
            return Ok(LAB);
        }
    };
    let mut poll = PollList::default();
    poll.push(interrupt.as_raw_fd(), Interest::READ);
    poll.wait(None)?;
    // Why it had ended before, if it had, is its last event.
    let ended = running.stop();
    Ok(if ended.is_ok() { 0 } else { LAB })
}

/// One line for each event; a reader who is gone does not stop the server.
fn print(event: &Event) {
    let mut out = anstream::stdout().lock();
    let peer = event
        .ends
        .map_or(String::new(), |ends| format!("{}  ", ends.peer));
    let result = crate::report::escape::line(&event.result);
    let _ = writeln!(out, "{peer}{} {result}", event.call).and_then(|()| out.flush());
}

/// Talks to a server line by line until Ctrl-D or Ctrl-C.
pub fn talk(args: &TalkArgs) -> anyhow::Result<u8> {
    let interrupt = interrupt::install().context("cannot handle signals")?;
    let stdin = std::io::stdin();
    let mut out = std::io::stdout();
    let spoken = client::talk::talk(
        args.address,
        stdin.as_fd(),
        &mut out,
        &interrupt,
        &Timeline::new(),
    );
    match spoken {
        Ok(_) => Ok(0),
        Err(error) => {
            anstream::eprintln!("lab-capture: {error}");
            Ok(LAB)
        }
    }
}

/// Prints each packet of the machine's `lo` as it comes, until Ctrl-C.
pub fn watch(args: &WatchArgs) -> anyhow::Result<u8> {
    let interrupt = interrupt::install().context("cannot handle signals")?;
    let mut config = LiveConfig::choose(&CaptureSpec::default(), 16 << 20);
    config.filter = args.port.map(|port| format!("port {port}"));
    let came = Arc::new(Notify::new()?);
    let bell = came.clone();
    let capture = match LiveCapture::open(&config, None, move || bell.signal()) {
        Ok(capture) => capture,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error}");
            anstream::eprintln!("watching the machine's own lo needs root: sudo lab-capture watch");
            return Ok(LAB);
        }
    };
    let mut file = match &args.write {
        Some(path) => Some(PcapWriter::in_place(
            path,
            capture.link(),
            capture.snaplen(),
        )?),
        None => None,
    };
    let port = args
        .port
        .map_or(String::new(), |port| format!(", port {port}"));
    anstream::eprintln!("watching lo{port}; Ctrl-C ends it");
    let mut live = Live::default();
    let mut out = anstream::stdout().lock();
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 && !interrupt.is_cancelled() && capture.error().is_none() {
        let mut poll = PollList::default();
        poll.push(came.as_raw_fd(), Interest::READ);
        poll.push(interrupt.as_raw_fd(), Interest::READ);
        poll.wait(None)?;
        came.clear();
        let mut frames = FrameStore::default();
        capture.take_into(&mut frames);
        // A window may change its size at any time.
        let columns = terminal::columns();
        for frame in frames
            .iter(capture.link())
            .take(usize::try_from(left).unwrap_or(usize::MAX))
        {
            left -= 1;
            if let Some(line) = live.line(&frame, columns) {
                writeln!(out, "{line}")?;
            }
            if let Some(file) = &mut file {
                file.write(&frame)?;
            }
        }
        out.flush()?;
        if let Some(file) = &mut file {
            file.flush()?;
        }
    }
    let finished = capture.finish();
    if finished.stats.dropped > 0 {
        anstream::eprintln!(
            "lab-capture: {} packets were dropped",
            finished.stats.dropped
        );
    }
    finished.closing.join();
    if let Some(file) = file {
        let path = file.finish()?;
        anstream::eprintln!("written: {}", path.display());
    }
    Ok(0)
}
