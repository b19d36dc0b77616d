//! A terminal that stays open: a command under way, what is typed, what is printed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::normal;
use crate::stage::Stage;

/// Long enough for any machine; reaching it is a failure.
const LIMIT: Duration = Duration::from_secs(60);

/// A command under way; killed when dropped.
pub struct Terminal {
    /// The command line.
    pub line: String,
    child: Child,
    stdin: Option<ChildStdin>,
    printed: Receiver<String>,
}

impl Terminal {
    /// Starts the command.
    pub fn open(stage: &Stage, line: &str) -> Self {
        let (read, write) = std::io::pipe().expect("a pipe");
        let mut command = stage.shell(line);
        command
            .stdin(Stdio::piped())
            .stdout(write.try_clone().expect("a descriptor"))
            .stderr(write);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{line}: {e}"));
        // The command holds our ends of its outputs.
        drop(command);
        let (sender, printed) = mpsc::channel();
        std::thread::spawn(move || {
            for text in BufReader::new(read).lines().map_while(Result::ok) {
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        Terminal {
            line: line.to_owned(),
            stdin: child.stdin.take(),
            child,
            printed,
        }
    }

    /// Types a line.
    pub fn types(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("its input is open");
        writeln!(stdin, "{text}").unwrap_or_else(|e| panic!("{}: typing {text:?}: {e}", self.line));
    }

    /// Waits until this line comes, which must be the next that counts.
    pub fn shows(&mut self, shown: &str) {
        let Some(shown) = normal::line(shown) else {
            return;
        };
        let came = loop {
            match self.printed.recv_timeout(LIMIT) {
                Ok(text) => match normal::line(&text) {
                    Some(text) => break text,
                    None => continue,
                },
                Err(RecvTimeoutError::Timeout) => {
                    panic!("`{}` has not printed {shown:?} in {LIMIT:?}", self.line)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("`{}` ended; it should print {shown:?}", self.line)
                }
            }
        };
        assert_eq!(came, shown, "`{}` printed something else", self.line);
    }

    /// Ctrl-C or Ctrl-D.
    pub fn key(&mut self, key: &str) {
        match key {
            "^D" => drop(self.stdin.take()),
            "^C" => {
                let pid = Pid::from_raw(self.child.id() as i32);
                kill(pid, Signal::SIGINT).unwrap_or_else(|e| panic!("{}: {e}", self.line));
            }
            other => panic!("no such key: {other}"),
        }
    }

    /// Waits for its end: with exit code 0, and nothing more printed.
    pub fn ends(mut self) {
        loop {
            match self.printed.recv_timeout(LIMIT) {
                Ok(text) => assert_eq!(
                    normal::line(&text).filter(|text| !text.is_empty()),
                    None,
                    "`{}` printed more than is shown",
                    self.line
                ),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("`{}` has not ended", self.line),
            }
        }
        let status = self.child.wait().expect("our child");
        assert!(status.success(), "`{}`: {status}", self.line);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Already ended if `ends` came so far.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
