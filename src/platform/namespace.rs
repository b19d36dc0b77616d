//! User and network namespaces, and the files under `/proc` that configure them.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::PlatformError;

/// Why no user namespace could be entered.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum UserNamespaceError {
    /// `EPERM`: `kernel.unprivileged_userns_clone` is 0, a seccomp filter (containers), or a chroot.
    #[error("unshare(CLONE_NEWUSER): not permitted{}", sysctl_note(*.unprivileged_userns_clone))]
    NotPermitted {
        /// `kernel.unprivileged_userns_clone` (Debian's switch), if the kernel has it.
        unprivileged_userns_clone: Option<u64>,
    },
    /// `ENOSPC`: `user.max_user_namespaces` is reached (0 turns them off), or they are nested 32 deep.
    #[error("unshare(CLONE_NEWUSER): no more user namespaces (user.max_user_namespaces = {})", .max_user_namespaces.map_or("unknown".to_owned(), |n| n.to_string()))]
    NoSpace {
        /// `user.max_user_namespaces`.
        max_user_namespaces: Option<u64>,
    },
    /// AppArmor let the namespace be made, but took its capabilities (Ubuntu 24.04 and later).
    #[error("AppArmor allows no capabilities in this user namespace ({0})")]
    AppArmor(String),
    /// `EINVAL`: the process has more than one thread.
    #[error("unshare(CLONE_NEWUSER): the process has {0} threads, only one may be there")]
    Threads(usize),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] PlatformError),
}

fn sysctl_note(value: Option<u64>) -> String {
    value.map_or(String::new(), |v| {
        format!(" (kernel.unprivileged_userns_clone = {v})")
    })
}

/// Enters a new user namespace in which the user is mapped to **itself**: programs see the uid they
/// know, and lose all capabilities at `execve(2)`; this process has them all inside the namespace.
///
/// # Errors
/// See [`UserNamespaceError`]. After [`UserNamespaceError::AppArmor`] the process is inside a
/// namespace of no use; it should end.
pub fn enter_user_namespace() -> Result<(), UserNamespaceError> {
    // Before unshare: afterwards, until mapped, both are the overflow ids.
    let (uid, gid) = (geteuid(), getegid());
    let restricted = apparmor_restricts();
    if let Err(errno) = unshare(CloneFlags::CLONE_NEWUSER) {
        return Err(match errno {
            Errno::EPERM => match &restricted {
                Some(why) => UserNamespaceError::AppArmor(why.clone()),
                None => UserNamespaceError::NotPermitted {
                    unprivileged_userns_clone: read_number(
                        "/proc/sys/kernel/unprivileged_userns_clone",
                    ),
                },
            },
            Errno::ENOSPC | Errno::EUSERS => UserNamespaceError::NoSpace {
                max_user_namespaces: read_number("/proc/sys/user/max_user_namespaces"),
            },
            Errno::EINVAL => UserNamespaceError::Threads(threads()),
            other => PlatformError::call("unshare", "CLONE_NEWUSER", other).into(),
        });
    }
    // `setgroups` must be denied before an unprivileged process may write `gid_map` (user_namespaces(7)).
    let files = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("{uid} {uid} 1\n")),
        ("/proc/self/gid_map", format!("{gid} {gid} 1\n")),
    ];
    for (path, text) in files {
        if let Err(error) = std::fs::write(path, text) {
            return Err(match (restricted, error.raw_os_error()) {
                (Some(why), Some(code))
                    if [Errno::EPERM as i32, Errno::EACCES as i32].contains(&code) =>
                {
                    UserNamespaceError::AppArmor(why)
                }
                _ => PlatformError::io("write", path, error).into(),
            });
        }
    }
    Ok(())
}

/// Why AppArmor may take the capabilities of a user namespace, if it may.
pub fn apparmor_restricts() -> Option<String> {
    let restricted = read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")? != 0;
    restricted.then(|| {
        let profile = std::fs::read_to_string("/proc/self/attr/apparmor/current")
            .or_else(|_| std::fs::read_to_string("/proc/self/attr/current"))
            .unwrap_or_default();
        format!(
            "kernel.apparmor_restrict_unprivileged_userns = 1, profile {}",
            profile.trim_matches(['\0', '\n', ' '])
        )
    })
}

/// Moves the calling thread, and what it starts from now on, into a new network namespace, whose
/// `lo` is down.
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN` in the thread's user namespace; `ENOSPC` at
/// `user.max_net_namespaces`.
pub fn new_network_namespace() -> Result<(), PlatformError> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|e| PlatformError::call("unshare", "CLONE_NEWNET", e))
}

/// Number of threads of this process.
pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, |tasks| tasks.count())
}

fn read_number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The file of a sysctl named as `sysctl(8)` names it: dots part the names, and a slash stands for
/// a dot inside a name.
fn sysctl_path(name: &str) -> PathBuf {
    let swapped: String = name
        .chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            c => c,
        })
        .collect();
    Path::new("/proc/sys").join(swapped)
}

/// Is `name` one that follows the network namespace (`net.…`) and stays below `/proc/sys/net`?
pub fn is_network_sysctl(name: &str) -> bool {
    name.starts_with("net.")
        && name.split('.').all(|part| !part.is_empty() && part != "/")
        && !name.contains("//")
}

/// Reads a sysctl of the calling thread's namespace.
///
/// # Errors
/// The kernel has none of that name.
pub fn read_sysctl(name: &str) -> Result<String, PlatformError> {
    let path = sysctl_path(name);
    std::fs::read_to_string(&path)
        .map(|text| text.trim_end().to_owned())
        .map_err(|e| PlatformError::io("read", path, e))
}

/// Writes a sysctl of the calling thread's namespace: `/proc/sys/net` shows the namespace of the
/// thread that opens the file.
///
/// # Errors
/// The kernel has none of that name or refuses the value, or it is not this namespace's to set.
pub fn write_sysctl(name: &str, value: &str) -> Result<(), PlatformError> {
    let path = sysctl_path(name);
    // Not `fs::write`: that would try to create a name that does not exist and say EACCES.
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, value.as_bytes()))
        .map_err(|e| PlatformError::io("write", path, e))
}
