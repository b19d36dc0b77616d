//! One scenario many times: what differs is told, what failed is not hidden.

use crate::util::{Stage, code, records, stdout, verdicts};

#[test]
fn equal_runs_are_one_line_and_one_capture() {
    let stage = Stage::new();
    stage.echo("echo", "hello");
    let output = stage.run(&["scenarios", "--repeat", "25", "--json", "out.jsonl"]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.starts_with("echo: 25 passed  25 runs, 1 flow, 0 drops"));
    let captures: Vec<_> = std::fs::read_dir(stage.path("captures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".pcap"))
        .collect();
    assert_eq!(captures, ["echo.1.pcap"]);
    assert_eq!(verdicts(&stage.path("out.jsonl")).len(), 25);
    let numbers = numbers(&stage, "repetition");
    assert_eq!(numbers, (1..=25).map(Some).collect::<Vec<_>>());
}

/// This field of the verdicts in out.jsonl.
fn numbers(stage: &Stage, field: &str) -> Vec<Option<u64>> {
    let records = records(&stage.path("out.jsonl"));
    let verdicts = records.iter().filter(|r| r["type"] == "verdict");
    verdicts.map(|r| r.get(field)?.as_u64()).collect()
}

/// A program that behaves otherwise in every fourth run: the count is kept in a file.
fn fickle(stage: &Stage) {
    stage.write(
        "scenarios/fickle.toml",
        r#"title = "now so, now so"
[server]
kind = "select"
listen = "127.0.0.1:5000"
handler = "echo"
[[client]]
name = "client"
command = ["python3", "fickle.py"]
[expect]
snapshot = false
"#,
    );
    stage.write(
        "scenarios/fickle.py",
        r#"
import fcntl, os, pathlib, socket
with open(pathlib.Path(__file__).parent / "count", "a+") as count:
    fcntl.flock(count, fcntl.LOCK_EX)
    count.seek(0)
    n = len(count.read())
    count.write("x")
    count.flush()
text = b"other" if n % 4 == 3 else b"usual"
client = socket.create_connection(("127.0.0.1", 5000))
client.sendall(text)
received = b""
while len(received) < 5:
    received += client.recv(5)
client.close()
"#,
    );
}

#[test]
fn each_distinct_flow_has_its_count_and_the_capture_of_its_first_run() {
    let stage = Stage::new();
    fickle(&stage);
    // One after the other, so that it is known which run is which.
    let output = stage.run(&["scenarios", "--repeat", "9", "--jobs", "1"]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    for part in [
        "fickle: passed in 7 runs, first in run 1:",
        "fickle: passed in 2 runs, first in run 4:",
        "captures/fickle.1.pcap",
        "captures/fickle.4.pcap",
        "fickle: 9 passed  9 runs, 2 flows",
        "usual",
        "other",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(stage.path("captures/fickle.1.pcap").exists());
    assert!(stage.path("captures/fickle.4.pcap").exists());
    assert!(!stage.path("captures/fickle.2.pcap").exists());
}

/// The fickle scenario, with a snapshot.
fn with_snapshot(stage: &Stage) {
    let path = stage.path("scenarios/fickle.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.replace("[expect]\nsnapshot = false\n", "")).unwrap();
}

/// One run writes; what differs from it fails, and does not overwrite it.
#[test]
fn accepting_repetitions_writes_the_first_and_fails_what_differs() {
    for jobs in ["1", "4"] {
        let stage = Stage::new();
        fickle(&stage);
        with_snapshot(&stage);
        // The fourth program to start is the other one: alone the fourth run's, side by side
        // anyone's of the first four.
        let arguments = ["scenarios", "--accept", "--repeat", "8", "--jobs", jobs];
        let output = stage.run(&arguments);
        let text = stdout(&output);
        assert_eq!(code(&output), 1, "{text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words.contains("the flow differs from that of an earlier run, now in"),
            "{text}"
        );
        assert!(words.contains("two runs of this scenario are not alike"));
        let snapshot = stage.path("scenarios/snapshots/fickle.snap");
        let snapshot = std::fs::read_to_string(snapshot).unwrap();
        // Run 1's flow is written, whichever that was.
        let first = &text[..text.find("fickle.1.pcap").expect("run 1 is told")];
        assert!(first.contains("passed (snapshot written)"), "{text}");
        let usual = first.contains("\"usual\"");
        assert_eq!(snapshot.contains("\"usual\""), usual, "{snapshot}\n{text}");
        if jobs == "1" {
            assert!(usual && text.contains("6 passed, 2 failed"), "{text}");
        }
        // The other flow waits for review.
        assert!(stage.path("scenarios/snapshots/fickle.snap.new").exists());
    }
}

#[test]
fn accepting_equal_repetitions_writes_once_and_passes() {
    let stage = Stage::new();
    fickle(&stage);
    with_snapshot(&stage);
    // What is stored is another flow.
    let old = "---\nsource: fickle.toml\nexpression: flow\n---\nclient\n";
    stage.write("scenarios/snapshots/fickle.snap", old);
    let arguments = [
        "scenarios",
        "--accept",
        "--repeat",
        "3",
        "--json",
        "out.jsonl",
    ];
    let output = stage.run(&arguments);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    let line = "fickle: 3 passed (snapshot written)  3 runs, 1 flow";
    assert!(text.contains(line), "{text}");
    let records = records(&stage.path("out.jsonl"));
    let accepted = records.iter().filter(|r| r["type"] == "verdict");
    let accepted: Vec<_> = accepted.map(|r| r["accepted"].as_bool().unwrap()).collect();
    assert_eq!(accepted, [true, false, false]);
    assert!(!stage.path("scenarios/snapshots/fickle.snap.new").exists());
}

/// An attempt that fails is no model: the one that meets all expectations writes the snapshot.
#[test]
fn accepting_with_retries_writes_what_the_passing_attempt_showed() {
    let stage = Stage::new();
    flaky(&stage);
    let path = stage.path("scenarios/fickle.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("[expect]\nsnapshot = false\n", "")).unwrap();
    // The failing attempt sends what no later one does.
    let path = stage.path("scenarios/fickle.py");
    let text = std::fs::read_to_string(&path).unwrap();
    let sends = "client.sendall(b\"early\") if first else None\nclient.close()";
    std::fs::write(&path, text.replace("client.close()", sends)).unwrap();
    let output = stage.run(&["scenarios", "--accept", "--retries", "2"]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.contains("passed (snapshot written)"), "{text}");
    assert!(
        text.contains("flaky, it passed after 1 that did not"),
        "{text}"
    );
    let snapshot = stage.path("scenarios/snapshots/fickle.snap");
    let snapshot = std::fs::read_to_string(snapshot).unwrap();
    assert!(!snapshot.contains("early"), "{snapshot}");
    // Where no attempt passes, nothing is written.
    let stage = Stage::new();
    stage.failing("wrong");
    let path = stage.path("scenarios/wrong.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("snapshot = false", "")).unwrap();
    let output = stage.run(&["scenarios", "--accept", "--retries", "1"]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    assert!(!stage.path("scenarios/snapshots").exists());
}

/// Runs side by side that receive into one file do not write into each other's.
#[test]
fn repetitions_side_by_side_receive_into_a_file_each() {
    let stage = Stage::new();
    let bytes: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    std::fs::create_dir_all(stage.path("scenarios")).unwrap();
    std::fs::write(stage.path("scenarios/sent.bin"), &bytes).unwrap();
    stage.write(
        "scenarios/copy.toml",
        r#"title = "a file"
[server]
kind = "select"
listen = "127.0.0.1:5000"
handler = [{ send = { file = "sent.bin" } }, "close"]
[[client]]
name = "client"
steps = ["connect", { recv-file = { into = "copy.bin", equals = "sent.bin" } }, "close"]
[expect]
snapshot = false
"#,
    );
    // Whenever there is a file, it is whole.
    let mut command = stage.command(&["scenarios", "--repeat", "60", "--jobs", "4"]);
    let command = command.stdout(std::process::Stdio::null());
    let mut child = command.spawn().expect("lab-capture can be started");
    let mut seen = 0;
    let status = loop {
        if let Ok(copy) = std::fs::read(stage.path("captures/copy.bin")) {
            assert!(copy == bytes, "{} of {} bytes", copy.len(), bytes.len());
            seen += 1;
        }
        if let Some(status) = child.try_wait().expect("our child") {
            break status;
        }
    };
    assert!(status.success());
    assert!(seen > 0);
    let captures = std::fs::read_dir(stage.path("captures")).unwrap();
    let names = captures.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|name| name.ends_with(".part")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A client that fails in its first run and is right ever after.
fn flaky(stage: &Stage) {
    fickle(stage);
    let path = stage.path("scenarios/fickle.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("[expect]\nsnapshot = false\n", "status = 0\n");
    let text = format!("{text}[expect]\nsnapshot = false\n");
    std::fs::write(path, text).unwrap();
    stage.write(
        "scenarios/fickle.py",
        r#"
import pathlib, socket, sys
seen = pathlib.Path(__file__).parent / "count"
first = not seen.exists()
seen.write_text("x")
client = socket.create_connection(("127.0.0.1", 5000))
client.close()
sys.exit(1 if first else 0)
"#,
    );
}

#[test]
fn a_pass_after_a_failure_is_flaky_and_says_so_everywhere() {
    let stage = Stage::new();
    flaky(&stage);
    stage.echo("right", "hello");
    let mut arguments = vec!["scenarios", "--retries", "2", "--junit", "out.xml"];
    arguments.extend(["--json", "out.jsonl"]);
    let output = stage.run(&arguments);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.contains("fickle: failed"), "{text}");
    assert!(
        text.contains("fickle: flaky, it passed after 1 that did not"),
        "{text}"
    );
    assert!(text.contains("1 flaky: fickle"), "{text}");
    let junit = std::fs::read_to_string(stage.path("out.xml")).unwrap();
    assert!(junit.contains("<flakyFailure"), "{junit}");
    // `right` was run once.
    assert_eq!(numbers(&stage, "attempt"), [Some(1), Some(2), None]);
    assert_eq!(numbers(&stage, "repetition"), [None; 3]);
    // Both attempts' captures are there.
    assert!(stage.path("captures/fickle.pcap").exists());
    assert!(stage.path("captures/fickle.2.pcap").exists());
}

#[test]
fn without_retries_the_same_is_a_failure() {
    let stage = Stage::new();
    flaky(&stage);
    let output = stage.run(&["scenarios"]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    assert!(!stdout(&output).contains("flaky"));
}
