//! A server in a process of its own, seen from the process that wants it.
//!
//! The binary is started again with the hidden subcommand `__server`. It reads a [`Spec`] as one line of JSON on its
//! standard input and writes [`Message`]s, one a line, on its standard output. Its standard input stays open as long as it is
//! wanted: when that pipe closes, for whatever reason, it ends.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::error::ServerError;
use crate::client::{Context, Control, Reporter};
use crate::platform::forking::spawning;
use crate::platform::multiplex::{Interest, PollList};
use crate::platform::process::wait_stopped;
use crate::scenario::{ProcessSignal, Server};
use crate::timeline::{Ends, Event, Op};

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "__server";

/// Time that a server has to end by itself once it is no longer wanted; then it is killed.
const GRACE: Duration = Duration::from_millis(900);

/// What the process is to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct Spec {
    /// The server.
    pub server: Server,
    /// As in [`Context`].
    pub folder: PathBuf,
    /// As in [`Context`].
    pub output: PathBuf,
}

/// What the process says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// It listens there.
    Ready(SocketAddr),
    /// It cannot listen: the call and its errno.
    Refused(String, i32),
    /// It cannot do what is asked of it.
    Unsupported(String),
    /// An event.
    Event(Event),
}

/// A process that can be killed, and cannot be confused with a later one of the same number.
#[derive(Debug, Clone)]
pub struct Killer {
    pid: Pid,
    /// Whether the process is still there to be killed: cleared before its number is given back.
    alive: Arc<Mutex<bool>>,
}

impl Killer {
    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// SIGKILL to it and to its children.
    ///
    /// # Errors
    /// ESRCH when it has ended.
    pub fn kill(&self) -> Result<(), Errno> {
        self.signal(ProcessSignal::Kill)
    }

    /// A signal to it and to its children; after [`ProcessSignal::Stop`] it has stopped.
    ///
    /// # Errors
    /// ESRCH when it has ended.
    pub fn signal(&self, signal: ProcessSignal) -> Result<(), Errno> {
        let alive = self.alive.lock().unwrap_or_else(|e| e.into_inner());
        if !*alive {
            return Err(Errno::ESRCH);
        }
        killpg(
            self.pid,
            match signal {
                ProcessSignal::Kill => Signal::SIGKILL,
                ProcessSignal::Stop => Signal::SIGSTOP,
                ProcessSignal::Continue => Signal::SIGCONT,
            },
        )?;
        if signal == ProcessSignal::Stop && !wait_stopped(self.pid) {
            return Err(Errno::ETIMEDOUT);
        }
        Ok(())
    }
}

/// Servers that `kill` steps can name: a [`Control`] for the lab.
#[derive(Debug, Default)]
pub struct Controls {
    killers: Mutex<BTreeMap<String, Killer>>,
}

impl Controls {
    /// Makes a server known by its name.
    pub fn add(&self, name: &str, killer: Killer) {
        let mut killers = self.killers.lock().unwrap_or_else(|e| e.into_inner());
        killers.insert(name.to_string(), killer);
    }
}

impl Control for Controls {
    fn signal(&self, actor: &str, signal: ProcessSignal) -> Result<(), String> {
        let killers = self.killers.lock().unwrap_or_else(|e| e.into_inner());
        let killer = killers.get(actor).ok_or_else(|| {
            format!("{actor} is not a process of its own: set `process = true` on it")
        })?;
        killer
            .signal(signal)
            .map_err(|e| format!("{actor} cannot be sent {}: {e}", signal.name()))
    }
}

/// A process that listens, before its events are pumped.
pub struct Started {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    early: Vec<Event>,
    /// Where it listens.
    pub address: SocketAddr,
    /// To kill it.
    pub killer: Killer,
}

/// Starts the process and waits until it listens (or says why it cannot).
///
/// # Errors
/// As [`super::spawn`].
pub fn start(server: &Server, context: &Context) -> Result<Started, ServerError> {
    let name = server.name.clone();
    let system = |call: &'static str| {
        let server = name.clone();
        move |source: io::Error| ServerError::System {
            server,
            call,
            source,
        }
    };
    let process = |what: String| ServerError::Process {
        server: name.clone(),
        what,
    };
    let spec = Spec {
        server: server.clone(),
        folder: absolute(&context.folder),
        output: absolute(&context.output),
    };
    let mut line =
        serde_json::to_vec(&spec).map_err(|e| process(format!("cannot be told: {e}")))?;
    line.push(b'\n');
    let _until_it_spoke = spawning();
    let mut child = Command::new(&context.program)
        .arg(SUBCOMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(system("execve"))?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(process("has no pipes".into()));
    };
    let killer = Killer {
        pid: Pid::from_raw(child.id() as i32),
        alive: Arc::new(Mutex::new(true)),
    };
    // A process that ended at once broke the pipe; what it said, or its status, tells more than that.
    let _ = stdin.write_all(&line);
    let mut stdout = BufReader::new(stdout);
    let mut early = Vec::new();
    let error = loop {
        let mut line = String::new();
        match stdout.read_line(&mut line) {
            Ok(0) => break process("ended before it was ready".into()),
            Err(e) => break system("read")(e),
            Ok(_) => {}
        }
        match serde_json::from_str(&line) {
            Ok(Message::Event(event)) => early.push(event),
            Ok(Message::Ready(address)) => {
                return Ok(Started {
                    child,
                    stdin,
                    stdout,
                    early,
                    address,
                    killer,
                });
            }
            Ok(Message::Refused(call, errno)) => {
                let source = io::Error::from_raw_os_error(errno);
                let address = server.listen;
                let server = name.clone();
                break ServerError::Bind {
                    server,
                    call: known_call(&call),
                    address,
                    source,
                };
            }
            Ok(Message::Unsupported(what)) => {
                let server = name.clone();
                break ServerError::Unsupported { server, what };
            }
            Err(_) => {
                let shown: String = line.trim_end().chars().take(80).collect();
                break process(format!("said {shown:?}, which is no message"));
            }
        }
    };
    drop(stdin);
    let _ = killer.kill();
    let _ = child.wait();
    Err(error)
}

fn absolute(path: &std::path::Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn known_call(call: &str) -> &'static str {
    let calls = ["socket", "setsockopt", "bind", "listen", "getsockname"];
    calls.into_iter().find(|c| *c == call).unwrap_or("listen")
}

/// Connections that the process has open, and whether closing them would send a RST.
#[derive(Default)]
struct Open {
    connections: Vec<(Ends, bool)>,
}

impl Open {
    fn follow(&mut self, event: &Event) {
        let Some(ends) = event.ends else { return };
        if matches!(event.op, Some(Op::Close { .. } | Op::Reset)) {
            self.connections.retain(|(e, _)| *e != ends);
            return;
        }
        let known = self.connections.iter().position(|(e, _)| *e == ends);
        if known.is_none() && matches!(&*event.call, "accept" | "connect") && event.errno.is_none()
        {
            self.connections.push((ends, false));
        }
        if let (Some(i), true) = (known, event.result.starts_with("SO_LINGER")) {
            self.connections[i].1 = event.result == "SO_LINGER 0";
        }
    }
}

impl Started {
    /// Writes what it said before it was ready.
    pub fn tell(&mut self, reporter: &Reporter) {
        let early = std::mem::take(&mut self.early);
        early.into_iter().for_each(|e| reporter.timeline.push(e));
    }

    /// Writes the process's events to the timeline until it has ended. When the run is cancelled its standard input is
    /// closed, which ends it. The last event is `exit`.
    ///
    /// # Errors
    /// [`ServerError::Process`] if it ended by itself.
    pub fn pump(self, reporter: &Reporter, context: &Context) -> Result<(), ServerError> {
        let Started {
            mut child,
            stdin,
            mut stdout,
            killer,
            ..
        } = self;
        let mut open = Open::default();
        let mut write = |event: Event| {
            open.follow(&event);
            reporter.timeline.push(event);
        };
        let mut stdin = Some(stdin);
        let mut deadline = None;
        let pumped = loop {
            if stdin.is_some() && context.cancel.is_cancelled() {
                stdin = None;
                deadline = Some(Instant::now() + GRACE);
            }
            if deadline.is_some_and(|d| Instant::now() >= d) {
                let _ = killer.kill();
                deadline = None;
            }
            if stdout.buffer().is_empty() {
                let mut list = PollList::default();
                list.push(stdout.get_ref().as_raw_fd(), Interest::READ);
                if stdin.is_some() {
                    list.push(context.cancel.as_raw_fd(), Interest::READ);
                }
                match list.wait(deadline) {
                    Ok(ready) if !ready.contains(&0) => continue,
                    Ok(_) => {}
                    Err(e) => break Err(format!("cannot be listened to: {e}")),
                }
            }
            // Lines are written whole (they are shorter than PIPE_BUF), so this does not block for long.
            let mut line = String::new();
            match stdout.read_line(&mut line) {
                Ok(0) => break Ok(()),
                Err(e) => break Err(format!("cannot be listened to: {e}")),
                Ok(_) => {}
            }
            if let Ok(Message::Event(event)) = serde_json::from_str(&line) {
                write(event);
            }
        };
        if pumped.is_err() {
            let _ = killer.kill();
        }
        drop(stdin.take());
        let status = reap(&mut child, &killer);
        let wanted = context.cancel.is_cancelled();
        report_exit(reporter, &open, status, wanted);
        pumped.map_err(|what| ServerError::Process {
            server: reporter.actor.clone(),
            what,
        })
    }
}

/// Waits for the end, then gives the number back.
fn reap(child: &mut Child, killer: &Killer) -> Option<ExitStatus> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(killer.pid), flags) == Err(Errno::EINTR) {}
    let mut alive = killer.alive.lock().unwrap_or_else(|e| e.into_inner());
    *alive = false;
    child.wait().ok()
}

fn report_exit(reporter: &Reporter, open: &Open, status: Option<ExitStatus>, wanted: bool) {
    let signal = status.and_then(|s| s.signal());
    let text = match (signal, status.and_then(|s| s.code())) {
        (Some(n), _) => {
            Signal::try_from(n).map_or_else(|_| format!("signal {n}"), |s| s.to_string())
        }
        (None, Some(code)) => format!("status {code}"),
        (None, None) => "unknown".into(),
    };
    if !wanted {
        for (ends, abort) in &open.connections {
            let op = if *abort { Op::Reset } else { Op::Killed };
            let event = reporter.event("killed", text.clone());
            event.ends(Some(*ends)).op(op).push();
        }
    }
    let killed = signal == Some(Signal::SIGKILL as i32);
    let failed = !wanted && !killed;
    reporter.event("exit", text).failed(failed).push();
}
