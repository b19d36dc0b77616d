//! Descriptor limits, `fork(2)`, and reaping.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{ForkResult, fork};

use super::multiplex::SELECT_LIMIT;

/// The soft and the hard `RLIMIT_NOFILE`.
///
/// # Errors
/// What `getrlimit(2)` says.
pub fn descriptor_limit() -> io::Result<(u64, u64)> {
    Ok(getrlimit(Resource::RLIMIT_NOFILE)?)
}

/// Raises the soft `RLIMIT_NOFILE` to the hard one; `Some(limit)` if that changed anything.
pub fn raise_descriptor_limit() -> Option<u64> {
    let (soft, hard) = descriptor_limit().ok()?;
    if soft >= hard {
        return None;
    }
    change_descriptor_limit(hard, hard).ok()?;
    Some(hard)
}

/// What the caller gave this process before [`change_descriptor_limit`] first changed it.
static GIVEN: OnceLock<(u64, u64)> = OnceLock::new();

/// Sets the soft and the hard `RLIMIT_NOFILE` for this process's own needs; what its caller gave it
/// is kept in mind, see [`given_descriptor_limit`].
///
/// # Errors
/// EPERM or EINVAL: above the hard limit, and the process may not raise that.
pub fn change_descriptor_limit(soft: u64, hard: u64) -> io::Result<()> {
    let given = descriptor_limit()?;
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
    // In a race of two threads both have seen the same, or the first has been here.
    GIVEN.get_or_init(|| given);
    Ok(())
}

/// The soft and the hard `RLIMIT_NOFILE` that this process was given, where it has changed them since.
pub fn given_descriptor_limit() -> Option<(u64, u64)> {
    GIVEN.get().copied()
}

/// Sets the soft `RLIMIT_NOFILE` of this process.
///
/// # Errors
/// EPERM or EINVAL when it is above the hard limit and the process may not raise that.
pub fn set_descriptor_limit(soft: u64) -> io::Result<()> {
    let (_, hard) = descriptor_limit()?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard.max(soft))?)
}

/// Numbers below this are left alone by [`out_of_the_way`].
const LOW: i32 = 256;

/// Moves a descriptor to a number that `select(2)` cannot watch anyway, once low numbers become scarce: select's limit is on
/// the numbers of the whole process, and a select server of this process needs the low ones for its connections. If
/// there is no room above, the descriptor stays where it is.
pub fn out_of_the_way(fd: OwnedFd) -> OwnedFd {
    let number = fd.as_raw_fd();
    if !(LOW..SELECT_LIMIT).contains(&number) {
        return fd;
    }
    match fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(SELECT_LIMIT)) {
        // SAFETY: fcntl returned a new descriptor that nothing else owns.
        Ok(high) => unsafe { OwnedFd::from_raw_fd(high) },
        Err(_) => fd,
    }
}

/// Threads of this process.
fn threads() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// `fork(2)`. Refused (EDEADLK) in a process with more than one thread: the child would hold the locks of threads that
/// it does not have.
///
/// # Errors
/// EAGAIN, ENOMEM, EDEADLK.
pub fn fork_alone() -> io::Result<ForkResult> {
    if threads()? != 1 {
        return Err(nix::errno::Errno::EDEADLK.into());
    }
    // SAFETY: this process has one thread, so the child finds every lock and the allocator in a consistent state.
    Ok(unsafe { fork() }?)
}

/// Ends this process at once, without running destructors or flushing buffers that belong to the parent as well.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: `_exit` takes any status and does not return.
    unsafe { nix::libc::_exit(status) }
}

/// Longest time for a process to stop: it does so before its next instruction in user space.
const STOP_LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

/// Waits until a process that was sent SIGSTOP has stopped, as `/proc` shows it: the kernel tells
/// nobody but its parent. `false` if it has not in 5 s, or is gone.
pub fn wait_stopped(pid: nix::unistd::Pid) -> bool {
    let end = std::time::Instant::now() + STOP_LIMIT;
    while std::time::Instant::now() < end {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            return false;
        };
        // The state follows the command's name, which stands in parentheses and may hold some.
        let state = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next());
        match state {
            Some('T' | 't') => return true,
            Some('Z' | 'X') | None => return false,
            _ => std::thread::sleep(std::time::Duration::from_micros(200)),
        }
    }
    false
}
