//! The exit code tells a script what happened, and the worst of several runs decides.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::program::{Outcome, lab_capture, run};
use crate::stage::{self, Person, folder_of};

pub fn trials() -> Vec<Trial> {
    crate::trials![
        passed_is_0,
        a_missing_snapshot_is_1,
        another_flow_is_1,
        a_failed_step_is_1,
        a_wrong_file_is_2_and_nothing_runs,
        what_the_kernel_refuses_is_3,
        failed_is_worse_than_passed,
        help_and_version_are_0,
        a_closed_pipe_is_no_error,
    ]
}

/// `close` with its snapshot, in a folder of one's own.
fn close() -> TempDir {
    let folder = folder_of(Person::User);
    for file in ["close.toml", "snapshots/close.snap"] {
        let target = folder.path().join(file);
        fs::create_dir_all(target.parent().expect("a folder")).expect("our folder");
        fs::copy(stage::scenarios().join(file), target).expect("our folder");
    }
    folder
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("our file");
    assert!(text.contains(from), "{from:?} in {text}");
    fs::write(file, text.replace(from, to)).expect("our file");
}

fn user(folder: &TempDir, arguments: &[&str]) -> Outcome {
    run(lab_capture(Person::User, folder.path()).args(arguments))
}

fn passed_is_0() {
    user(&close(), &["close.toml"]).exits(0);
}

fn a_missing_snapshot_is_1() {
    let folder = close();
    fs::remove_file(folder.path().join("snapshots/close.snap")).expect("our file");
    let outcome = user(&folder, &["close.toml"]);
    outcome.exits(1);
    assert!(
        outcome.stdout.contains("there is no snapshot"),
        "{}",
        outcome.text()
    );
}

fn another_flow_is_1() {
    let folder = close();
    edit(&folder.path().join("close.toml"), "\"hello\"", "\"hallo\"");
    user(&folder, &["close.toml"]).exits(1);
}

fn a_failed_step_is_1() {
    let folder = close();
    edit(
        &folder.path().join("close.toml"),
        "recv = \"hello\"",
        "recv = \"hallo\"",
    );
    let outcome = user(&folder, &["close.toml"]);
    outcome.exits(1);
    assert!(
        outcome.stdout.contains("error: client-1: "),
        "{}",
        outcome.text()
    );
}

fn a_wrong_file_is_2_and_nothing_runs() {
    let folder = close();
    fs::write(folder.path().join("wrong.toml"), "[sever]\n").expect("our folder");
    let outcome = user(&folder, &["close.toml", "wrong.toml"]);
    outcome.exits(2);
    assert_eq!(outcome.stdout, "");
    assert!(!folder.path().join("captures").exists());
}

fn what_the_kernel_refuses_is_3() {
    let folder = close();
    let file = folder.path().join("close.toml");
    edit(
        &file,
        "[server]",
        "[sysctl]\nnet.ipv4.no_such_setting = 1\n[server]",
    );
    let outcome = user(&folder, &["close.toml"]);
    outcome.exits(3);
    assert!(
        outcome.text().contains("net.ipv4.no_such_setting"),
        "{}",
        outcome.text()
    );
}

fn failed_is_worse_than_passed() {
    let folder = close();
    fs::copy(
        folder.path().join("close.toml"),
        folder.path().join("another.toml"),
    )
    .expect("our file");
    for order in [
        ["close.toml", "another.toml"],
        ["another.toml", "close.toml"],
    ] {
        let outcome = user(&folder, &order);
        outcome.exits(1);
        assert!(
            outcome.stdout.contains("close: passed"),
            "{}",
            outcome.text()
        );
        assert!(
            outcome.stdout.contains("another: failed"),
            "{}",
            outcome.text()
        );
        assert!(
            outcome.stdout.contains("2 scenarios: 1 passed, 1 failed"),
            "{}",
            outcome.text()
        );
    }
}

fn help_and_version_are_0() {
    let folder = folder_of(Person::User);
    let help = user(&folder, &["--help"]);
    help.exits(0);
    assert!(
        help.stdout.contains("Exit codes:\n  0  all passed"),
        "{}",
        help.stdout
    );
    let version = user(&folder, &["--version"]);
    version.exits(0);
    assert_eq!(
        version.stdout,
        format!("lab-capture {}\n", env!("CARGO_PKG_VERSION"))
    );
}

/// Whoever reads the report has seen enough.
fn a_closed_pipe_is_no_error() {
    let folder = close();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = lab_capture(Person::User, folder.path());
    let mut child = command
        .arg("close.toml")
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program");
    // The command holds an end of the pipe as well.
    drop(command);
    let mut said = String::new();
    let mut stderr = child.stderr.take().expect("piped");
    std::io::Read::read_to_string(&mut stderr, &mut said).expect("UTF-8");
    assert_eq!(said, "");
    assert_eq!(child.wait().expect("our child").code(), Some(0));
}
