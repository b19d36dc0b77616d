//! A program that runs: watched, signalled, ended.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::eventfd::EventFd;
use nix::sys::signal::Signal;

use super::error::ProgramError;
use super::exit::Exit;
use super::monitor::{Shared, event};
use super::protocol::Request;
use super::sockets::is_listening;
use crate::scenario::ProcessSignal;
use crate::timeline::{self, Timeline};

/// What a program printed, bounded; see [`super::output::KEPT`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramOutput {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// A program that was started. Dropped, it and all that it started are killed.
#[derive(Debug)]
pub struct RunningProgram {
    pub(super) actor: Arc<str>,
    pub(super) shared: Arc<Shared>,
    pub(super) timeline: Arc<Timeline>,
    pub(super) supervisor: Child,
    pub(super) socket: Option<UnixStream>,
    pub(super) end: Arc<EventFd>,
    pub(super) monitor: Option<JoinHandle<()>>,
    /// Types the lines; holds standard input open afterwards if the scenario says so.
    pub(super) typist: Option<JoinHandle<Option<ChildStdin>>>,
    pub(super) own_pid_namespace: bool,
}

impl RunningProgram {
    /// The actor's name.
    pub fn name(&self) -> &Arc<str> {
        &self.actor
    }

    /// Is its end certain to be the end of all that it started? Not where `unshare` is forbidden
    /// (`--on host` in a container): there lab-capture kills what it finds, but cannot if it is
    /// itself killed together with its helper.
    pub fn has_own_pid_namespace(&self) -> bool {
        self.own_pid_namespace
    }

    /// Waits until it listens on `address`, or on the wildcard address with that port, as the
    /// kernel's table shows it: a connection to probe would be in the capture. The kernel tells
    /// nobody when a program starts to listen, so this looks every half a millisecond. Must be
    /// called in the run's network namespace. Puts the event `listen` on the timeline.
    ///
    /// # Errors
    /// It ended before, did not within `limit`, or `cancelled` said so.
    pub fn wait_listening(
        &self,
        address: SocketAddr,
        limit: Duration,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), ProgramError> {
        let start = Instant::now();
        let actor = || Arc::clone(&self.actor);
        loop {
            // Looked up before the table: one who listened and ended at once did listen.
            let (exit, gone) = {
                let known = self.shared.lock();
                (known.exit, known.gone || known.supervisor_gone)
            };
            let listening = is_listening(address).map_err(|source| ProgramError::System {
                actor: actor(),
                source,
            })?;
            if listening {
                let event = event(&self.actor, timeline::now(), "listen", address.to_string());
                self.timeline.push(event);
                return Ok(());
            }
            if gone {
                return Err(ProgramError::EndedBeforeListening {
                    actor: actor(),
                    address,
                    exit,
                });
            }
            if cancelled() {
                return Err(ProgramError::Cancelled { actor: actor() });
            }
            if start.elapsed() >= limit {
                return Err(ProgramError::NotListening {
                    actor: actor(),
                    address,
                    limit,
                });
            }
            let known = self.shared.lock();
            // Wakes at once when the program ends.
            let _ = self
                .shared
                .changed
                .wait_timeout_while(known, STEP, |k| !k.gone && !k.supervisor_gone);
        }
    }

    /// How the main program ended, if it has. Daemons that it left behind may still run.
    pub fn exit(&self) -> Option<Exit> {
        self.shared.lock().exit
    }

    /// Waits for the main program's end; `None` after `limit`.
    pub fn wait_exit(&self, limit: Duration) -> Option<Exit> {
        let known = self.shared.lock();
        let (known, _) = self
            .shared
            .changed
            .wait_timeout_while(known, limit, |k| k.exit.is_none() && !k.supervisor_gone)
            .unwrap_or_else(|e| e.into_inner());
        known.exit
    }

    /// SIGKILL to the main program, from outside: the event `killed by SIGKILL` follows.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub fn kill(&self) -> Result<(), ProgramError> {
        self.signal(Signal::SIGKILL)
    }

    /// What a `kill`, `stop` or `continue` step asks for; after a stop it has stopped.
    ///
    /// # Errors
    /// The supervisor is gone, or the program does not stop.
    pub fn control(&self, signal: ProcessSignal) -> Result<(), ProgramError> {
        match signal {
            ProcessSignal::Kill => self.kill(),
            ProcessSignal::Continue => self.signal(Signal::SIGCONT),
            ProcessSignal::Stop => {
                self.signal(Signal::SIGSTOP)?;
                let main = self.main_process();
                match main.is_some_and(crate::platform::process::wait_stopped) {
                    true => Ok(()),
                    false => Err(ProgramError::Supervisor {
                        actor: Arc::clone(&self.actor),
                        reason: "the program does not stop".to_owned(),
                    }),
                }
            }
        }
    }

    /// The main program, by its number outside its PID namespace: the supervisor's first child.
    fn main_process(&self) -> Option<nix::unistd::Pid> {
        let pid = self.supervisor.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        let first = children.split_whitespace().next()?.parse().ok()?;
        Some(nix::unistd::Pid::from_raw(first))
    }

    /// Any signal to the main program.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), ProgramError> {
        let supervisor = |reason: String| ProgramError::Supervisor {
            actor: Arc::clone(&self.actor),
            reason,
        };
        let mut line = serde_json::to_string(&Request::Signal(signal as i32))
            .map_err(|e| supervisor(e.to_string()))?;
        line.push('\n');
        let Some(mut socket) = self.socket.as_ref() else {
            return Err(supervisor("stopped".to_owned()));
        };
        socket
            .write_all(line.as_bytes())
            .map_err(|e| supervisor(e.to_string()))
    }

    /// What it has printed so far.
    pub fn output(&self) -> ProgramOutput {
        let known = self.shared.lock();
        ProgramOutput {
            stdout: known.stdout.to_bytes(),
            stderr: known.stderr.to_bytes(),
        }
    }

    /// Kills it and all that it started, and waits until nothing of it is left. Returns what it had
    /// printed. Ends that this causes are no events.
    pub fn stop(mut self) -> ProgramOutput {
        self.end();
        self.output()
    }

    pub(super) fn wait_started(&self) -> Result<(), (String, String)> {
        let known = self.shared.lock();
        let known = self
            .shared
            .changed
            .wait_while(known, |k| k.started.is_none() && !k.supervisor_gone)
            .unwrap_or_else(|e| e.into_inner());
        match &known.started {
            Some(Ok(())) => Ok(()),
            Some(Err((operation, errno))) => Err((
                operation.clone(),
                nix::errno::Errno::from_raw(*errno).desc().to_owned(),
            )),
            None => Err((
                "supervisor".to_owned(),
                String::from_utf8_lossy(&known.stderr.to_bytes())
                    .trim()
                    .to_owned(),
            )),
        }
    }

    fn end(&mut self) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        self.shared.lock().stopping = true;
        // The monitor has a second descriptor of it: shut down, not only closed.
        let _ = socket.shutdown(std::net::Shutdown::Write);
        // Process 1 ends; the kernel kills and reaps the rest of its namespace before this returns.
        let _ = self.supervisor.wait();
        // Whoever has the other end of a pipe now is outside: read what there is, and no more.
        let _ = self.end.write(1);
        if let Some(monitor) = self.monitor.take() {
            let _ = monitor.join();
        }
        if let Some(typist) = self.typist.take() {
            // Nobody reads any more, so a blocked write has ended with EPIPE.
            let _ = typist.join();
        }
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        self.end();
    }
}

/// How often the kernel's table is looked at.
const STEP: Duration = Duration::from_micros(500);
