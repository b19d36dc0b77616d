//! Where a capture file goes: a temporary file beside its target, renamed onto it when finished.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::fcntl::copy_file_range;
use nix::unistd::fchown;

use crate::capture::Chunk;
use crate::platform::owner::create_folder;

/// A capture file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Nothing left on the file system, or the user's quota is used up.
    #[error("no space left to write {}: {source}", .path.display())]
    Full {
        /// The capture file.
        path: PathBuf,
        /// The kernel's words.
        source: io::Error,
    },
    /// The folder cannot be written to.
    #[error("cannot create {}: {source}", .path.display())]
    Create {
        /// The capture file, or the folder that could not be made.
        path: PathBuf,
        /// The kernel's words.
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// The capture file.
        path: PathBuf,
        /// The kernel's words.
        source: io::Error,
    },
}

/// A file in the making. The kernel is only ever given whole records, so that the file is valid
/// whenever the process is killed. Dropped without [`Output::finish`], what has been written is put
/// in its place all the same: an interrupted run leaves what it saw.
#[derive(Debug)]
pub struct Output {
    file: Option<File>,
    /// Where the bytes go until the file is finished; the same as `target` when written in place.
    temporary: PathBuf,
    target: PathBuf,
    /// Whole records, and at its end perhaps the beginning of one.
    buffer: Vec<u8>,
    /// Length of the whole records in `buffer`.
    whole: usize,
    /// A write failed: the file is no good.
    broken: bool,
}

/// Bytes gathered before the kernel gets them.
const BUFFER: usize = 256 << 10;

/// Tells apart the temporary files of one process.
static SERIAL: AtomicU64 = AtomicU64::new(0);

impl Output {
    /// Creates the folder of `target` if need be, and a temporary file in it.
    ///
    /// # Errors
    /// The folder cannot be made or written to, or the disk is full.
    pub fn create(target: impl Into<PathBuf>) -> Result<Self, WriteError> {
        let target = target.into();
        if let Some(folder) = target.parent() {
            create_folder(folder).map_err(|(folder, e)| failure(&folder, e, true))?;
        }
        let temporary = temporary_name(&target);
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary);
        Self::new(created, temporary, target)
    }

    /// Opens `target` itself, for those who read it while it grows, and for pipes.
    ///
    /// # Errors
    /// As [`Output::create`].
    pub fn in_place(target: impl Into<PathBuf>) -> Result<Self, WriteError> {
        let target = target.into();
        let created = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&target);
        Self::new(created, target.clone(), target)
    }

    fn new(
        created: io::Result<File>,
        temporary: PathBuf,
        target: PathBuf,
    ) -> Result<Self, WriteError> {
        let owned = created.and_then(|file| {
            // What is not a file (a pipe, a terminal) belongs to whom it belongs.
            if file.metadata()?.is_file() {
                give_to_invoking_user(&file)?;
            }
            Ok(file)
        });
        match owned {
            Ok(file) => Ok(Output {
                file: Some(file),
                temporary,
                target,
                buffer: Vec::with_capacity(BUFFER),
                whole: 0,
                broken: false,
            }),
            Err(source) => {
                if temporary != target {
                    let _ = std::fs::remove_file(&temporary);
                }
                Err(failure(&target, source, true))
            }
        }
    }

    /// Appends to the record under way.
    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that what was written since the last call is one record.
    ///
    /// # Errors
    /// The disk is full, or the file system failed; nothing more can be written then.
    pub fn end_record(&mut self) -> Result<(), WriteError> {
        self.whole = self.buffer.len();
        if self.whole < BUFFER {
            return self.unless_broken();
        }
        self.flush_records()
    }

    /// Appends a chunk of whole records that lies in a file of this process, which the kernel copies
    /// from file to file if it can.
    ///
    /// # Errors
    /// As [`Output::end_record`].
    pub fn copy(&mut self, from: BorrowedFd<'_>, at: u64, chunk: &Chunk) -> Result<(), WriteError> {
        self.flush_records()?;
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let mut source = i64::try_from(at).unwrap_or(i64::MAX);
        let mut left = chunk.len();
        let result = loop {
            if left == 0 {
                break Ok(());
            }
            match copy_file_range(from, Some(&mut source), &*file, None, left) {
                Ok(copied) if copied > 0 => left -= copied.min(left),
                Err(Errno::EINTR) => {}
                // Another file system, a pipe, an old kernel.
                Ok(_) | Err(Errno::EXDEV | Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
                    let done = chunk.len() - left;
                    break file.write_all(&chunk.bytes()[done..]);
                }
                Err(errno) => break Err(errno.into()),
            }
        };
        self.broken = result.is_err();
        result.map_err(|e| failure(&self.target, e, false))
    }

    /// Hands all whole records to the kernel: another process can read them.
    ///
    /// # Errors
    /// As [`Output::end_record`].
    pub fn flush_records(&mut self) -> Result<(), WriteError> {
        self.unless_broken()?;
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let result = file.write_all(&self.buffer[..self.whole]);
        self.broken = result.is_err();
        self.buffer.drain(..self.whole);
        self.whole = 0;
        result.map_err(|e| failure(&self.target, e, false))
    }

    /// Flushes, and renames onto the target: who looks there sees the old file or the whole new one.
    ///
    /// # Errors
    /// As [`Output::end_record`]; the target is then as it was before.
    pub fn finish(mut self) -> Result<PathBuf, WriteError> {
        self.publish()?;
        Ok(self.target.clone())
    }

    fn publish(&mut self) -> Result<(), WriteError> {
        let flushed = self.flush_records();
        self.file = None;
        if self.temporary == self.target {
            return flushed;
        }
        let result = flushed.and_then(|()| {
            std::fs::rename(&self.temporary, &self.target)
                .map_err(|e| failure(&self.target, e, false))
        });
        if result.is_err() {
            let _ = std::fs::remove_file(&self.temporary);
        }
        result
    }

    fn unless_broken(&self) -> Result<(), WriteError> {
        if self.broken {
            let source = io::Error::other("an earlier write failed");
            return Err(failure(&self.target, source, false));
        }
        Ok(())
    }
}

/// Into the buffer; see [`Output::end_record`].
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Nobody is left to be told; `finish` is for those who want to know.
            let _ = self.publish();
        }
    }
}

fn failure(path: &Path, source: io::Error, creating: bool) -> WriteError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            WriteError::Full { path, source }
        }
        _ if creating => WriteError::Create { path, source },
        _ => WriteError::Write { path, source },
    }
}

/// `.NAME.PID-SERIAL.tmp`: hidden, in the same folder so that the rename is atomic.
fn temporary_name(target: &Path) -> PathBuf {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or("capture".as_ref()));
    name.push(format!(".{}-{serial}.tmp", std::process::id()));
    target.with_file_name(name)
}

/// Under `sudo`, files belong to the user who typed it, not to root.
fn give_to_invoking_user(file: &File) -> io::Result<()> {
    match crate::platform::owner::invoker() {
        Some((uid, gid)) => match fchown(file, Some(uid), Some(gid)) {
            // In a user namespace of one uid the user has no number: the file stays root's.
            Ok(()) | Err(Errno::EINVAL) => Ok(()),
            Err(errno) => Err(errno.into()),
        },
        None => Ok(()),
    }
}
