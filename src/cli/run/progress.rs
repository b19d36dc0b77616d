//! One live line on a terminal: what runs, what passed, what failed, for how long.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::report::tally::duration;

/// How often the line is drawn anew at most: people read no faster.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// The line on standard error, if that is a terminal.
pub(super) struct Progress {
    shown: bool,
    active: bool,
    start: Instant,
    last: Option<Instant>,
    all: usize,
    pub running: usize,
    pub passed: usize,
    pub failed: usize,
}

impl Progress {
    /// For this many runs; nothing is shown where nobody sees it.
    pub(super) fn new(all: usize, quiet: bool) -> Self {
        Progress {
            shown: false,
            active: !quiet && all > 1 && std::io::stderr().is_terminal(),
            start: Instant::now(),
            last: None,
            all,
            running: 0,
            passed: 0,
            failed: 0,
        }
    }

    /// Is there anybody to see it?
    pub(super) fn active(&self) -> bool {
        self.active
    }

    /// Draws the line, unless that was done a moment ago.
    pub(super) fn draw(&mut self) {
        let recently = self.last.is_some_and(|last| last.elapsed() < TICK);
        if !self.active || recently {
            return;
        }
        self.last = Some(Instant::now());
        self.shown = true;
        let line = self.line();
        // Who closed our standard error does not want it.
        let _ = write!(std::io::stderr(), "\r\x1b[2K{line}");
    }

    fn line(&self) -> String {
        let failed = match self.failed {
            0 => String::new(),
            n => format!(", {n} did not"),
        };
        format!(
            "{} of {}: {} running, {} passed{failed}  {}",
            self.passed + self.failed,
            self.all,
            self.running,
            self.passed,
            duration(self.start.elapsed())
        )
    }

    /// Takes the line away, before something else is printed.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            self.last = None;
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
