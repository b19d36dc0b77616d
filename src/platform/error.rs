//! What failed: the call, what it was applied to, and the kernel's reason.

use std::path::PathBuf;

use nix::errno::Errno;

/// A system call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} {object}: {}", .errno.desc())]
pub struct PlatformError {
    /// The call or request by name (`unshare`, `SIOCSIFMTU`, `write`).
    pub operation: &'static str,
    /// What it was applied to: an interface, a path, a flag.
    pub object: String,
    /// The reason.
    pub errno: Errno,
}

impl PlatformError {
    /// An error of a call.
    pub fn call(operation: &'static str, object: &str, errno: Errno) -> Self {
        PlatformError {
            operation,
            object: object.to_owned(),
            errno,
        }
    }

    /// An error of the standard library on a path.
    pub fn io(operation: &'static str, path: impl Into<PathBuf>, error: std::io::Error) -> Self {
        PlatformError {
            operation,
            object: path.into().display().to_string(),
            errno: error
                .raw_os_error()
                .map_or(Errno::UnknownErrno, Errno::from_raw),
        }
    }
}
