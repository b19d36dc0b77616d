//! External programs as actors: started in the run's namespace, watched, and ended without rest.
//!
//! A program lives in a PID namespace whose first process is this binary, started again (see
//! [`init_main`]). That process ends when the socket to lab-capture closes, however lab-capture
//! ends, and with it ends every process of the namespace: daemons and `setsid` children included.

use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User as Account, geteuid};
use serde::{Deserialize, Serialize};

use super::isolation::Isolation;
pub use super::program_error::ProgramError;
pub use super::program_find::find_program;
use super::program_find::working_folder;
pub use super::program_init::{SUBCOMMAND as INIT_SUBCOMMAND, init_main};
use super::program_monitor::{Monitor, Shared, event};
use super::program_protocol::{Order, Request, User};
use super::program_sockets::is_listening;
use crate::platform::init::spawn_in_pid_namespace;
use crate::platform::process::given_descriptor_limit;
use crate::scenario::{ProcessSignal, Program};
use crate::timeline::{self, Timeline};

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// `exit(2)` with this status.
    Status(i32),
    /// Killed by the signal of this number.
    Signal(i32),
}

impl Exit {
    /// `SIGKILL`; empty for an exit.
    pub fn signal_name(self) -> String {
        match self {
            Exit::Status(_) => String::new(),
            Exit::Signal(number) => Signal::try_from(number)
                .map_or_else(|_| format!("signal {number}"), |s| s.as_str().to_owned()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Status(status) => write!(f, "exit status {status}"),
            Exit::Signal(_) => write!(f, "killed by {}", self.signal_name()),
        }
    }
}

/// What a program printed, bounded; see [`super::program_output::KEPT`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramOutput {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// Where and how programs are started.
#[derive(Clone)]
pub struct Launch<'a> {
    /// How the run is isolated: decides as whom the program runs.
    pub isolation: Isolation,
    /// The scenario's folder.
    pub folder: &'a Path,
    /// Where events go.
    pub timeline: &'a Arc<Timeline>,
}

/// A program that was started. Dropped, it and all that it started are killed.
#[derive(Debug)]
pub struct RunningProgram {
    actor: Arc<str>,
    shared: Arc<Shared>,
    timeline: Arc<Timeline>,
    supervisor: Child,
    socket: Option<UnixStream>,
    end: Arc<EventFd>,
    monitor: Option<JoinHandle<()>>,
    /// Types the lines; holds standard input open afterwards if the scenario says so.
    typist: Option<JoinHandle<Option<ChildStdin>>>,
    own_pid_namespace: bool,
}

impl Launch<'_> {
    /// Starts a program in the calling thread's network namespace; when this returns, it has been
    /// executed, and the event `start` is on the timeline. `pass` stay open in it, under their
    /// numbers, which must be above 2.
    ///
    /// # Errors
    /// It is not found, may not be executed, or the kernel refuses.
    pub fn start(
        &self,
        actor: &Arc<str>,
        program: &Program,
        pass: &[BorrowedFd<'_>],
    ) -> Result<RunningProgram, ProgramError> {
        let order = self.order(actor, program)?;
        let file = order.program.display().to_string();
        let failed = |operation: &str, reason: String| ProgramError::Start {
            actor: Arc::clone(actor),
            program: file.clone(),
            operation: operation.to_owned(),
            reason,
        };
        let stream = || match program.inherit {
            true => Stdio::inherit(),
            false => Stdio::piped(),
        };
        // Until it has been executed it holds every socket of this process: nothing may close one.
        let _alone = crate::platform::process::spawning();
        let io = |operation| move |e: std::io::Error| (operation, e.to_string());
        let begin = || {
            let (ours, theirs) = UnixStream::pair().map_err(io("socketpair"))?;
            let end = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)
                .map_err(|e| ("eventfd", e.desc().to_owned()))?;
            let socket = ours.try_clone().map_err(io("dup"))?;
            let mut command = Command::new("/proc/self/exe");
            command
                .arg0("lab-capture")
                .arg(INIT_SUBCOMMAND)
                .arg(theirs.as_raw_fd().to_string())
                .stdin(stream())
                .stdout(stream())
                .stderr(stream());
            let fds: Vec<_> = pass.iter().copied().chain([theirs.as_fd()]).collect();
            let started =
                spawn_in_pid_namespace(&mut command, &fds).map_err(io("start supervisor"))?;
            Ok((ours, socket, end, started))
        };
        let (mut ours, socket, end, mut started) =
            begin().map_err(|(operation, reason)| failed(operation, reason))?;

        let shared = Arc::new(Shared::default());
        let end = Arc::new(end);
        let monitor = Monitor {
            shared: Arc::clone(&shared),
            actor: Arc::clone(actor),
            command: program.argv.join(" "),
            expected: program.status,
            timeline: Arc::clone(self.timeline),
            socket,
            stdout: started.child.stdout.take(),
            stderr: started.child.stderr.take(),
            end: Arc::clone(&end),
        };
        let stdin = started.child.stdin.take();
        let mut line = serde_json::to_string(&order).map_err(|e| failed("order", e.to_string()))?;
        line.push('\n');
        let ordered = ours.write_all(line.as_bytes());
        // From here on, dropping `running` cleans up.
        let mut running = RunningProgram {
            actor: Arc::clone(actor),
            shared,
            timeline: Arc::clone(self.timeline),
            supervisor: started.child,
            socket: Some(ours),
            end,
            monitor: None,
            typist: None,
            own_pid_namespace: started.shared.is_none(),
        };
        ordered.map_err(|e| failed("order", e.to_string()))?;
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        running.monitor = Some(
            named("program")
                .spawn(move || monitor.run())
                .map_err(|e| failed("pthread_create", e.to_string()))?,
        );
        running
            .wait_started()
            .map_err(|(operation, reason)| failed(&operation, reason))?;
        let (lines, keep) = (program.stdin.clone(), program.keep_stdin);
        running.typist = Some(
            named("typist")
                .spawn(move || type_lines(stdin?, &lines).filter(|_| keep))
                .map_err(|e| failed("pthread_create", e.to_string()))?,
        );
        Ok(running)
    }

    fn order(&self, actor: &Arc<str>, program: &Program) -> Result<Order, ProgramError> {
        let user = if self.isolation.rootless() {
            // One uid is all that this user namespace has.
            None
        } else {
            crate::platform::owner::invoker().map(|(uid, gid)| {
                let account = Account::from_uid(uid).ok().flatten();
                User {
                    uid: uid.as_raw(),
                    gid: gid.as_raw(),
                    name: account.as_ref().map(|a| a.name.clone()),
                    home: account.map(|a| a.dir),
                }
            })
        };
        Ok(Order {
            actor: actor.to_string(),
            program: find_program(actor, program, self.folder)?,
            argv: program.argv.clone(),
            env: program.env.clone(),
            dir: working_folder(actor, program, self.folder)?,
            descriptors: given_descriptor_limit(),
            unprivileged: self.isolation.rootless()
                || !geteuid().is_root()
                || user
                    .as_ref()
                    .is_some_and(|u| !Uid::from_raw(u.uid).is_root()),
            user,
        })
    }
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

    fn wait_started(&self) -> Result<(), (String, String)> {
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

/// Types each line with its line feed. `None` when the program no longer reads.
fn type_lines(mut stdin: ChildStdin, lines: &[String]) -> Option<ChildStdin> {
    for line in lines {
        stdin.write_all(format!("{line}\n").as_bytes()).ok()?;
    }
    Some(stdin)
}
