//! The formats that CI reads, from hand-built runs.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

use super::junit::{Attempts, Junit};
use super::sample::*;
use super::tap::Tap;
use super::{Tally, github, json, merge};
use crate::check::{Cause, Finding, Judged, Verdict};

fn failed() -> Judged {
    let mut judged = close().judged;
    let text = &judged.scenario.source.text;
    let start = text.find("{ recv").expect("in the sample");
    judged.verdict = Verdict::Failed(vec![Finding {
        code: "step-failed",
        message: "wrong:\n100% <\x1b[31m>, ::error::".into(),
        span: Some(start..start + 18),
        expected: Some("\"hello\"".into()),
        actual: Some("\"hullo\"".into()),
        diff: Some(" same\n-a\n+b\n".into()),
        frames: vec![6],
        connection: Some("client-1".into()),
        cause: Some(Cause {
            text: "no echo".into(),
            proven: false,
        }),
        notes: vec!["line 1\nline 2".into()],
    }]);
    judged
}

fn inconclusive() -> Judged {
    let mut judged = close().judged;
    judged.verdict = Verdict::Inconclusive(vec!["3 frames dropped".into()]);
    judged
}

fn error() -> Judged {
    let mut judged = Run::new("busy", "").judged;
    judged.verdict = Verdict::Error("bind: EADDRINUSE\nchoose another port".into());
    judged
}

fn junit(attempts: Attempts, runs: &[Judged]) -> String {
    let mut junit = Junit::new(attempts);
    runs.iter().for_each(|judged| junit.add(judged));
    let mut out = vec![];
    let elapsed = Duration::from_millis(200);
    junit.finish(&mut out, elapsed).expect("a vector takes all");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn junit_of_repeated_runs() {
    let runs = [close().judged, failed(), inconclusive(), error()];
    let xml = junit(Attempts::All, &runs);
    insta::assert_snapshot!(xml);
    let report = Report::deserialize_from_str(&xml).expect("what was written can be read");
    assert_eq!((report.tests, report.failures, report.errors), (2, 1, 1));
}

#[test]
fn junit_of_a_retry_is_flaky() {
    let xml = junit(Attempts::Last, &[failed(), inconclusive(), close().judged]);
    let report = Report::deserialize_from_str(&xml).expect("what was written can be read");
    let case = &report.test_suites[0].test_cases[0];
    let TestCaseStatus::Success { flaky_runs } = &case.status else {
        panic!("not a success: {xml}");
    };
    let kinds: Vec<_> = flaky_runs.iter().map(|run| run.kind).collect();
    assert_eq!(kinds, [NonSuccessKind::Failure, NonSuccessKind::Error]);
    assert_eq!(case.properties.len(), 3);
}

#[test]
fn tap_with_diagnostics() {
    let mut tap = Tap::new(vec![]).expect("a vector takes all");
    for judged in [close().judged, failed(), inconclusive(), error()] {
        tap.add(&judged).expect("a vector takes all");
    }
    let out = tap.finish().expect("a vector takes all");
    insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"));
}

#[test]
fn annotations_of_github() {
    let mut out = vec![];
    for judged in [close().judged, failed(), inconclusive(), error()] {
        github::write(&mut out, &judged).expect("a vector takes all");
    }
    let text = String::from_utf8(out).expect("UTF-8");
    let commands = text.lines().filter(|line| line.starts_with("::"));
    assert_eq!(commands.count(), 3, "nothing begins a command of its own");
    insta::assert_snapshot!(text);
}

#[test]
fn shards_merge() {
    let shards = [
        junit(Attempts::All, &[close().judged, error()]),
        junit(Attempts::All, &[failed()]),
    ];
    let mut inputs: Vec<&[u8]> = shards.iter().map(|s| s.as_bytes()).collect();
    let inputs = inputs.iter_mut().enumerate().map(|(index, input)| {
        let name = ["a.xml", "b.xml"][index];
        (name, input as &mut dyn std::io::Read)
    });
    let mut out = vec![];
    merge::junit(inputs, &mut out).expect("both are reports");
    let text = String::from_utf8(out).expect("UTF-8");
    let report = Report::deserialize_from_str(&text).expect("what was written can be read");
    assert_eq!((report.tests, report.failures, report.errors), (3, 1, 1));
    assert_eq!(report.test_suites.len(), 1);
    assert_eq!(report.time, Some(Duration::from_millis(200)));
    let bad = merge::junit([("x.xml", &mut &b"<nonsense/>"[..] as _)], &mut vec![]);
    assert!(bad.expect_err("no report").to_string().contains("x.xml"));
}

fn lines(runs: &[Judged], ms: u64) -> Vec<u8> {
    let mut out = vec![];
    let mut tally = Tally::default();
    for judged in runs {
        tally.add(judged);
        json::judged(&mut out, judged, Default::default()).expect("a vector takes all");
    }
    json::summary(&mut out, &tally, Duration::from_millis(ms)).expect("a vector takes all");
    out
}

#[test]
fn json_of_shards_merges() {
    let shards = [
        lines(&[close().judged, failed()], 300),
        lines(&[error()], 200),
    ];
    let mut inputs: Vec<&[u8]> = shards.iter().map(Vec::as_slice).collect();
    let inputs = inputs
        .iter_mut()
        .map(|input| ("shard", input as &mut dyn std::io::BufRead));
    let mut out = vec![];
    merge::json(inputs, &mut out).expect("both are reports");
    let text = String::from_utf8(out).expect("UTF-8");
    let all = shards.concat();
    let records = all
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    assert_eq!(text.lines().count(), records.count() - 1);
    let last: serde_json::Value =
        serde_json::from_str(text.lines().last().expect("lines")).expect("a record");
    assert_eq!(
        last,
        serde_json::json!({"type": "summary", "scenarios": 3, "passed": 1, "failed": 1,
            "inconclusive": 0, "errors": 1, "elapsed": 0.3})
    );
    let bad = merge::json([("x.json", &mut &b"{}\n"[..] as _)], &mut vec![]);
    assert_eq!(
        bad.expect_err("no record").to_string(),
        "x.json, line 1: not a record of a JSON Lines report (an object with a \"type\" is wanted)"
    );
}
