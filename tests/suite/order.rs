//! Results come in one order, whatever runs beside what.

use crate::util::{Stage, code, stdout, verdicts};

fn names(stage: &Stage, arguments: &[&str]) -> Vec<String> {
    let output = stage.run(&[&["scenarios", "--json", "out.jsonl"], arguments].concat());
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let verdicts = verdicts(&stage.path("out.jsonl"));
    verdicts.into_iter().map(|(name, _)| name).collect()
}

fn thirty() -> Stage {
    let stage = Stage::new();
    for number in 0..30 {
        stage.echo(&format!("s{number:02}"), &format!("number {number}"));
    }
    stage
}

#[test]
fn the_order_is_that_of_the_files_for_any_number_of_jobs() {
    let stage = thirty();
    let files: Vec<String> = (0..30).map(|number| format!("s{number:02}")).collect();
    for jobs in ["1", "3", "30", "1000"] {
        assert_eq!(names(&stage, &["--jobs", jobs]), files);
    }
}

#[test]
fn a_seed_shuffles_and_the_same_seed_shuffles_alike() {
    let stage = thirty();
    let files = names(&stage, &[]);
    let one = names(&stage, &["--shuffle", "1"]);
    assert_ne!(one, files);
    assert_eq!(one, names(&stage, &["--shuffle", "1", "--jobs", "2"]));
    assert_ne!(one, names(&stage, &["--shuffle", "2"]));
    let mut sorted = one.clone();
    sorted.sort();
    assert_eq!(sorted, files);
}

#[test]
fn filters_choose_by_name_and_nothing_chosen_is_an_error() {
    let stage = thirty();
    assert_eq!(names(&stage, &["--filter", "s1"]).len(), 10);
    let output = stage.run(&["scenarios", "--filter", "nothing of that name"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn a_file_named_twice_runs_once_and_two_files_of_one_name_keep_two_captures() {
    let stage = Stage::new();
    stage.echo("close", "one");
    std::fs::create_dir(stage.path("other")).unwrap();
    std::fs::copy(
        stage.path("scenarios/close.toml"),
        stage.path("other/close.toml"),
    )
    .unwrap();
    let output = stage.run(&["scenarios", "scenarios/close.toml", "./other"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(
        stdout(&output).contains("2 scenarios: 2 passed"),
        "{}",
        stdout(&output)
    );
    for name in ["scenarios-close.pcap", "other-close.pcap"] {
        assert!(stage.path("captures").join(name).exists(), "{name}");
    }
}

#[test]
fn progress_is_for_terminals_only() {
    let stage = thirty();
    let output = stage.run(&["scenarios"]);
    assert!(output.stderr.is_empty());
    assert!(!output.stdout.contains(&b'\r'));
}
