//! Snapshots that wait for review, and stale ones: what `lab-capture snap` works on, also outside a
//! cargo project.

use std::path::{Path, PathBuf};

use super::snapshot::{self, SnapshotError};

/// A snapshot that waits for review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The `.snap.new` file.
    pub new: PathBuf,
    /// The `.snap` file that it would become.
    pub target: PathBuf,
}

impl Pending {
    /// What is stored now (`None`: nothing yet) and what waits.
    ///
    /// # Errors
    /// One of the files is not a snapshot.
    pub fn contents(&self) -> Result<(Option<String>, String), SnapshotError> {
        let stored = snapshot::read(&self.target)?;
        let waiting = snapshot::read(&self.new)?.unwrap_or_default();
        Ok((stored, waiting))
    }

    /// Makes it the snapshot.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn accept(&self) -> Result<(), SnapshotError> {
        std::fs::rename(&self.new, &self.target).map_err(|source| SnapshotError::Unwritable {
            path: self.target.clone(),
            source,
        })
    }

    /// Throws it away; what is stored stays.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn reject(&self) -> Result<(), SnapshotError> {
        std::fs::remove_file(&self.new).map_err(|source| SnapshotError::Unwritable {
            path: self.new.clone(),
            source,
        })
    }
}

/// What was found below some paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Snapshots that wait, by path.
    pub pending: Vec<Pending>,
    /// Snapshots whose scenario is gone.
    pub stale: Vec<PathBuf>,
}

/// Looks for snapshots below folders, or beside scenario files.
///
/// # Errors
/// A folder cannot be read.
pub fn find(paths: &[PathBuf]) -> std::io::Result<Found> {
    let mut found = Found::default();
    for path in paths {
        if path.is_dir() {
            folder(path, &mut found)?;
        } else {
            beside(path, &mut found);
        }
    }
    found.pending.sort_by(|a, b| a.new.cmp(&b.new));
    found.pending.dedup();
    found.stale.sort();
    found.stale.dedup();
    Ok(found)
}

fn folder(path: &Path, found: &mut Found) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() {
            folder(&path, found)?;
        } else {
            file(&path, found);
        }
    }
    Ok(())
}

/// The snapshots of one scenario file, or a snapshot file itself.
fn beside(path: &Path, found: &mut Found) {
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        let folder = path.parent().unwrap_or(Path::new("")).join("snapshots");
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let rest = name.strip_prefix(&stem);
            if rest.is_some_and(|rest| rest.starts_with(['.', '@'])) {
                file(&entry.path(), found);
            }
        }
    } else {
        file(path, found);
    }
}

fn file(path: &Path, found: &mut Found) {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if let Some(stem) = name.strip_suffix(".snap.new") {
        let target = path.with_file_name(format!("{stem}.snap"));
        found.pending.push(Pending {
            new: path.to_owned(),
            target,
        });
    } else if let Some(stem) = name.strip_suffix(".snap") {
        let scenario = stem.split('@').next().unwrap_or(stem);
        let in_snapshots = path
            .parent()
            .is_some_and(|parent| parent.ends_with("snapshots"));
        let folder = path
            .parent()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""));
        if in_snapshots && !folder.join(format!("{scenario}.toml")).exists() {
            found.stale.push(path.to_owned());
        }
    }
}
