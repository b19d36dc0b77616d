//! What a suite takes does not grow with the number of its scenarios, nor with `--jobs`.

use std::process::Stdio;
use std::time::Duration;

use crate::util::{Stage, code, stdout};

/// Peak of the resident set in KiB, as far as it is seen from outside.
fn peak(stage: &Stage, arguments: &[&str]) -> u64 {
    let mut child = stage
        .command(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("lab-capture can be started");
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        if let Ok(text) = std::fs::read_to_string(&path) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            peak = peak.max(kib.unwrap_or(0));
        }
        if let Some(status) = child.try_wait().expect("its status") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
    assert!(peak > 0, "nothing was seen of it");
    peak
}

#[test]
fn ten_times_the_runs_do_not_take_ten_times_the_memory() {
    let stage = Stage::new();
    for number in 0..10 {
        stage.echo(&format!("s{number}"), &format!("word {number}"));
    }
    let of = |repeat: &str| {
        let report = format!("{repeat}.jsonl");
        peak(
            &stage,
            &[
                "scenarios",
                "--quiet",
                "--repeat",
                repeat,
                "--json",
                &report,
            ],
        )
    };
    let (few, many) = (of("10"), of("100"));
    // 900 runs more may cost what their lines in a report cost, and no more.
    assert!(many < few + 12 * 1024, "{few} KiB, then {many} KiB");
}

#[test]
fn any_number_of_jobs_makes_do_with_few_descriptors() {
    let stage = Stage::new();
    for number in 0..60 {
        stage.echo(&format!("s{number:02}"), "hello");
    }
    let program = env!("CARGO_BIN_EXE_lab-capture");
    let script = format!("ulimit -n 160 && exec {program} scenarios --jobs 1000");
    let mut command = stage.command(&[]);
    let directory = command.get_current_dir().map(ToOwned::to_owned);
    command = std::process::Command::new("sh");
    command.args(["-c", &script]);
    command.current_dir(directory.expect("the stage's folder"));
    let output = command.output().expect("sh");
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.contains("60 scenarios: 60 passed"), "{text}");
}

#[test]
fn a_scenario_that_no_limit_allows_is_told_and_the_others_run() {
    let stage = Stage::new();
    stage.echo("a", "hello");
    stage.write(
        "scenarios/crowd.toml",
        r#"title = "too many"
[server]
kind = "epoll"
listen = "127.0.0.1:5000"
handler = "echo"
[[client]]
name = "client"
count = 500
steps = ["connect", "close"]
[expect]
snapshot = false
"#,
    );
    let program = env!("CARGO_BIN_EXE_lab-capture");
    let mut command = std::process::Command::new("setpriv");
    // Without the capability to raise it, for a test that runs as root.
    command.args([
        "--bounding-set",
        "-sys_resource",
        "--inh-caps",
        "-all",
        "sh",
        "-c",
    ]);
    command.arg(format!("ulimit -n 200 && exec {program} scenarios"));
    command.current_dir(stage.0.path());
    let output = command.output().expect("setpriv");
    let text = stdout(&output);
    assert_eq!(code(&output), 3, "{text}");
    assert!(
        text.contains("needs about") && text.contains("descriptors"),
        "{text}"
    );
    assert!(text.contains("a: passed"), "{text}");
}
