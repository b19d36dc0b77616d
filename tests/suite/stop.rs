//! What ends a suite early: the first failure, a signal, a second signal.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::util::{Stage, code, stdout};

#[test]
fn fail_fast_starts_nothing_more_after_the_first_failure() {
    let stage = Stage::new();
    stage.failing("a");
    for number in 0..200 {
        stage.echo(&format!("b{number:03}"), "hello");
    }
    let output = stage.run(&["scenarios", "--fail-fast", "--jobs", "2"]);
    assert_eq!(code(&output), 1);
    let text = stdout(&output);
    assert!(
        text.contains("of 201 runs not started: --fail-fast"),
        "{text}"
    );
    assert!(!text.contains("b199"), "{text}");
    // Without it, all run.
    let output = stage.run(&["scenarios", "--jobs", "8"]);
    assert!(stdout(&output).contains("201 scenarios: 200 passed, 1 failed"));
}

/// Starts a suite whose second scenario hangs, and waits until the first has been reported.
fn hanging(signals: &[Signal]) -> (i32, String, Duration) {
    let stage = Stage::new();
    stage.echo("a", "hello");
    stage.hanging("b");
    stage.hanging("c");
    stage.echo("d", "hello");
    let mut child = stage
        .command(&["scenarios", "--jobs", "2"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("lab-capture can be started");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut first = String::new();
    out.read_line(&mut first).expect("the first line");
    assert!(first.starts_with("a: passed"), "{first}");
    let start = Instant::now();
    for signal in signals {
        kill(Pid::from_raw(child.id() as i32), *signal).expect("it runs");
    }
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("its output");
    let status = child.wait().expect("its status");
    (status.code().expect("no signal"), rest, start.elapsed())
}

#[test]
fn a_signal_ends_all_runs_and_what_is_known_is_told() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (code, text, took) = hanging(&[signal]);
        assert_eq!(code, 4, "{text}");
        assert!(
            text.contains("runs not started: interrupted"),
            "{signal}: {text}"
        );
        assert!(text.contains("1 passed"), "{signal}: {text}");
        assert!(text.contains("inconclusive"), "{signal}: {text}");
        assert!(took < Duration::from_secs(20), "{signal} took {took:?}");
    }
}

#[test]
fn a_second_signal_forces_the_exit() {
    let (code, _, _) = hanging(&[Signal::SIGINT, Signal::SIGINT, Signal::SIGINT]);
    // Either the second came while the first was still being obeyed, or all was over by then.
    assert!([130, 4].contains(&code), "{code}");
}
