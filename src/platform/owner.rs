//! Files written under sudo belong to the user who called it.

use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, chown, geteuid};

/// The invoking user under sudo (`SUDO_UID`, `SUDO_GID`); `None` for root itself and everyone else.
pub fn invoker() -> Option<(Uid, Gid)> {
    if !geteuid().is_root() {
        return None;
    }
    let id = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    let (uid, gid) = (id("SUDO_UID")?, id("SUDO_GID")?);
    (uid != 0).then(|| (Uid::from_raw(uid), Gid::from_raw(gid)))
}

/// Gives a file or folder to the invoking user. It stays root's where that fails: the file itself
/// is more important than its owner.
pub fn give_to_invoker(path: &Path) {
    if let Some((uid, gid)) = invoker()
        // EINVAL: in a user namespace of one uid the user has no number.
        && let Err(errno) = chown(path, Some(uid), Some(gid))
        && errno != nix::errno::Errno::EINVAL
    {
        tracing::warn!(
            "cannot give {} to the invoking user: {errno}",
            path.display()
        );
    }
}

/// Makes a folder and those above it, where they are missing; each new one belongs to the invoking
/// user.
///
/// # Errors
/// The path of the folder that could not be made, and why.
pub fn create_folder(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        create_folder(above)?;
    }
    match std::fs::create_dir(folder) {
        Ok(()) => give_to_invoker(folder),
        // Another thread was faster.
        Err(_) if folder.is_dir() => {}
        Err(error) => return Err((folder.to_owned(), error)),
    }
    Ok(())
}
