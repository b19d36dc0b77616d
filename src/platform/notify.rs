//! Descriptors that wake: [`Notify`] for 'something changed', [`Cancel`] for 'end now'.
//!
//! Both sit in a `select`, `poll` or `epoll` beside sockets, so nothing that blocks needs a time-out to notice them.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// A number that no other descriptor of this process ever had: descriptor numbers come back, this does not.
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An eventfd: readable from [`Notify::signal`] until [`Notify::clear`].
#[derive(Debug)]
pub struct Notify {
    fd: EventFd,
    id: u64,
}

impl Notify {
    /// A new one, not signalled.
    ///
    /// # Errors
    /// What `eventfd(2)` says: EMFILE, ENFILE, ENOMEM.
    pub fn new() -> io::Result<Self> {
        let fd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Notify { fd, id: unique() })
    }

    /// Makes it readable.
    pub fn signal(&self) {
        // EAGAIN means that the counter is full, hence it is readable already.
        let _ = self.fd.write(1);
    }

    /// Makes it unreadable again. Clear first, look second: what changes in between signals again.
    pub fn clear(&self) {
        let _ = self.fd.read();
    }

    /// Identity of this object, see [`unique`].
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl AsRawFd for Notify {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_fd().as_raw_fd()
    }
}

impl AsFd for Notify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Ends whatever polls it, for good: it stays readable once cancelled.
///
/// Either an eventfd of this process, or the read end of a pipe that another process holds open: then its end, for
/// whatever reason, is the signal.
#[derive(Debug, Clone)]
pub struct Cancel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
enum Inner {
    Event(EventFd),
    Pipe(OwnedFd),
}

impl Cancel {
    /// Not cancelled yet.
    ///
    /// # Errors
    /// What `eventfd(2)` says.
    pub fn new() -> io::Result<Self> {
        let fd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Cancel {
            inner: Arc::new(Inner::Event(fd)),
        })
    }

    /// Cancelled when the other end of this pipe closes (or writes).
    pub fn from_pipe(fd: OwnedFd) -> Self {
        Cancel {
            inner: Arc::new(Inner::Pipe(fd)),
        }
    }

    /// Wakes everything that polls this, now and later. Nothing for a pipe: its other end decides.
    pub fn cancel(&self) {
        if let Inner::Event(fd) = &*self.inner {
            let _ = fd.write(1);
        }
    }

    /// Has it been cancelled?
    pub fn is_cancelled(&self) -> bool {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut fds, PollTimeout::ZERO) {
                Err(nix::errno::Errno::EINTR) => continue,
                Ok(n) => return n > 0,
                Err(_) => return false,
            }
        }
    }
}

impl AsFd for Cancel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &*self.inner {
            Inner::Event(fd) => fd.as_fd(),
            Inner::Pipe(fd) => fd.as_fd(),
        }
    }
}

impl AsRawFd for Cancel {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
