//! Exit codes beside 0 and those of verdicts.

/// A scenario or the command line is wrong.
pub const USAGE: u8 = 2;
/// The lab could not run.
pub const LAB: u8 = 3;
