//! Wireshark's own answers: sharkd, which loads the file once, or tshark, once for each filter.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Frames that pass a filter; `Err` if Wireshark refuses it.
pub type Answer = Result<Vec<u64>, String>;

/// tshark, one process for each question.
pub fn tshark(file: &Path, filter: &str) -> Answer {
    let output = Command::new("tshark")
        .args([
            "-n",
            "-T",
            "fields",
            "-e",
            "frame.number",
            "-Y",
            filter,
            "-r",
        ])
        .arg(file)
        .output()
        .expect("tshark is installed (package tshark)");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("numbers");
    Ok(text
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect())
}

/// sharkd, one process for all questions.
pub struct Sharkd {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
    _file: PathBuf,
}

impl Sharkd {
    /// Starts it; it comes with tshark.
    pub fn load(file: &Path) -> Sharkd {
        let mut child = Command::new("sharkd")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sharkd is installed (package wireshark-common)");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut sharkd = Sharkd {
            child,
            input,
            output,
            id: 0,
            _file: file.to_owned(),
        };
        let answer = sharkd.call("load", serde_json::json!({ "file": file }));
        assert_eq!(answer["result"]["status"], "OK", "{answer}");
        sharkd
    }

    fn call(&mut self, method: &str, params: serde_json::Value) -> serde_json::Value {
        self.id += 1;
        let request = serde_json::json!({
            "jsonrpc": "2.0", "id": self.id, "method": method, "params": params,
        });
        writeln!(self.input, "{request}").expect("sharkd reads");
        self.input.flush().expect("sharkd reads");
        loop {
            let mut line = String::new();
            let n = self.output.read_line(&mut line).expect("sharkd answers");
            assert!(n > 0, "sharkd ended at {request}");
            match serde_json::from_str::<serde_json::Value>(&line) {
                Ok(answer) if answer["id"] == self.id => return answer,
                _ => {}
            }
        }
    }

    /// The frames that pass `filter`.
    pub fn ask(&mut self, filter: &str) -> Answer {
        let answer = self.call("frames", serde_json::json!({ "filter": filter }));
        match answer["result"].as_array() {
            Some(frames) => Ok(frames
                .iter()
                .map(|frame| frame["num"].as_u64().expect("a number"))
                .collect()),
            None => Err(answer["error"]["message"].to_string()),
        }
    }
}

impl Drop for Sharkd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
