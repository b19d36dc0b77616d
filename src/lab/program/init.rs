//! The first process of a program's PID namespace: this binary, started again.
//!
//! It starts the program, reaps what ends, reports, and ends when lab-capture closes the socket or
//! ends itself, in whatever way. With process 1 the kernel kills every process of its namespace.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid};

use super::exit::Exit;
use super::protocol::{FIRST_WORD, Order, Report, Request, User};
use crate::platform;
use crate::timeline;

/// The hidden subcommand: `lab-capture __init FD`, where `FD` is the socket to lab-capture.
pub const SUBCOMMAND: &str = "__init";

/// What the hidden subcommand does; call it before any thread is started. `arguments` are those
/// after the subcommand.
pub fn init_main(arguments: &[String]) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab-capture {SUBCOMMAND}: {error}");
            ExitCode::from(3)
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let number: RawFd = arguments
        .first()
        .ok_or("started by hand: it is lab-capture that calls this")?
        .parse()?;
    let socket = UnixStream::from(platform::init::take_inherited(number)?);
    (&socket).write_all(FIRST_WORD)?;
    let mut requests = BufReader::new(socket.try_clone()?);
    let mut line = String::new();
    if requests.read_line(&mut line)? == 0 {
        return Ok(());
    }
    let order: Order = serde_json::from_str(&line)?;

    // The terminal's Ctrl-C is for lab-capture, which ends the run in order.
    let _ = nix::unistd::setsid();
    let first_process = nix::unistd::getpid().as_raw() == 1;
    if !first_process {
        platform::init::adopt_orphans()?;
    }
    // Before the program starts, so that no end is missed. Programs get an empty mask from `Command`.
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    children.thread_block()?;
    let signals = SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;

    let main = match start(&order) {
        Ok(pid) => pid,
        Err((operation, errno)) => {
            return say(&socket, &Report::Failed { operation, errno });
        }
    };
    say(
        &socket,
        &Report::Started {
            at: timeline::now(),
        },
    )?;
    // From now on only the program holds its pipes: their end is the end of its output.
    close_standard_streams()?;

    socket.set_nonblocking(true)?;
    let init = Init {
        socket,
        signals,
        main,
    };
    let result = init.serve(requests);
    if !first_process {
        kill_descendants();
    }
    result
}

/// Becomes the user, then starts the program.
fn start(order: &Order) -> Result<Pid, (String, i32)> {
    let failed = |operation: &str, errno: i32| (operation.to_owned(), errno);
    if let Some((soft, hard)) = order.descriptors {
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard)
            .map_err(|errno| failed("setrlimit", errno as i32))?;
    }
    if let Some(user) = &order.user {
        become_user(user).map_err(|(call, errno)| failed(call, errno as i32))?;
    }
    if order.unprivileged {
        platform::drop_all_capabilities().map_err(|e| failed(&e.to_string(), e.errno as i32))?;
    }
    let mut command = Command::new(of_user(order).as_ref().unwrap_or(&order.program));
    if let Some((name, arguments)) = order.argv.split_first() {
        command.arg0(name).args(arguments);
    }
    if let Some(user) = &order.user {
        for (key, value) in [("USER", &user.name), ("LOGNAME", &user.name)] {
            command.envs(value.as_ref().map(|v| (key, v)));
        }
        command.envs(user.home.as_ref().map(|home| ("HOME", home)));
    }
    command
        .envs(order.env.iter().map(|(k, v)| (k, v)))
        .current_dir(&order.dir)
        // What it sends to its own group is not for this process.
        .process_group(0)
        .spawn()
        .map(|child| Pid::from_raw(child.id() as i32))
        .map_err(|e| failed("execve", e.raw_os_error().unwrap_or(0)))
}

/// The program was found with root's eyes; the user may not be allowed to execute that one (in
/// root's own folders), and means the next of that name in `PATH`.
fn of_user(order: &Order) -> Option<PathBuf> {
    let name = order.argv.first().filter(|name| !name.contains('/'))?;
    order.user.as_ref()?;
    let given = order.env.iter().rev().find(|(key, _)| key == "PATH");
    let path = match given {
        Some((_, value)) => value.into(),
        None => std::env::var_os("PATH")?,
    };
    super::find::on_path(name, &path)
}

/// Groups first: without root they cannot be changed any more.
fn become_user(user: &User) -> Result<(), (&'static str, Errno)> {
    let gid = Gid::from_raw(user.gid);
    let name = user
        .name
        .as_deref()
        .and_then(|n| std::ffi::CString::new(n).ok());
    match name {
        Some(name) => nix::unistd::initgroups(&name, gid).map_err(|e| ("initgroups", e))?,
        None => nix::unistd::setgroups(&[gid]).map_err(|e| ("setgroups", e))?,
    }
    nix::unistd::setgid(gid).map_err(|e| ("setgid", e))?;
    nix::unistd::setuid(Uid::from_raw(user.uid)).map_err(|e| ("setuid", e))
}

fn close_standard_streams() -> std::io::Result<()> {
    let null = OwnedFd::from(
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?,
    );
    nix::unistd::dup2_stdin(null.as_fd())?;
    nix::unistd::dup2_stdout(null.as_fd())?;
    nix::unistd::dup2_stderr(null.as_fd())?;
    Ok(())
}

fn say(socket: &UnixStream, report: &Report) -> Result<(), Box<dyn std::error::Error>> {
    let mut line = serde_json::to_string(report)?;
    line.push('\n');
    // A socket's buffer holds all the few reports there ever are: this does not block.
    (&*socket).write_all(line.as_bytes())?;
    Ok(())
}

struct Init {
    socket: UnixStream,
    signals: SignalFd,
    main: Pid,
}

impl Init {
    /// Until lab-capture closes the socket.
    fn serve(self, mut requests: BufReader<UnixStream>) -> Result<(), Box<dyn std::error::Error>> {
        let mut main_running = true;
        let mut pending = Vec::new();
        loop {
            let mut fds = [
                PollFd::new(self.socket.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            // One signal may stand for many children.
            while let Ok(Some(_)) = self.signals.read_signal() {}
            self.reap(&mut main_running)?;
            let mut buffer = [0; 1024];
            match requests.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => pending.extend_from_slice(&buffer[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Ok(()),
            }
            while let Some(end) = pending.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                let Request::Signal(number) = serde_json::from_slice(&line)?;
                if main_running {
                    // ESRCH cannot be: only this process reaps it.
                    kill(self.main, Signal::try_from(number)?)?;
                }
            }
        }
    }

    fn reap(&self, main_running: &mut bool) -> Result<(), Box<dyn std::error::Error>> {
        loop {
            let how = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) if pid == self.main => Exit::Status(status),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.main => {
                    Exit::Signal(signal as i32)
                }
                Ok(WaitStatus::StillAlive) => return Ok(()),
                Ok(_) | Err(Errno::EINTR) => continue,
                // ECHILD: none is left. Said once, for without children no SIGCHLD comes.
                Err(_) => return self.say_gone(),
            };
            *main_running = false;
            let at = timeline::now();
            say(&self.socket, &Report::Exited { at, how })?;
        }
    }

    fn say_gone(&self) -> Result<(), Box<dyn std::error::Error>> {
        say(&self.socket, &Report::Gone)
    }
}

/// Without a PID namespace: kills the children, and the orphans that this makes of their children,
/// until none is left.
fn kill_descendants() {
    loop {
        let me = std::process::id();
        let listed = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children"));
        for pid in listed.unwrap_or_default().split_whitespace() {
            if let Ok(pid) = pid.parse() {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        match waitpid(None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}
