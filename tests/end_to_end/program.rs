//! One run of the program, and what it says.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{PipeReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::stage::{self, Person};

/// Long enough for any machine; reaching it is a failure.
pub const LIMIT: Duration = Duration::from_secs(60);

/// `lab-capture`, run by this person in this folder, with `CI=true` and nothing else of ours in its
/// environment.
pub fn lab_capture(person: Person, folder: &Path) -> Command {
    run_as(person, folder, stage::binary())
}

/// Any program, run by this person in this folder.
pub fn run_as(person: Person, folder: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut argv = person.prefix();
    argv.push(program.as_ref().to_owned());
    let mut command = Command::new(&argv[0]);
    command
        .args(&argv[1..])
        .current_dir(folder)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("CI", "true")
        .stdin(Stdio::null());
    if person == Person::Sudo {
        let (uid, gid) = person.ids();
        command
            .env("SUDO_UID", uid.to_string())
            .env("SUDO_GID", gid.to_string())
            .env("SUDO_USER", "labtest");
    }
    command
}

/// What a run left.
#[derive(Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
}

/// A run under way; killed when dropped.
pub struct Run {
    child: Child,
    start: Instant,
    outputs: Option<[JoinHandle<()>; 2]>,
    texts: mpsc::Receiver<(usize, Vec<u8>)>,
    /// Readable once both outputs have ended.
    ended: PipeReader,
}

/// Starts it, draining both its outputs.
pub fn start(command: &mut Command) -> Run {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (sender, texts) = mpsc::channel();
    let (ended, open) = std::io::pipe().expect("a pipe");
    let drain = |which: usize, mut pipe: Box<dyn Read + Send>| {
        let sender = sender.clone();
        let open = open.try_clone().expect("a descriptor");
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is what there is.
            let _ = pipe.read_to_end(&mut bytes);
            let _ = sender.send((which, bytes));
            drop(open);
        })
    };
    let out = child.stdout.take().expect("piped");
    let err = child.stderr.take().expect("piped");
    let outputs = [drain(0, Box::new(out)), drain(1, Box::new(err))];
    Run {
        child,
        start,
        outputs: Some(outputs),
        texts,
        ended,
    }
}

impl Run {
    /// The process.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Hung up when both outputs have ended.
    pub fn ended(&self) -> &PipeReader {
        &self.ended
    }

    /// All that it said, once it has ended; for messages.
    pub fn said(&self) -> String {
        let texts = self.texts.try_iter();
        texts
            .map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal)
            .unwrap_or_else(|e| panic!("kill {}: {e}", self.pid()));
    }

    /// Its end, or a panic after [`LIMIT`]. Both outputs must end too: a process that is left
    /// behind would hold them.
    pub fn wait(mut self) -> Outcome {
        let mut texts = [String::new(), String::new()];
        for _ in 0..2 {
            let Ok((which, bytes)) = self.texts.recv_timeout(LIMIT) else {
                panic!("the program's output has not ended after {LIMIT:?}; so far {texts:?}");
            };
            texts[which] = String::from_utf8(bytes).expect("what is printed is UTF-8");
        }
        let status = self.child.wait().expect("our child");
        let elapsed = self.start.elapsed();
        for output in self.outputs.take().into_iter().flatten() {
            output.join().expect("a thread that only reads");
        }
        let [stdout, stderr] = texts;
        Outcome {
            status,
            stdout,
            stderr,
            elapsed,
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Already ended if `wait` came so far.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it to its end.
pub fn run(command: &mut Command) -> Outcome {
    start(command).wait()
}

impl Outcome {
    /// The exit code; a panic if a signal ended it.
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code(), code, "exit code of\n{}", self.text());
        assert!(
            !self.stderr.contains("panicked at"),
            "a panic:\n{}",
            self.text()
        );
        self
    }

    /// Everything, for messages.
    pub fn text(&self) -> String {
        format!(
            "{}\n--- standard output\n{}--- standard error\n{}",
            self.status, self.stdout, self.stderr
        )
    }

    /// Everything, without what differs from run to run: folders, times, ports.
    pub fn redacted(&self, folder: &Path) -> String {
        let mut text = format!("exit code: {}\n", self.code());
        for (name, output) in [("output", &self.stdout), ("error", &self.stderr)] {
            if !output.is_empty() {
                let _ = write!(text, "--- standard {name}\n{output}");
            }
        }
        let mut text = text.replace(folder.to_str().expect("UTF-8"), "[FOLDER]");
        for (pattern, with) in [
            (r"\b\d+(\.\d+)? (ms|s)\b", "[TIME]"),
            (r"\b\d+\.\d{6}\b", "[SECOND]"),
            (r"(127\.0\.0\.1|\[::1\]):[3-6]\d{4}\b", "$1:[PORT]"),
        ] {
            let pattern = regex::Regex::new(pattern).expect("a pattern");
            text = pattern.replace_all(&text, with).into_owned();
        }
        text
    }
}

/// Compares with `tests/end_to_end/snapshots/NAME.snap`.
pub fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A tool that a person would use; what it says.
#[track_caller]
pub fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
