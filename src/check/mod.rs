//! Expectations, snapshots, verdicts and their findings.

pub mod cause;
pub mod complete;
pub mod expect;
pub mod fails;
pub mod judge;
pub mod naming;
pub mod pending;
pub mod snapshot;
pub mod verdict;

pub use judge::{Judge, Opinion, Policy};
pub use verdict::{Cause, Finding, Judged, Named, Verdict};
