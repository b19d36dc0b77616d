//! `--quiet` prints the verdict line, and why there is no verdict.

use crate::util::{Stage, code, stderr, stdout};

/// A program that is not there.
fn without_program(stage: &Stage) {
    stage.write(
        "scenarios/nobody.toml",
        r#"title = "no such program"
[server]
command = ["no-such-program-anywhere"]
listen = "127.0.0.1:5000"
[[client]]
name = "client"
steps = ["connect", "close"]
"#,
    );
}

#[test]
fn quiet_says_why_the_lab_could_not_run() {
    let stage = Stage::new();
    without_program(&stage);
    for more in [&[][..], &["--repeat", "2"], &["--retries", "1"]] {
        let arguments: Vec<&str> = ["--quiet", "scenarios"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let output = stage.run(&arguments);
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        let told = stderr(&output);
        assert!(told.starts_with("nobody: "), "{told}");
        assert!(told.contains("no-such-program-anywhere"), "{told}");
        assert!(!stdout(&output).contains("no-such-program-anywhere"));
        assert!(stdout(&output).contains("nobody: error"));
    }
    // Without --quiet the report has said it.
    let output = stage.run(&["scenarios"]);
    assert!(stdout(&output).contains("no-such-program-anywhere"));
    assert_eq!(stderr(&output), "");
}

/// A capture file that a scenario does not find its connection in proves nothing of it.
#[test]
fn quiet_says_in_one_line_why_a_run_proves_nothing() {
    let stage = Stage::new();
    stage.echo("echo", "hello");
    stage.run(&["scenarios"]);
    // The capture begins in the middle: bytes are missing.
    let capture = std::fs::read(stage.path("captures/echo.pcap")).unwrap();
    let mut cut = capture[..24].to_vec();
    let mut at = 24;
    for number in 1.. {
        let Some(header) = capture.get(at..at + 16) else {
            break;
        };
        let length = u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
        // The client's "hello", behind the handshake.
        if number != 4 {
            cut.extend_from_slice(&capture[at..at + 16 + length]);
        }
        at += 16 + length;
    }
    std::fs::write(stage.path("cut.pcap"), cut).unwrap();
    let output = stage.run(&["check", "--quiet", "cut.pcap", "scenarios/echo.toml"]);
    assert_eq!(code(&output), 4, "{}\n{}", stdout(&output), stderr(&output));
    let told = stderr(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("echo: client"), "{told}");
    assert_eq!(stdout(&output).lines().count(), 1);
}
