//! How long scenarios took, from one run to the next: what shards are balanced by.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::args::RunArgs;
use super::plan::Item;
use super::shard::{self, Shard};
use crate::cli::exit::USAGE;
use crate::platform::owner;

/// Recorded durations by the scenario's path, as `lab-capture` was given it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// Milliseconds.
    #[serde(default)]
    milliseconds: BTreeMap<String, u64>,
}

impl Durations {
    /// The name of the file beside the captures.
    pub const FILE: &'static str = ".durations.json";

    /// Reads them; none if there is no such file.
    ///
    /// # Errors
    /// The file is there and is not what it should be.
    pub fn read(path: &Path) -> io::Result<Durations> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Durations::default()),
            Err(error) => Err(error),
        }
    }

    /// What a scenario costs, in milliseconds; one that has not run yet costs as the middle of
    /// those that have.
    pub fn cost(&self, path: &Path) -> u64 {
        let known = self.milliseconds.get(&key(path));
        known.copied().unwrap_or_else(|| self.middle())
    }

    fn middle(&self) -> u64 {
        let mut all: Vec<u64> = self.milliseconds.values().copied().collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or(1)
    }

    /// A scenario took this long.
    pub fn record(&mut self, path: &Path, elapsed: Duration) {
        let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.milliseconds.insert(key(path), ms.max(1));
    }

    /// Nothing recorded?
    pub fn is_empty(&self) -> bool {
        self.milliseconds.is_empty()
    }

    /// Takes over what is recorded there, over what is recorded here.
    pub fn extend(&mut self, other: Durations) {
        self.milliseconds.extend(other.milliseconds);
    }

    /// Writes them into their place at once: who reads meanwhile sees the old file or the new one.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        let temporary: PathBuf = path.with_extension(format!("{}.tmp", std::process::id()));
        std::fs::write(&temporary, bytes)?;
        owner::give_to_invoker(&temporary);
        std::fs::rename(&temporary, path)
    }
}

/// `./a.toml` and `a.toml` are one.
fn key(path: &Path) -> String {
    let parts = path.components();
    let clean: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
    clean.to_string_lossy().into_owned()
}

/// The durations that this call reads and writes.
#[derive(Debug, Clone)]
pub struct Recorded {
    known: Durations,
    measured: Durations,
    /// Where what was measured goes.
    target: PathBuf,
    /// The part of the scenarios that this call runs.
    pub shard: Option<Shard>,
}

impl Recorded {
    /// As the arguments and the CI system say.
    ///
    /// # Errors
    /// The exit code, after having said why.
    pub fn of(args: &RunArgs) -> Result<Recorded, u8> {
        let complain = |text: String| {
            anstream::eprintln!("lab-capture: {text}");
            USAGE
        };
        let source = args.durations.clone();
        let source = source.unwrap_or_else(|| args.capture_dir.join(Durations::FILE));
        let known = match Durations::read(&source) {
            // No such folder: what that means for the captures is said when one is written.
            Err(e) if e.kind() == io::ErrorKind::NotADirectory && args.durations.is_none() => {
                Durations::default()
            }
            read => read.map_err(|e| complain(format!("{}: {e}", source.display())))?,
        };
        let shard = match args.shard {
            Some(shard) => Some(shard),
            None => Shard::from_environment(|name| std::env::var(name).ok())
                .map_err(|e| complain(e.to_string()))?
                .map(|(shard, system)| {
                    anstream::eprintln!("lab-capture: shard {shard}, as {system} says");
                    shard
                }),
        };
        // All shards must deal by the same file: none may change it under the others.
        let target = match shard {
            Some(Shard { number, of }) => source.with_extension(format!("{number}-of-{of}.json")),
            None => source,
        };
        Ok(Recorded {
            known,
            measured: Durations::default(),
            target,
            shard,
        })
    }

    /// Keeps what is this shard's.
    pub(super) fn keep(&self, shard: Shard, items: &mut Vec<Item>) {
        let keys: Vec<String> = items.iter().map(|i| key(&i.scenario.source.path)).collect();
        let cost = |item: &Item| self.known.cost(&item.scenario.source.path);
        let costs = items.iter().map(cost);
        let costed: Vec<(&str, u64)> = keys.iter().map(String::as_str).zip(costs).collect();
        let dealt = shard::deal(&costed, shard.of);
        let all = items.len();
        let mut dealt = dealt.into_iter();
        items.retain(|_| dealt.next() == Some(shard.number));
        let by = if self.known.is_empty() {
            "nothing recorded, all cost the same"
        } else {
            "by recorded durations"
        };
        let part = items.len();
        anstream::eprintln!("lab-capture: shard {shard}: {part} of {all} scenarios ({by})");
    }

    /// A scenario took this long.
    pub fn record(&mut self, path: &Path, elapsed: Duration) {
        self.measured.record(path, elapsed);
    }

    /// Writes what was measured; a shard's into a file of its own.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self) -> io::Result<()> {
        if self.measured.is_empty() {
            return Ok(());
        }
        let mut all = if self.shard.is_some() {
            Durations::default()
        } else {
            // What another call wrote meanwhile is not lost.
            Durations::read(&self.target)?
        };
        all.extend(self.measured.clone());
        all.write(&self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scenarios_cost_as_the_middle_one() {
        let mut durations = Durations::default();
        assert_eq!(durations.cost(Path::new("a")), 1);
        for (name, ms) in [("a", 10), ("b", 20), ("c", 3000)] {
            durations.record(Path::new(name), Duration::from_millis(ms));
        }
        assert_eq!(durations.cost(Path::new("c")), 3000);
        assert_eq!(durations.cost(Path::new("./c")), 3000);
        assert_eq!(durations.cost(Path::new("new")), 20);
    }

    #[test]
    fn they_are_read_as_they_were_written_and_a_missing_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Durations::FILE);
        assert_eq!(Durations::read(&path).unwrap(), Durations::default());
        let mut durations = Durations::default();
        durations.record(Path::new("x/a.toml"), Duration::from_micros(5));
        durations.write(&path).unwrap();
        assert_eq!(Durations::read(&path).unwrap(), durations);
        assert_eq!(durations.cost(Path::new("x/a.toml")), 1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::write(&path, "no json").unwrap();
        assert!(Durations::read(&path).is_err());
    }
}
