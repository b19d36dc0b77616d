//! Starting this binary again as the first process of a PID namespace.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// A process that was started.
#[derive(Debug)]
pub struct Started {
    /// The process.
    pub child: Child,
    /// Why it has no PID namespace of its own (no permission for `unshare`), if so; it is process 1
    /// of one otherwise.
    pub shared: Option<Errno>,
}

/// Starts `command` as process 1 of a new PID namespace, with a `/proc` that shows that namespace
/// if the kernel allows it, and with the descriptors `pass` left open under their own numbers.
/// Network namespace and user are those of the calling thread.
///
/// # Errors
/// No process, or the program cannot be executed.
pub fn spawn_in_pid_namespace(
    command: &mut Command,
    pass: &[BorrowedFd<'_>],
) -> io::Result<Started> {
    let fds: Vec<RawFd> = pass.iter().map(AsRawFd::as_raw_fd).collect();
    // `unshare` below changes what the calling thread's children get, for good, and a thread that
    // has done it can start no threads: hence a thread for this alone. It inherits the namespaces.
    std::thread::scope(|scope| {
        let spawn = || {
            let shared = unshare(CloneFlags::CLONE_NEWPID).err();
            let own_proc = shared.is_none() && private_mounts().is_ok();
            // SAFETY: between fork and exec the closure makes two kinds of system call, both
            // async-signal-safe, and touches no memory but its own: no allocation, no lock.
            unsafe {
                command.pre_exec(move || {
                    for &fd in &fds {
                        inherit(fd)?;
                    }
                    if own_proc {
                        mount_proc();
                    }
                    Ok(())
                });
            }
            let child = command.spawn()?;
            Ok(Started { child, shared })
        };
        match std::thread::Builder::new()
            .name("spawn".to_owned())
            .spawn_scoped(scope, spawn)?
            .join()
        {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// A mount namespace of the calling thread whose mounts nobody else sees.
fn private_mounts() -> nix::Result<()> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
}

/// Lets a descriptor survive `execve(2)`.
fn inherit(fd: RawFd) -> io::Result<()> {
    // SAFETY: fcntl with F_SETFD takes an integer; a descriptor that is not open gives EBADF.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) })
        .map(drop)
        .map_err(io::Error::from)
}

/// In a container where parts of `/proc` are hidden the kernel refuses: the old one then stays.
fn mount_proc() {
    // SAFETY: three C strings that live for ever, and no data.
    unsafe {
        libc::mount(
            c"proc".as_ptr(),
            c"/proc".as_ptr(),
            c"proc".as_ptr(),
            libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC,
            std::ptr::null(),
        );
    }
}

/// Can the calling thread's children get a PID namespace of their own? Afterwards they do: for a
/// process that does nothing else.
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN` in the user namespace; `ENOSPC` at `user.max_pid_namespaces`.
pub fn try_pid_namespace() -> Result<(), super::PlatformError> {
    unshare(CloneFlags::CLONE_NEWPID)
        .map_err(|e| super::PlatformError::call("unshare", "CLONE_NEWPID", e))
}

/// Makes the calling process the parent of orphans among its descendants.
///
/// # Errors
/// Linux before 3.4.
pub fn adopt_orphans() -> nix::Result<()> {
    nix::sys::prctl::set_child_subreaper(true)
}

/// Takes the descriptor of this number, which whoever started this process left open for it.
///
/// # Errors
/// `EBADF` if it is not open.
pub fn take_inherited(fd: RawFd) -> io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: fcntl with integers; EBADF tells that nothing is open under the number.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: it is open, and by the contract of the hidden subcommand nobody else here owns it.
    Ok(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd) })
}
