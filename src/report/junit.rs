//! JUnit XML: one test case a scenario, all attempts of it within.
//!
//! An expectation that failed is a `failure`, a run that could not be made or proves nothing an
//! `error`, the latter of type `inconclusive`. The further attempts of a test case that did not pass are
//! `rerunFailure`/`rerunError`; those before a pass that is accepted after a retry are
//! `flakyFailure`/`flakyError`; the properties `attempt.1`, `attempt.2`… name each with its verdict and time.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use super::outcome::Outcome;
use super::tally;
use crate::check::Judged;

/// What several runs of one scenario add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Attempts {
    /// All must pass (`--repeat`).
    #[default]
    All,
    /// The last decides (`--retries`); a pass after a failure is flaky.
    Last,
}

struct Attempt {
    outcome: Option<Outcome>,
    verdict: String,
    time: Duration,
}

struct Case {
    name: String,
    class: String,
    attempts: Vec<Attempt>,
    system_out: String,
}

/// Collects the runs of one call.
#[derive(Default)]
pub struct Junit {
    cases: Vec<Case>,
    /// Places in `cases`, by the scenario's file and name.
    index: HashMap<(String, String), usize>,
    attempts: Attempts,
}

impl Junit {
    /// An empty report.
    pub fn new(attempts: Attempts) -> Self {
        Junit {
            cases: vec![],
            index: HashMap::new(),
            attempts,
        }
    }

    /// Adds a run; a further one of the same scenario file is another attempt.
    pub fn add(&mut self, judged: &Judged) {
        let class = judged.scenario.source.path.to_string_lossy().into_owned();
        let name = judged.scenario.name.clone();
        let cases = &mut self.cases;
        let key = (class.clone(), name.clone());
        let index = *self.index.entry(key).or_insert_with(|| {
            cases.push(Case {
                name,
                class,
                attempts: vec![],
                system_out: String::new(),
            });
            cases.len() - 1
        });
        let case = &mut self.cases[index];
        let line = super::text::verdict_line(judged);
        case.system_out
            .push_str(&anstream::adapter::strip_str(&line).to_string());
        case.system_out.push('\n');
        let elapsed = tally::duration(judged.elapsed);
        case.attempts.push(Attempt {
            outcome: Outcome::of(judged),
            verdict: format!("{}, {elapsed}", judged.verdict.word()),
            time: judged.elapsed,
        });
    }

    /// Writes the report.
    ///
    /// # Errors
    /// Those of `out`, wrapped.
    pub fn finish(self, out: &mut dyn Write, elapsed: Duration) -> Result<(), SerializeError> {
        let mut suite = TestSuite::new("lab-capture");
        suite.set_time(elapsed);
        for case in self.cases {
            suite.add_test_case(test_case(case, self.attempts));
        }
        let mut report = Report::new("lab-capture");
        report.set_time(elapsed);
        report.add_test_suite(suite);
        report.serialize(out)
    }
}

fn test_case(case: Case, attempts: Attempts) -> TestCase {
    let last = case.attempts.len() - 1;
    let decisive = match attempts {
        Attempts::Last => last,
        // The first that did not pass, or any.
        Attempts::All => {
            let failed = case.attempts.iter().position(|a| a.outcome.is_some());
            failed.unwrap_or(last)
        }
    };
    let mut status = match &case.attempts[decisive].outcome {
        None => TestCaseStatus::success(),
        Some(outcome) => {
            let mut status = TestCaseStatus::non_success(kind(outcome));
            status
                .set_type(outcome.kind)
                .set_message(outcome.message.as_str())
                .set_description(outcome.text.as_str());
            status
        }
    };
    for (index, attempt) in case.attempts.iter().enumerate() {
        if let (true, Some(outcome)) = (index != decisive, &attempt.outcome) {
            let mut rerun = TestRerun::new(kind(outcome));
            rerun
                .set_time(attempt.time)
                .set_type(outcome.kind)
                .set_message(outcome.message.as_str())
                .set_description(outcome.text.as_str());
            status.add_rerun(rerun);
        }
    }
    let mut test = TestCase::new(case.name, status);
    test.set_classname(case.class.as_str());
    test.extra.insert("file".into(), case.class.as_str().into());
    test.set_time(case.attempts.iter().map(|a| a.time).sum());
    test.set_system_out(case.system_out);
    if case.attempts.len() > 1 {
        for (index, attempt) in case.attempts.iter().enumerate() {
            let name = format!("attempt.{}", index + 1);
            test.add_property((name.as_str(), attempt.verdict.as_str()));
        }
    }
    test
}

fn kind(outcome: &Outcome) -> NonSuccessKind {
    if outcome.assertion {
        NonSuccessKind::Failure
    } else {
        NonSuccessKind::Error
    }
}
