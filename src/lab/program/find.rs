//! Which file a scenario's `command` means.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::unistd::{AccessFlags, access};

use super::error::ProgramError;
use crate::scenario::Program;

/// The program's file: with a slash in its name relative to `folder` (the scenario's), else the
/// first in the folders of `PATH` (the scenario's own, if it sets one). Absolute.
///
/// # Errors
/// No such file, or it is not executable.
pub fn find_program(
    actor: &Arc<str>,
    program: &Program,
    folder: &Path,
) -> Result<PathBuf, ProgramError> {
    let name = program.argv.first().map_or("", String::as_str);
    let not_found = |searched| ProgramError::NotFound {
        actor: Arc::clone(actor),
        program: name.to_owned(),
        searched,
    };
    if name.is_empty() {
        return Err(not_found(Vec::new()));
    }
    if name.contains('/') {
        let path = absolute(&folder.join(name));
        return match (path.is_file(), executable(&path)) {
            (true, true) => Ok(path),
            (true, false) => Err(ProgramError::NotExecutable {
                actor: Arc::clone(actor),
                path,
            }),
            (false, _) => Err(not_found(vec![path])),
        };
    }
    let given = program.env.iter().rev().find(|(key, _)| key == "PATH");
    let path = match given {
        Some((_, value)) => value.into(),
        None => std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()),
    };
    on_path(name, &path).ok_or_else(|| not_found(std::env::split_paths(&path).collect()))
}

/// The first file of this name that the calling process may execute.
pub(super) fn on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| absolute(&folder.join(name)))
        .find(|file| file.is_file() && executable(file))
}

/// The working folder of a program: its own, relative to the scenario's, or the scenario's.
///
/// # Errors
/// No such folder.
pub(super) fn working_folder(
    actor: &Arc<str>,
    program: &Program,
    folder: &Path,
) -> Result<PathBuf, ProgramError> {
    let path = match &program.dir {
        Some(dir) => absolute(&folder.join(dir)),
        None => absolute(folder),
    };
    if path.is_dir() {
        Ok(path)
    } else {
        Err(ProgramError::NoFolder {
            actor: Arc::clone(actor),
            path,
        })
    }
}

/// The folder of a scenario given without one is the empty path.
fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    // Fails only without a current folder; then the relative one is as good as any.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn executable(path: &Path) -> bool {
    access(path, AccessFlags::X_OK).is_ok()
}
