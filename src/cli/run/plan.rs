//! Which scenarios run, in which order, how often, and what their captures are called.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::RunArgs;
use super::durations::Recorded;
use crate::cli::exit;
use crate::lab::suite::Descriptors;
use crate::scenario::{self, Scenario};

/// One scenario of a plan.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// What is run.
    pub scenario: Arc<Scenario>,
    /// Stem of its captures: the scenario's name, with its folder's before it where two scenarios
    /// have one name.
    pub stem: String,
}

/// Everything that is to be run, in the order in which it is started and reported.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Each once.
    pub items: Vec<Item>,
    /// How often each is run.
    pub repeat: u32,
    /// What the runs may have of the process's descriptors.
    pub descriptors: Descriptors,
    /// How long scenarios took before.
    pub durations: Recorded,
}

impl Plan {
    /// Loads everything that is named; every error of every file is shown before giving up.
    ///
    /// # Errors
    /// The exit code.
    pub(super) fn load(args: &RunArgs) -> Result<Plan, u8> {
        let scenarios = load(args)?;
        let stems = stems(&scenarios);
        let mut items: Vec<Item> = scenarios
            .into_iter()
            .zip(stems)
            .map(|(scenario, stem)| Item { scenario, stem })
            .collect();
        if let Some(text) = &args.filter {
            items.retain(|item| item.scenario.name.contains(text.as_str()));
        }
        if items.is_empty() {
            anstream::eprintln!("lab-capture: no scenario matches");
            return Err(exit::USAGE);
        }
        let durations = Recorded::of(args)?;
        if let Some(shard) = durations.shard {
            durations.keep(shard, &mut items);
        }
        if let Some(seed) = args.shuffle {
            shuffle(&mut items, seed);
        }
        let descriptors = Descriptors::provide(items.iter_mut().map(|item| &mut item.scenario));
        Ok(Plan {
            items,
            descriptors,
            durations,
            repeat: args.repeat,
        })
    }

    /// How many runs there are.
    pub(super) fn runs(&self) -> usize {
        self.items.len().saturating_mul(self.repeat as usize)
    }

    /// The scenario of a run, and which of its repetitions it is, from 1.
    pub(super) fn run(&self, index: usize) -> (&Item, u32) {
        let repeat = self.repeat as usize;
        (&self.items[index / repeat], (index % repeat) as u32 + 1)
    }
}

fn load(args: &RunArgs) -> Result<Vec<Arc<Scenario>>, u8> {
    let mut scenarios = vec![];
    let mut seen = HashSet::new();
    let mut wrong = false;
    let mut complain = |text: String| {
        anstream::eprintln!("{text}");
        wrong = true;
    };
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    for path in &args.paths {
        let files = match files(path) {
            Ok(files) => files,
            Err(error) => {
                let path = path.display();
                complain(format!("lab-capture: cannot read {path}: {error}"));
                continue;
            }
        };
        if files.is_empty() {
            let path = path.display();
            complain(format!("lab-capture: no scenario (*.toml) in {path}"));
        }
        for file in files {
            // A file that is named twice, by itself and by its folder, is run once.
            let identity = file.canonicalize().unwrap_or_else(|_| file.clone());
            if !seen.insert(identity) {
                continue;
            }
            match scenario::load(&file) {
                Ok(mut scenario) => {
                    if args.ipv6 {
                        scenario.to_ipv6();
                    }
                    scenarios.push(Arc::new(scenario));
                }
                Err(error) => complain(error.render(colour)),
            }
        }
    }
    if wrong {
        return Err(exit::USAGE);
    }
    Ok(scenarios)
}

/// The file itself, or every `*.toml` below the folder, by path.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = vec![];
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|e| e == "toml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Names for the captures, no two alike: `close`, or `b-close` where `a` and `b` both hold one.
fn stems(scenarios: &[Arc<Scenario>]) -> Vec<String> {
    let mut stems: Vec<String> = scenarios.iter().map(|s| s.name.clone()).collect();
    let deepest = scenarios
        .iter()
        .map(|s| s.source.path.components().count())
        .max()
        .unwrap_or(0);
    for depth in 1..=deepest {
        let mut count: HashMap<&str, usize> = HashMap::new();
        for stem in &stems {
            *count.entry(stem).or_default() += 1;
        }
        let shared: Vec<bool> = stems.iter().map(|s| count[s.as_str()] > 1).collect();
        if !shared.contains(&true) {
            break;
        }
        for (index, scenario) in scenarios.iter().enumerate() {
            if shared[index] {
                stems[index] = with_folders(scenario, depth);
            }
        }
    }
    // Paths that differ in what is no name (`./a` and `a`) cannot both be here: files are run once.
    // What is still alike (`a-b/c` and `a/b-c`) gets a number.
    let mut taken = HashSet::new();
    for stem in &mut stems {
        let base = stem.clone();
        let mut number = 1;
        while !taken.insert(stem.clone()) {
            number += 1;
            *stem = format!("{base}-{number}");
        }
    }
    stems
}

/// The name with that many folders of its path before it.
fn with_folders(scenario: &Scenario, depth: usize) -> String {
    let parents = scenario.source.path.ancestors().skip(1);
    let names = parents
        .filter_map(|path| path.file_name())
        .take(depth)
        .map(|name| name.to_string_lossy().into_owned());
    let mut parts: Vec<String> = names.collect();
    parts.reverse();
    parts.push(scenario.name.clone());
    parts.join("-")
}

/// Fisher and Yates' shuffle; the same seed gives the same order on every machine.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        // The product's high half is below `last + 1`; its bias is far below what matters here.
        let random = u128::from(split_mix(&mut state)) * (last as u128 + 1);
        items.swap(last, (random >> 64) as usize);
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_order_and_another_seed_another() {
        let order = |seed| {
            let mut items: Vec<u32> = (0..50).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        let mut sorted = order(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn every_place_is_reached_by_every_item() {
        let mut reached = HashSet::new();
        for seed in 0..400 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, seed);
            reached.insert(items);
        }
        assert_eq!(reached.len(), 24);
    }
}
