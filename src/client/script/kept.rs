//! The file that received bytes go into: nobody sees it before it is whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::platform::owner;

/// A file being received.
///
/// Several may be under way at once under one name: repetitions of a scenario side by side, or two
/// clients. Each writes a file of its own, `.NAME.PID.N.part`, which takes the name when it is
/// over: under the name there is always the whole of one reception, the last that ended. What
/// exists and is no regular file (a pipe, a device) is written into directly.
#[derive(Debug)]
pub struct Kept {
    file: File,
    /// From where to where; `None` once done, and of what is written directly.
    rename: Option<(PathBuf, PathBuf)>,
}

impl Kept {
    /// Creates the file, and its folder if need be; under sudo they belong to the invoking user.
    ///
    /// # Errors
    /// What could not be created, and why.
    pub fn create(path: &Path) -> Result<Kept, (PathBuf, io::Error)> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        if let Some(folder) = path.parent() {
            owner::create_folder(folder)?;
        }
        let failed = |e| (path.to_owned(), e);
        if path.symlink_metadata().is_ok_and(|what| !what.is_file()) {
            return Ok(Kept {
                file: File::create(path).map_err(failed)?,
                rename: None,
            });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let part = path.with_file_name(format!(".{name}.{}.{number}.part", std::process::id()));
        let mut options = OpenOptions::new();
        // What lies there is left of a process of the same number that was killed.
        let file = options.write(true).create(true).truncate(true).open(&part);
        let file = file.map_err(failed)?;
        owner::give_to_invoker(&part);
        Ok(Kept {
            file,
            rename: Some((part, path.to_owned())),
        })
    }

    /// Writes more.
    ///
    /// # Errors
    /// Those of write(2).
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// It is over: the file takes its name, now or never.
    ///
    /// # Errors
    /// Those of rename(2).
    pub fn finish(&mut self) -> io::Result<()> {
        match self.rename.take() {
            Some((from, to)) => std::fs::rename(from, to),
            None => Ok(()),
        }
    }
}

impl Drop for Kept {
    /// What came before a failure is there to be looked at, too.
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_the_name_is_the_whole_of_the_last_that_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/copy");
        let read = || std::fs::read(&path).ok();
        let mut first = Kept::create(&path).unwrap();
        let mut second = Kept::create(&path).unwrap();
        first.write(b"fi").unwrap();
        second.write(b"second").unwrap();
        assert_eq!(read(), None);
        second.finish().unwrap();
        assert_eq!(read().unwrap(), b"second");
        first.write(b"rst").unwrap();
        assert_eq!(read().unwrap(), b"second");
        // Given up, by an error or the end of the run.
        drop(first);
        assert_eq!(read().unwrap(), b"first");
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1);
    }

    #[test]
    fn what_is_no_regular_file_is_written_directly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let mut kept = Kept::create(&path).unwrap();
        kept.write(b"gone").unwrap();
        kept.finish().unwrap();
        assert!(path.symlink_metadata().unwrap().is_symlink());
    }
}
