//! A file without a name, written once and read through memory: pages that the kernel may take back.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, OFlag, fallocate};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, munmap};

/// A file that has no name: nobody else can shorten it, and it is gone with its last user, however
/// this process ends.
#[derive(Debug)]
pub struct Scratch(File);

impl Scratch {
    /// In this folder, which must exist.
    ///
    /// # Errors
    /// The folder cannot be written to, the disk is full.
    pub fn create(folder: &Path) -> io::Result<Arc<Self>> {
        let unnamed = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(OFlag::O_TMPFILE.bits())
            .open(folder);
        // EISDIR: a kernel, EOPNOTSUPP: a file system that knows no file without a name.
        let file = match unnamed.map_err(|e| (e.raw_os_error().map(Errno::from_raw), e)) {
            Err((Some(Errno::EISDIR | Errno::EOPNOTSUPP | Errno::EINVAL), _)) => named(folder)?,
            other => other.map_err(|(_, error)| error)?,
        };
        Ok(Arc::new(Scratch(file)))
    }

    /// Maps `len` bytes from `offset` (a multiple of the page size), all of them allocated on the
    /// disk: what is written there later finds its room.
    ///
    /// # Errors
    /// The disk is full, a limit of the process or of its address space is reached.
    pub fn window(self: &Arc<Self>, offset: u64, len: NonZeroUsize) -> io::Result<Window> {
        let bad = |_| io::Error::from(Errno::EFBIG);
        let (at, size) = (
            i64::try_from(offset).map_err(bad)?,
            i64::try_from(len.get()).map_err(bad)?,
        );
        loop {
            match fallocate(&self.0, FallocateFlags::empty(), at, size) {
                Ok(()) => break,
                Err(Errno::EINTR) => {}
                // Then blocks are allocated when they are written. Only what was written is ever
                // read, so that a full disk is an error of the write all the same.
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => {
                    self.0.set_len(offset.saturating_add(len.get() as u64))?;
                    break;
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        // SAFETY: no address is asked for, so that nothing that is mapped already is replaced.
        let start = unsafe {
            mmap(
                None,
                len,
                ProtFlags::PROT_READ,
                MapFlags::MAP_SHARED,
                &self.0,
                at,
            )
        }?;
        Ok(Window {
            file: Arc::clone(self),
            offset,
            start,
            len: len.get(),
            writer: Mutex::new(()),
            written: AtomicUsize::new(0),
        })
    }
}

impl AsFd for Scratch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A file whose name is taken away at once.
fn named(folder: &Path) -> io::Result<File> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".frames.{}-{serial}.tmp", std::process::id()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// A part of a [`Scratch`], mapped. Bytes are appended, and never change afterwards.
#[derive(Debug)]
pub struct Window {
    file: Arc<Scratch>,
    offset: u64,
    start: NonNull<c_void>,
    len: usize,
    /// Held while bytes are appended.
    writer: Mutex<()>,
    /// Bytes that have been written, from the start on.
    written: AtomicUsize,
}

// SAFETY: the mapping belongs to this object alone and is only read; `written` orders its growth.
unsafe impl Send for Window {}
// SAFETY: as above.
unsafe impl Sync for Window {}

impl Window {
    /// Appends the bytes; where they begin, or `None` if there is no room for all of them.
    ///
    /// # Errors
    /// What writing the file says; nothing has been appended then.
    pub fn append(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let _writer = self.writer.lock().unwrap_or_else(|e| e.into_inner());
        let at = self.written.load(Ordering::Relaxed);
        if bytes.len() > self.len - at {
            return Ok(None);
        }
        self.file.0.write_all_at(bytes, self.offset + at as u64)?;
        self.written.store(at + bytes.len(), Ordering::Release);
        Ok(Some(at))
    }

    /// What was written so far.
    pub fn bytes(&self) -> &[u8] {
        let written = self.written.load(Ordering::Acquire);
        // SAFETY: the mapping is `len >= written` bytes long and lives as long as `self`. These bytes
        // were written before `written` said so, and are never written again; the file has no name,
        // its descriptor is ours, and nothing here makes it shorter, so that the pages stay. (A disk that
        // cannot give back what it took raises SIGBUS, as it does for a program's own text.)
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), written) }
    }

    /// The file, and where in it the window begins.
    pub fn place(&self) -> (&Arc<Scratch>, u64) {
        (&self.file, self.offset)
    }

    /// Gives the pages back to the kernel, which has them in the file: who reads on gets them again.
    pub fn give_back(&self) {
        // SAFETY: the range is this object's own mapping, of a shared file: its content stays.
        // Advice that is not taken costs memory and nothing else.
        let _ = unsafe { madvise(self.start, self.len, MmapAdvise::MADV_DONTNEED) };
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: mapped by `Scratch::window` with this length; references into it cannot outlive it.
        let _ = unsafe { munmap(self.start, self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(len: usize) -> Window {
        let scratch = Scratch::create(&std::env::temp_dir()).unwrap();
        scratch.window(0, NonZeroUsize::new(len).unwrap()).unwrap()
    }

    #[test]
    fn what_is_appended_is_there_also_when_pages_were_given_back() {
        let window = window(10_000);
        assert_eq!(window.append(&[1; 6000]).unwrap(), Some(0));
        let before = window.bytes();
        assert_eq!(window.append(&[2; 4000]).unwrap(), Some(6000));
        assert_eq!(window.append(&[3]).unwrap(), None);
        window.give_back();
        assert_eq!(before, [1; 6000]);
        assert_eq!(window.bytes()[6000..], [2; 4000]);
    }

    #[test]
    fn a_file_without_a_name_is_also_had_by_taking_its_name_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = named(folder.path()).unwrap();
        file.write_all_at(b"x", 0).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Scratch::create(&folder.path().join("nowhere")).is_err());
    }
}
