//! A process for each connection, children reaped. It always runs in a process of its own, see [`super::process`]:
//! `fork(2)` needs a process with one thread.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};

use super::blocking::{Waiter, Woken, wait_cancel};
use super::handler;
use super::shop::{Serve, Shop};
use crate::client::report::errno_of;
use crate::client::task::Driven;
use crate::client::{Link, drive};
use crate::platform::process::{exit_now, fork_alone};

/// The kind.
pub struct Forking;

impl Serve for Forking {
    fn serve(self: Box<Self>, shop: &Shop) -> io::Result<()> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        mask.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let children = SignalFd::with_flags(&mask, flags)?;
        let mut waiter = Waiter::new(Some(children.as_fd().as_raw_fd()));
        loop {
            match waiter.next(shop)? {
                Woken::Connection(link) => fork_for(shop, link),
                Woken::Also => {
                    while let Ok(Some(_)) = children.read_signal() {}
                    reap(shop, Some(WaitPidFlag::WNOHANG));
                }
                Woken::Cancelled => {
                    reap(shop, None);
                    return Ok(());
                }
            }
        }
    }
}

fn fork_for(shop: &Shop, mut link: Link) {
    handler::accepted(&shop.reporter, link.ends).push();
    match fork_alone() {
        Ok(ForkResult::Child) => {
            // The parent goes on listening, the child does not.
            shop.listener.close();
            // A panic must end this child, and not make a second server of it.
            let serve = std::panic::AssertUnwindSafe(|| serve_one(shop, link));
            exit_now(std::panic::catch_unwind(serve).unwrap_or(101));
        }
        Ok(ForkResult::Parent { child }) => {
            // The parent's copy: closing it puts nothing on the wire.
            drop(link.take());
            link.event("fork", format!("child {child}")).push();
        }
        Err(e) => {
            link.failed("fork", errno_of(&e));
            link.close();
        }
    }
}

fn serve_one(shop: &Shop, link: Link) -> i32 {
    let mut task = handler::task(shop, link);
    match drive(&mut *task, &shop.context.cancel) {
        Ok(Driven::Over) if task.holds() => {
            // Sockets that the program left open live as long as this process.
            i32::from(wait_cancel(&shop.context.cancel).is_err())
        }
        Ok(_) => 0,
        Err(e) => {
            shop.reporter
                .error("poll", errno_of(&e))
                .failed(true)
                .push();
            1
        }
    }
}

/// Takes the exit status of children: of those that have ended, or of all.
fn reap(shop: &Shop, flag: Option<WaitPidFlag>) {
    loop {
        let (child, how, failed) = match waitpid(Pid::from_raw(-1), flag) {
            Ok(WaitStatus::Exited(pid, status)) => (pid, format!("exit {status}"), status != 0),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, signal.to_string(), true),
            Err(Errno::EINTR) => continue,
            _ => return,
        };
        let text = format!("child {child} {how}");
        shop.reporter.event("waitpid", text).failed(failed).push();
    }
}
