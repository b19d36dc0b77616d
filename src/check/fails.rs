//! Scenarios that show a broken program: `fails` names the findings that must come.

use super::Finding;
use crate::scenario::Scenario;

/// Tells the findings that the scenario foresees from those that are wrong: what it does not
/// foresee, and a finding for each that did not come. Left, then foreseen.
pub fn sort(scenario: &Scenario, findings: Vec<Finding>) -> (Vec<Finding>, Vec<Finding>) {
    let expect = &scenario.expect;
    let foresees = |finding: &Finding| expect.fails.iter().any(|code| code == finding.code);
    let (foreseen, mut left): (Vec<_>, Vec<_>) = findings.into_iter().partition(foresees);
    for code in &expect.fails {
        if !foreseen.iter().any(|finding| finding.code == code) {
            left.push(Finding {
                code: "did-not-fail",
                message: format!("the finding `{code}` had to come, and did not"),
                span: Some(expect.fails_span.clone()),
                expected: Some(code.clone()),
                actual: Some(match foreseen.len() + left.len() {
                    0 => "everything held".to_owned(),
                    _ => "other findings".to_owned(),
                }),
                ..Finding::default()
            });
        }
    }
    (left, foreseen)
}
