//! Scenarios made for a test, and the binary run on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with scenarios and a folder for captures.
pub struct Stage(pub TempDir);

impl Stage {
    pub fn new() -> Self {
        Stage(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A scenario whose client sends `text` to an echo server. Without a snapshot: what is wrong
    /// with it must show in its steps.
    pub fn echo(&self, name: &str, text: &str) {
        self.scenario(name, text, text, "");
    }

    /// One that fails: the client waits for what the server will not send.
    pub fn failing(&self, name: &str) {
        self.scenario(name, "hello", "hullo", "");
    }

    /// One that ends only when it is interrupted, or after its limit.
    pub fn hanging(&self, name: &str) {
        self.scenario(name, "hello", "hello and more", ", limit = \"60 s\"");
    }

    fn scenario(&self, name: &str, send: &str, recv: &str, limit: &str) {
        let text = format!(
            r#"title = "{name}"
limit = "60 s"
[server]
kind = "select"
listen = "127.0.0.1:5000"
handler = "echo"
[[client]]
name = "client"
steps = ["connect", {{ send = "{send}" }}, {{ recv = "{recv}"{limit} }}, "close"]
[expect]
snapshot = false
"#
        );
        self.write(&format!("scenarios/{name}.toml"), &text);
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// `lab-capture ARGUMENTS`, in the stage's folder; no CI system around it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab-capture"));
        command.args(arguments).current_dir(self.0.path());
        for name in [
            "CI",
            "CI_NODE_INDEX",
            "CIRCLE_NODE_INDEX",
            "BUILDKITE_PARALLEL_JOB",
            "JOB_COMPLETION_INDEX",
            "GITHUB_ACTIONS",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output();
        output.expect("lab-capture can be started")
    }
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn code(output: &Output) -> i32 {
    let code = output.status.code();
    code.unwrap_or_else(|| panic!("ended by a signal: {}", stderr(output)))
}

/// The records of a JSON Lines report.
pub fn records(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect()
}

/// Names of the scenarios with a verdict, in the order of the report.
pub fn verdicts(path: &Path) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    records(path)
        .iter()
        .filter(|record| record["type"] == "verdict")
        .map(|record| (text(&record["scenario"]), text(&record["verdict"])))
        .collect()
}
