//! Several machines share a suite: every scenario on exactly one, reports made one again.

use std::collections::BTreeSet;
use std::fs;

use crate::util::{Stage, code, records, stderr, stdout, verdicts};

fn stage() -> Stage {
    let stage = Stage::new();
    for number in 0..12 {
        stage.echo(&format!("s{number:02}"), "hello");
    }
    stage.failing("t");
    stage
}

fn names(stage: &Stage, file: &str) -> Vec<String> {
    let verdicts = verdicts(&stage.path(file));
    verdicts.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn the_parts_are_the_whole_and_their_reports_merge() {
    let stage = stage();
    let mut all = BTreeSet::new();
    let mut count = 0;
    for number in 1..=3 {
        let (shard, json) = (format!("{number}/3"), format!("{number}.jsonl"));
        let junit = format!("{number}.xml");
        let arguments = [
            "scenarios",
            "--shard",
            &shard,
            "--json",
            &json,
            "--junit",
            &junit,
        ];
        let output = stage.run(&arguments);
        assert!([0, 1].contains(&code(&output)), "{}", stderr(&output));
        let part = names(&stage, &json);
        assert!((4..=5).contains(&part.len()), "{part:?}");
        count += part.len();
        all.extend(part);
    }
    assert_eq!((all.len(), count), (13, 13));

    let merge = [
        "merge",
        "--json",
        "all.jsonl",
        "1.jsonl",
        "2.jsonl",
        "3.jsonl",
    ];
    assert_eq!(code(&stage.run(&merge)), 0);
    let summaries: Vec<_> = records(&stage.path("all.jsonl"))
        .into_iter()
        .filter(|record| record["type"] == "summary")
        .collect();
    assert_eq!(summaries.len(), 1);
    assert_eq!(summaries[0]["scenarios"], 13);
    assert_eq!(summaries[0]["passed"], 12);
    assert_eq!(summaries[0]["failed"], 1);
    assert_eq!(names(&stage, "all.jsonl").len(), 13);

    let merge = ["merge", "--junit", "all.xml", "1.xml", "2.xml", "3.xml"];
    assert_eq!(code(&stage.run(&merge)), 0);
    let junit = fs::read_to_string(stage.path("all.xml")).unwrap();
    assert!(junit.contains(r#"tests="13""#), "{junit}");
    assert!(junit.contains(r#"failures="1""#), "{junit}");
    assert_eq!(junit.matches("<testsuite ").count(), 1, "{junit}");
}

#[test]
fn recorded_durations_balance_the_parts_and_no_part_changes_them() {
    let stage = stage();
    // One scenario takes as long as all the others together.
    let others = (1..12).map(|n| format!("\"scenarios/s{n:02}.toml\": 10"));
    let others: Vec<String> = others.collect();
    let durations = format!(
        r#"{{"milliseconds": {{"scenarios/s00.toml": 200, "scenarios/t.toml": 10, {}}}}}"#,
        others.join(", ")
    );
    stage.write("durations.json", &durations);
    let shard = |part: &str, json: &str| {
        let known = ["--durations", "durations.json"];
        let arguments = ["scenarios", "--shard", part, "--json", json];
        stage.run(&[&arguments[..], &known].concat());
        names(&stage, json)
    };
    assert_eq!(shard("1/2", "1.jsonl"), ["s00"]);
    assert_eq!(shard("2/2", "2.jsonl").len(), 12);
    assert_eq!(
        fs::read_to_string(stage.path("durations.json")).unwrap(),
        durations
    );
    // What the parts measured is merged into what the next ones are balanced by.
    let merge = [
        "merge",
        "--durations",
        "durations.json",
        "durations.1-of-2.json",
        "durations.2-of-2.json",
    ];
    let output = stage.run(&merge);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let merged = fs::read_to_string(stage.path("durations.json")).unwrap();
    let merged: serde_json::Value = serde_json::from_str(&merged).unwrap();
    assert_eq!(merged["milliseconds"].as_object().unwrap().len(), 13);
}

#[test]
fn a_run_of_everything_records_what_shards_are_balanced_by() {
    let stage = stage();
    stage.run(&["scenarios", "--capture-dir", "out"]);
    let recorded = fs::read_to_string(stage.path("out/.durations.json")).unwrap();
    let recorded: serde_json::Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!(recorded["milliseconds"].as_object().unwrap().len(), 13);
}

#[test]
fn ci_systems_say_which_part_it_is_and_what_makes_no_sense_is_refused() {
    let stage = stage();
    let part = |variables: &[(&str, &str)]| {
        let mut command = stage.command(&["scenarios", "--json", "out.jsonl"]);
        command.envs(variables.iter().copied());
        let output = command.output().expect("lab-capture can be started");
        (code(&output), stderr(&output))
    };
    let (_, first) = part(&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "4")]);
    assert!(
        first.contains("shard 1/4, as GitLab's parallel says"),
        "{first}"
    );
    let one = names(&stage, "out.jsonl");
    let (_, second) = part(&[("JOB_COMPLETION_INDEX", "0"), ("LAB_CAPTURE_SHARDS", "4")]);
    assert!(second.contains("Kubernetes"), "{second}");
    assert_eq!(one, names(&stage, "out.jsonl"));
    let (code, why) = part(&[("CIRCLE_NODE_INDEX", "4"), ("CIRCLE_NODE_TOTAL", "4")]);
    assert_eq!(code, 2, "{why}");
    let output = stage.run(&["scenarios", "--shard", "5/4"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("numbered from 1 to 4"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn more_parts_than_scenarios_leave_some_with_nothing_and_that_is_no_error() {
    let stage = Stage::new();
    stage.echo("only", "hello");
    let mut ran = 0;
    for number in 1..=3 {
        let shard = format!("{number}/3");
        let junit = format!("{number}.xml");
        let output = stage.run(&["scenarios", "--shard", &shard, "--junit", &junit]);
        assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
        ran += stdout(&output).matches("only: passed").count();
    }
    assert_eq!(ran, 1);
    assert_eq!(
        code(&stage.run(&["merge", "--junit", "-", "1.xml", "2.xml", "3.xml"])),
        0
    );
}

#[test]
fn merging_what_is_no_report_says_which_file_and_writes_nothing() {
    let stage = Stage::new();
    stage.write("good.jsonl", "{\"type\":\"summary\",\"scenarios\":1}\n");
    stage.write("bad.jsonl", "no record\n");
    let output = stage.run(&["merge", "--json", "all.jsonl", "good.jsonl", "bad.jsonl"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("bad.jsonl, line 1"),
        "{}",
        stderr(&output)
    );
    assert!(!stage.path("all.jsonl").exists());
}
