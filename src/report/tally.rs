//! How many runs ended how.

use std::time::Duration;

use crate::check::{Judged, Verdict};

/// Counts over the runs of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs in which everything held.
    pub passed: usize,
    /// Runs with findings.
    pub failed: usize,
    /// Runs whose capture proves nothing.
    pub inconclusive: usize,
    /// Runs that could not be made.
    pub errors: usize,
    /// Names of the scenarios that did not pass, in the order in which they were reported.
    pub not_passed: Vec<(String, &'static str)>,
}

impl Tally {
    /// Counts one run.
    pub fn add(&mut self, judged: &Judged) {
        match judged.verdict {
            Verdict::Passed { .. } => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Inconclusive(_) => self.inconclusive += 1,
            Verdict::Error(_) => self.errors += 1,
        }
        if !matches!(judged.verdict, Verdict::Passed { .. }) {
            let name = judged.scenario.name.clone();
            self.not_passed.push((name, judged.verdict.word()));
        }
    }

    /// All runs.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.inconclusive + self.errors
    }
}

/// `46 ms`, `1.2 s`, `2 min 5 s`: as precise as people need.
pub fn duration(elapsed: Duration) -> String {
    let ms = elapsed.as_millis();
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{:.1} s", elapsed.as_secs_f64()),
        _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
    }
}

/// `1 frame`, `2 frames`.
pub fn count(n: usize, one: &str) -> String {
    let many = if n == 1 { "" } else { "s" };
    format!("{n} {one}{many}")
}
