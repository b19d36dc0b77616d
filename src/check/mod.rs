//! Expectations, snapshots, verdicts and their findings.

pub mod verdict;

pub use verdict::{Cause, Finding, Judged, Named, Verdict};
