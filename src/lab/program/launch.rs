//! A program is started: its supervisor first, which executes it.

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;

use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::{Uid, User as Account, geteuid};

use super::error::ProgramError;
use super::find::{find_program, working_folder};
use super::init::SUBCOMMAND;
use super::monitor::{Monitor, Shared};
use super::protocol::{FIRST_WORD, Order, User};
use super::running::RunningProgram;
use crate::lab::isolation::Isolation;
use crate::platform::forking::spawning;
use crate::platform::init::spawn_in_pid_namespace;
use crate::platform::process::given_descriptor_limit;
use crate::scenario::Program;
use crate::timeline::Timeline;

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
        let alone = spawning();
        let io = |operation| move |e: std::io::Error| (operation, e.to_string());
        let begin = || {
            let (ours, theirs) = UnixStream::pair().map_err(io("socketpair"))?;
            let end = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)
                .map_err(|e| ("eventfd", e.desc().to_owned()))?;
            let socket = ours.try_clone().map_err(io("dup"))?;
            let mut command = Command::new("/proc/self/exe");
            command
                .arg0("lab-capture")
                .arg(SUBCOMMAND)
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
        // The supervisor's first word; if it has none, its end will be noticed.
        let _ = ours.read_exact(&mut [0; FIRST_WORD.len()]);
        drop(alone);

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

/// Types each line with its line feed. `None` when the program no longer reads.
fn type_lines(mut stdin: ChildStdin, lines: &[String]) -> Option<ChildStdin> {
    for line in lines {
        stdin.write_all(format!("{line}\n").as_bytes()).ok()?;
    }
    Some(stdin)
}
