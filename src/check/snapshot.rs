//! Snapshots beside the scenario, in insta's format: `scenarios/snapshots/close.snap`.
//!
//! `cargo insta` reads, reviews and accepts the same files; what it does not do outside a cargo
//! project, `lab-capture snap` does.

use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::scenario::Scenario;

/// What comparing with the stored snapshot gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Equal to the main snapshot, or to the named variant.
    Same(Option<String>),
    /// There is none.
    Missing,
    /// It differs from all that are accepted.
    Differs {
        /// What is stored.
        stored: String,
        /// Unified diff, stored to actual.
        diff: String,
    },
}

/// A snapshot file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file exists and is not a snapshot.
    #[error("cannot read snapshot {path}: {reason}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What insta said.
        reason: String,
    },
    /// Writing failed.
    #[error("cannot write snapshot {path}: {source}")]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Where the snapshot of a scenario, or of a variant of it, is kept.
pub fn path(scenario: &Scenario, variant: Option<&str>) -> PathBuf {
    let folder = scenario.source.path.parent().unwrap_or(Path::new(""));
    let name = match variant {
        Some(variant) => format!("{}@{variant}.snap", scenario.name),
        None => format!("{}.snap", scenario.name),
    };
    folder.join("snapshots").join(name)
}

/// The file that holds a snapshot waiting for review.
pub fn pending(path: &Path) -> PathBuf {
    path.with_extension("snap.new")
}

/// Reads the contents of a snapshot; `None` if there is no such file.
pub fn read(path: &Path) -> Result<Option<String>, SnapshotError> {
    if !path.exists() {
        return Ok(None);
    }
    let unreadable = |reason: String| SnapshotError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let snapshot = insta::Snapshot::from_file(path).map_err(|e| unreadable(e.to_string()))?;
    match snapshot.as_text() {
        Some(text) => Ok(Some(normal(&text.to_string()))),
        None => Err(unreadable("it is a binary snapshot".to_owned())),
    }
}

/// Compares a run's text with the main snapshot and the accepted variants.
pub fn compare(scenario: &Scenario, actual: &str) -> Result<Comparison, SnapshotError> {
    let main = read(&path(scenario, None))?;
    let actual = normal(actual);
    if main.as_deref() == Some(&actual) {
        return Ok(Comparison::Same(None));
    }
    for variant in &scenario.expect.variants {
        if read(&path(scenario, Some(variant)))?.as_deref() == Some(&actual) {
            return Ok(Comparison::Same(Some(variant.clone())));
        }
    }
    let Some(stored) = main else {
        return Ok(Comparison::Missing);
    };
    let diff = TextDiff::from_lines(&stored, &actual)
        .unified_diff()
        .context_radius(10)
        .header("snapshot", "this run")
        .to_string();
    Ok(Comparison::Differs { stored, diff })
}

/// Writes a snapshot (or a pending one) so that insta reads it.
pub fn write(path: &Path, scenario: &Scenario, contents: &str) -> Result<(), SnapshotError> {
    let unwritable = |source| SnapshotError::Unwritable {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        crate::platform::owner::give_to_invoker(folder);
    }
    let quote = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let file = format!(
        "---\nsource: {}\ndescription: {}\nexpression: flow\n---\n{}\n",
        quote(&format!("{}.toml", scenario.name)),
        quote(&scenario.title),
        normal(contents)
    );
    std::fs::write(path, file).map_err(unwritable)?;
    crate::platform::owner::give_to_invoker(path);
    Ok(())
}

/// insta trims the ends and normalises line ends; so do we before comparing.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned() + "\n"
}
