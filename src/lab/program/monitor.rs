//! The thread that reads what a program prints and what its supervisor reports.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{ChildStderr, ChildStdout};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;

use super::exit::Exit;
use super::output::HeadTail;
use super::protocol::Report;
use crate::timeline::{Event, Nanos, Timeline};

/// What is known of the program.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// It was executed, or which call failed with which errno.
    pub started: Option<Result<(), (String, i32)>>,
    /// How the main program ended.
    pub exit: Option<Exit>,
    /// No process of it is left.
    pub gone: bool,
    /// The supervisor closed the socket.
    pub supervisor_gone: bool,
    /// We are ending it: its end is no event.
    pub stopping: bool,
    pub stdout: HeadTail,
    pub stderr: HeadTail,
}

/// Shared by the handle and the monitor.
#[derive(Debug, Default)]
pub(super) struct Shared {
    known: Mutex<Known>,
    pub changed: Condvar,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|e| e.into_inner())
    }
}

pub(super) struct Monitor {
    pub shared: Arc<Shared>,
    pub actor: Arc<str>,
    /// What was started, in words.
    pub command: String,
    /// Exit status that the scenario expects.
    pub expected: Option<i32>,
    pub timeline: Arc<Timeline>,
    pub socket: UnixStream,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
    /// Readable: everything has been killed, read what is left and end.
    pub end: Arc<EventFd>,
}

impl Monitor {
    /// Until everything is closed, or the end is signalled.
    pub fn run(mut self) {
        let mut line = Vec::new();
        let mut socket_open = true;
        for fd in [
            Some(self.socket.as_fd()),
            self.stdout.as_ref().map(|s| s.as_fd()),
            self.stderr.as_ref().map(|s| s.as_fd()),
        ] {
            fd.map(set_nonblocking);
        }
        loop {
            let ending = self.wait(socket_open);
            // Before the output, and told after it: when the end of the program is known, so is
            // all that it had printed.
            let mut reports = Vec::new();
            if socket_open {
                socket_open = self.read_reports(&mut line, &mut reports);
            }
            drain(&mut self.stdout, |bytes| {
                self.shared.lock().stdout.push(bytes)
            });
            drain(&mut self.stderr, |bytes| {
                self.shared.lock().stderr.push(bytes)
            });
            for report in reports {
                self.note(report);
            }
            self.shared.lock().supervisor_gone |= !socket_open;
            self.shared.changed.notify_all();
            if ending || !socket_open && self.stdout.is_none() && self.stderr.is_none() {
                return;
            }
        }
    }

    /// Blocks until something can be read; true when the end was signalled.
    fn wait(&self, socket_open: bool) -> bool {
        let mut fds = vec![PollFd::new(self.end.as_fd(), PollFlags::POLLIN)];
        let others: [Option<BorrowedFd<'_>>; 3] = [
            socket_open.then(|| self.socket.as_fd()),
            self.stdout.as_ref().map(|s| s.as_fd()),
            self.stderr.as_ref().map(|s| s.as_fd()),
        ];
        fds.extend(
            others
                .into_iter()
                .flatten()
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN)),
        );
        // EINTR, or ENOMEM: look and poll again.
        let _ = poll(&mut fds, PollTimeout::NONE);
        fds[0].any().unwrap_or(false)
    }

    /// False when the supervisor has closed its end.
    fn read_reports(&mut self, pending: &mut Vec<u8>, reports: &mut Vec<Report>) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return false,
                Ok(n) => pending.extend_from_slice(&buffer[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return true,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
            while let Some(end) = pending.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                // Only the supervisor, which is this same binary, writes here.
                reports.extend(serde_json::from_slice::<Report>(&line));
            }
        }
    }

    fn note(&self, report: Report) {
        // The event first: who learns that the program has ended finds it on the timeline.
        match report {
            Report::Started { at } => {
                let event = self.event(at, "start", self.command.clone());
                self.timeline.push(event);
                self.shared.lock().started = Some(Ok(()));
            }
            Report::Failed { operation, errno } => {
                self.shared.lock().started = Some(Err((operation, errno)));
            }
            Report::Exited { at, how } => {
                if !self.shared.lock().stopping {
                    self.timeline.push(self.exit_event(at, how));
                }
                self.shared.lock().exit = Some(how);
            }
            Report::Gone => self.shared.lock().gone = true,
        }
        self.shared.changed.notify_all();
    }

    fn exit_event(&self, at: Nanos, how: Exit) -> Event {
        let event = match how {
            Exit::Status(status) => self.event(at, "exit", format!("status {status}")),
            Exit::Signal(_) => self.event(at, "killed", format!("by {}", how.signal_name())),
        };
        Event {
            failed: self
                .expected
                .is_some_and(|status| how != Exit::Status(status)),
            ..event
        }
    }

    fn event(&self, at: Nanos, call: &str, result: String) -> Event {
        event(&self.actor, at, call, result)
    }
}

/// An event of a program as a whole, not of one of its connections.
pub(super) fn event(actor: &Arc<str>, at: Nanos, call: &str, result: String) -> Event {
    Event {
        at,
        actor: Arc::clone(actor),
        ends: None,
        call: call.to_owned(),
        result,
        errno: None,
        op: None,
        step: None,
        failed: false,
    }
}

fn set_nonblocking(fd: BorrowedFd<'_>) {
    // F_SETFL on an open pipe cannot fail; were it to, reads would block no longer than the program.
    if let Ok(flags) = fcntl(fd, FcntlArg::F_GETFL) {
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        let _ = fcntl(fd, FcntlArg::F_SETFL(flags));
    }
}

/// Reads what is there; at the end of the stream it becomes `None`.
fn drain(stream: &mut Option<impl Read>, mut keep: impl FnMut(&[u8])) {
    let mut buffer = [0; 64 << 10];
    // A program that prints without end must not keep the others from being read.
    for _ in 0..16 {
        let Some(open) = stream else {
            return;
        };
        match open.read(&mut buffer) {
            Ok(0) => *stream = None,
            Ok(n) => keep(&buffer[..n]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.raw_os_error() == Some(Errno::EAGAIN as i32) => return,
            Err(_) => *stream = None,
        }
    }
}
