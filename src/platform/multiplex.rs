//! `select(2)`, `poll(2)` and `epoll(7)` over descriptor numbers.
//!
//! Numbers, not borrowed descriptors: a connection that a loop watches closes its own socket whenever its program says
//! so, and no borrow may keep it open. A number that is stale yields EBADF or POLLNVAL, never a memory error.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::select::{FD_SETSIZE, FdSet};
use nix::sys::time::{TimeVal, TimeValLike};

use super::notify::unique;

/// What a descriptor is watched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interest {
    /// Until it can be read (or its end or an error has come).
    pub read: bool,
    /// Until it can be written.
    pub write: bool,
}

impl Interest {
    /// Reading only.
    pub const READ: Interest = Interest {
        read: true,
        write: false,
    };
    /// Writing only.
    pub const WRITE: Interest = Interest {
        read: false,
        write: true,
    };
    /// Both.
    pub const BOTH: Interest = Interest {
        read: true,
        write: true,
    };

    /// Nothing at all?
    pub fn is_none(self) -> bool {
        !self.read && !self.write
    }
}

/// One more than the largest descriptor number that `select(2)` can watch.
pub const SELECT_LIMIT: RawFd = FD_SETSIZE as RawFd;

/// Time until `deadline`, rounded up to whole milliseconds; `None` waits for ever.
fn milliseconds(deadline: Option<Instant>) -> libc::c_int {
    let Some(deadline) = deadline else { return -1 };
    let left = deadline.saturating_duration_since(Instant::now());
    let rounded = left + Duration::from_nanos(999_999);
    rounded.as_millis().min(i32::MAX as u128) as libc::c_int
}

/// One `select(2)`; the numbers that are ready to read and to write. Nothing when the deadline or a signal came first.
///
/// # Errors
/// EBADF, ENOMEM; EINVAL when a number is not below [`SELECT_LIMIT`].
pub fn select(
    watched: impl Iterator<Item = (RawFd, Interest)>,
    deadline: Option<Instant>,
) -> io::Result<Vec<RawFd>> {
    let (mut read, mut write) = (FdSet::new(), FdSet::new());
    let mut all = Vec::new();
    for (fd, interest) in watched {
        if !(0..SELECT_LIMIT).contains(&fd) {
            return Err(Errno::EINVAL.into());
        }
        // SAFETY: the borrow lives for this call only, and nothing closes a descriptor meanwhile on this thread; were
        // the number stale, the kernel answers EBADF.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
        if interest.read {
            read.insert(borrowed);
        }
        if interest.write {
            write.insert(borrowed);
        }
        all.push((fd, borrowed));
    }
    let mut left = deadline.map(|d| {
        let left = d.saturating_duration_since(Instant::now());
        TimeVal::microseconds(left.as_nanos().div_ceil(1000).min(i64::MAX as u128) as i64)
    });
    match nix::sys::select::select(None, &mut read, &mut write, None, left.as_mut()) {
        Ok(0) | Err(Errno::EINTR) => Ok(Vec::new()),
        Ok(_) => Ok(all
            .into_iter()
            .filter(|(_, b)| read.contains(*b) || write.contains(*b))
            .map(|(fd, _)| fd)
            .collect()),
        Err(e) => Err(e.into()),
    }
}

/// The list that `poll(2)` takes, kept from one call to the next.
#[derive(Default)]
pub struct PollList {
    slots: Vec<libc::pollfd>,
}

impl PollList {
    /// Watches one more; its place in the list is its number of slots before this call.
    pub fn push(&mut self, fd: RawFd, interest: Interest) {
        self.slots.push(libc::pollfd {
            fd,
            events: poll_events(interest),
            revents: 0,
        });
    }

    /// Watches the descriptor at this place for something else.
    pub fn change(&mut self, place: usize, interest: Interest) {
        self.slots[place].events = poll_events(interest);
    }

    /// Removes a place; the last one moves into it.
    pub fn swap_remove(&mut self, place: usize) {
        self.slots.swap_remove(place);
    }

    /// Number of places.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Nothing watched?
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// One `poll(2)`; the places where something happened.
    ///
    /// # Errors
    /// EINVAL (more than RLIMIT_NOFILE), ENOMEM.
    pub fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Vec<usize>> {
        // SAFETY: the pointer and the length are those of one live Vec of pollfd.
        let n = unsafe {
            libc::poll(
                self.slots.as_mut_ptr(),
                self.slots.len() as libc::nfds_t,
                milliseconds(deadline),
            )
        };
        match Errno::result(n) {
            Ok(0) | Err(Errno::EINTR) => Ok(Vec::new()),
            Ok(_) => Ok((0..self.slots.len())
                .filter(|i| self.slots[*i].revents != 0)
                .collect()),
            Err(e) => Err(e.into()),
        }
    }
}

fn poll_events(interest: Interest) -> libc::c_short {
    let mut events = 0;
    if interest.read {
        events |= libc::POLLIN;
    }
    if interest.write {
        events |= libc::POLLOUT;
    }
    events
}

/// An epoll instance, level triggered.
pub struct EpollSet {
    epoll: Epoll,
    events: Vec<EpollEvent>,
}

impl EpollSet {
    /// A new one.
    ///
    /// # Errors
    /// What `epoll_create1(2)` says.
    pub fn new() -> io::Result<Self> {
        Ok(EpollSet {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            events: vec![EpollEvent::empty(); 256],
        })
    }

    /// Watches `fd`, which is not in the set, under `token`.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says: ENOSPC, ENOMEM, EPERM (a regular file).
    pub fn add(&self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        // SAFETY: as in `select`.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
        Ok(self
            .epoll
            .add(borrowed, EpollEvent::new(epoll_flags(interest), token))?)
    }

    /// Watches `fd` for something else.
    ///
    /// # Errors
    /// ENOENT when it is not in the set.
    pub fn change(&self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        // SAFETY: as in `select`.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
        Ok(self
            .epoll
            .modify(borrowed, &mut EpollEvent::new(epoll_flags(interest), token))?)
    }

    /// Forgets `fd`; nothing if it is closed, which removed it already.
    pub fn remove(&self, fd: RawFd) {
        // SAFETY: as in `select`.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
        let _ = self.epoll.delete(borrowed);
    }

    /// One `epoll_wait(2)`; the tokens with something ready.
    ///
    /// # Errors
    /// EBADF, EINVAL.
    pub fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Vec<u64>> {
        let timeout = nix::sys::epoll::EpollTimeout::try_from(milliseconds(deadline))
            .unwrap_or(nix::sys::epoll::EpollTimeout::NONE);
        match self.epoll.wait(&mut self.events, timeout) {
            Ok(n) => Ok(self.events[..n].iter().map(EpollEvent::data).collect()),
            Err(Errno::EINTR) => Ok(Vec::new()),
            Err(e) => Err(e.into()),
        }
    }
}

fn epoll_flags(interest: Interest) -> EpollFlags {
    let mut flags = EpollFlags::empty();
    if interest.read {
        flags |= EpollFlags::EPOLLIN;
    }
    if interest.write {
        flags |= EpollFlags::EPOLLOUT;
    }
    flags
}

/// Readable when the watched socket has its peer's end (RDHUP), an error or a hang-up, and not because of data.
///
/// It is an epoll instance of one member, so that `select(2)`, which cannot ask for RDHUP, can wait for it as well.
#[derive(Debug)]
pub struct HangupGate {
    epoll: OwnedFd,
    id: u64,
}

impl HangupGate {
    /// A gate on this socket, which must stay open as long as the gate is used.
    ///
    /// # Errors
    /// What `epoll_create1(2)` and `epoll_ctl(2)` say.
    pub fn new(socket: RawFd) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        // SAFETY: as in `select`.
        let borrowed = unsafe { BorrowedFd::borrow_raw(socket) };
        epoll.add(borrowed, EpollEvent::new(EpollFlags::EPOLLRDHUP, 0))?;
        Ok(HangupGate {
            epoll: epoll.0,
            id: unique(),
        })
    }

    /// Identity of this object, see [`unique`].
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl AsRawFd for HangupGate {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}
