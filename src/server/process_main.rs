//! A server in a process of its own, seen from inside: what `lab-capture __server` runs.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;

use super::error::ServerError;
use super::listen::listen;
use super::process::{Message, Spec};
use super::shop::{Shop, unsupported};
use super::spawn::kind;
use crate::client::Context;
use crate::platform::Cancel;
use crate::platform::process::set_descriptor_limit;
use crate::timeline::{Event, Timeline};

/// Longest line that a pipe takes whole, and so unmixed with the lines of other processes (POSIX: PIPE_BUF).
const LINE: usize = 4096;

/// Longest specification that is read.
const SPEC: u64 = 256 * 1024 * 1024;

/// The whole program: reads a [`Spec`] from standard input, serves, ends when standard input closes. Returns the exit
/// status: 0 when it ended because it was told to.
pub fn process_main() -> u8 {
    match run() {
        Ok(()) => 0,
        Err(e) => {
            eprintln!("lab-capture {}: {e}", super::process::SUBCOMMAND);
            3
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let spec = read_spec()?;
    let server = spec.server;
    if let Some(limit) = server.descriptors {
        set_descriptor_limit(limit)?;
    }
    let timeline = Timeline::live(Box::new(|event| say(&Message::Event(event.clone()))));
    let cancel = Cancel::from_pipe(io::stdin().as_fd().try_clone_to_owned()?);
    let mut context = Context::new(timeline, cancel);
    (context.folder, context.output) = (spec.folder, spec.output);
    if let Some(what) = unsupported(&server) {
        say(&Message::Unsupported(what));
        return Ok(());
    }
    let listener = match listen(&server) {
        Ok(listener) => listener,
        Err(ServerError::Bind { call, source, .. }) => {
            let errno = source.raw_os_error().unwrap_or(Errno::EIO as i32);
            say(&Message::Refused(call.to_string(), errno));
            return Ok(());
        }
        Err(e) => return Err(e.into()),
    };
    let shop = Shop::new(&server, &context, listener);
    let address = shop.listener.address;
    shop.reporter.event("listen", address.to_string()).push();
    say(&Message::Ready(address));
    // In this thread: a forking server must be the only one.
    Ok(kind(&server)?.serve(&shop)?)
}

/// Reads one line and not a byte more: what follows, the end of the pipe, is the signal to end.
fn read_spec() -> Result<Spec, Box<dyn std::error::Error>> {
    let stdin: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let mut line = Vec::new();
    let mut pipe = std::fs::File::from(stdin).take(SPEC);
    let mut buffer = vec![0; 64 * 1024];
    while line.last() != Some(&b'\n') {
        match pipe.read(&mut buffer)? {
            0 => return Err("standard input ended within the specification".into()),
            n => line.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(serde_json::from_slice(&line)?)
}

/// One line on standard output, by one `write(2)`, so that forked children may write to the same pipe.
fn say(message: &Message) {
    let Ok(mut line) = encode(message) else {
        return;
    };
    if let (Message::Event(event), true) = (message, line.len() >= LINE) {
        let short = Message::Event(shortened(event));
        line = encode(&short).unwrap_or_default();
    }
    let stdout = io::stdout();
    let mut rest = &line[..];
    while !rest.is_empty() {
        match nix::unistd::write(stdout.as_fd(), rest) {
            Ok(n) => rest = &rest[n..],
            Err(Errno::EINTR) => {}
            // Nobody listens any more: the end of standard input says the same.
            Err(_) => return,
        }
    }
}

fn encode(message: &Message) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

fn shortened(event: &Event) -> Event {
    let mut event = event.clone();
    event.result = event.result.chars().take(200).collect();
    event
}
