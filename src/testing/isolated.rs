//! One test in a process of its own, which entered its namespace while it had one thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Debug;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use super::again::{self, Again, VARIABLE};
use crate::platform::Notify;
use crate::platform::multiplex::{Interest, PollList};
use crate::platform::notify::unique;

/// Longest message of a failure that the outer process repeats, in characters.
const MESSAGE: usize = 2000;

/// What a pipe holds, in bytes (pipe(7)).
const PIPE: usize = 64 << 10;

/// What a test's closure may return.
pub trait Outcome {
    /// `Err`: what to say of the failure.
    ///
    /// # Errors
    /// The test failed.
    fn outcome(self) -> Result<(), String>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Debug> Outcome for Result<(), E> {
    fn outcome(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// Runs the test in a process of its own, in which [`run`](super::run) and
/// [`capture`](super::capture) work also without root; see the [module](super) for how. The closure
/// is not run in the calling process.
///
/// Call it from the test's own thread (libtest names that thread after the test) or, with `harness =
/// false`, from the main thread: the binary is then started again with the arguments that it was
/// started with. What stands before the call is run in both processes. Inside of the closure it may
/// be called again, and then just runs what it is given.
///
/// # Panics
/// The closure panicked, returned an error, ended the process, or could not be run.
#[track_caller]
pub fn isolated<R: Outcome>(test: impl FnOnce() -> R) {
    let thread = std::thread::current();
    isolate(Location::caller(), test, || match thread.name() {
        Some("main") => std::env::args_os().skip(1).collect(),
        Some(name) => [
            "--exact",
            "--nocapture",
            "--include-ignored",
            "--test-threads=1",
            name,
        ]
        .into_iter()
        .map(OsString::from)
        .collect(),
        None => panic!(
            "lab_capture::testing::isolated starts this binary again for one test, and takes the \
             test's name from that of the thread; this thread has none. Call it from the test \
             itself, or use isolated_by"
        ),
    });
}

/// As [`isolated`], for test harnesses other than libtest: `arguments` are those with which this
/// binary runs this test and no other, its output not captured.
///
/// # Panics
/// As [`isolated`].
#[track_caller]
pub fn isolated_by<R: Outcome>(arguments: &[&str], test: impl FnOnce() -> R) {
    isolate(Location::caller(), test, || {
        arguments.iter().map(OsString::from).collect()
    });
}

#[track_caller]
fn isolate<R: Outcome>(
    place: &Location<'_>,
    test: impl FnOnce() -> R,
    arguments: impl FnOnce() -> Vec<OsString>,
) {
    static INSIDE: AtomicBool = AtomicBool::new(false);
    if INSIDE.load(Ordering::SeqCst) {
        if let Err(message) = test().outcome() {
            panic!("{message}");
        }
        return;
    }
    let key = key(place);
    match again::again() {
        // Another call, before the one that is meant: it has its own process.
        Some(again) if again.key != key => {}
        Some(again) => {
            INSIDE.store(true, Ordering::SeqCst);
            inner(again, test)
        }
        None => {
            if let Err(why) = outer(&key, arguments()) {
                panic!("{why}");
            }
        }
    }
}

/// The call: its place in the source, and how often this thread came by.
fn key(place: &Location<'_>) -> String {
    thread_local! {
        static PASSED: RefCell<HashMap<String, u32>> = RefCell::default();
    }
    let place = place.to_string();
    let nth = PASSED.with_borrow_mut(|passed| {
        let nth = passed.entry(place.clone()).or_default();
        *nth += 1;
        *nth
    });
    format!("{place} #{nth}")
}

/// Runs the test, says how it went, and ends the process: nothing after the call is run twice.
fn inner<R: Outcome>(again: &Again, test: impl FnOnce() -> R) -> ! {
    say(again, "began");
    let outcome = match &again.isolation {
        Err(error) => Err(error.to_string()),
        Ok(_) => match catch_unwind(AssertUnwindSafe(|| test().outcome())) {
            Ok(outcome) => outcome,
            Err(panic) => Err(words(&*panic).to_owned()),
        },
    };
    match outcome {
        Ok(()) => {
            say(again, "passed");
            std::process::exit(0)
        }
        Err(message) => {
            // All of it has been printed by the panic already.
            let mut short: String = message.chars().take(MESSAGE).collect();
            if short.len() < message.len() {
                short.push_str(" … (the rest is above)");
            }
            say(again, &format!("failed {}", quoted(&short)));
            std::process::exit(101)
        }
    }
}

fn quoted(message: &str) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    words.unwrap_or("a panic without a message")
}

/// One line on standard output, which is the outer process's pipe. If that is gone, so is whoever
/// wanted to know.
fn say(again: &Again, what: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(format!("{}{what}\n", again.word).as_bytes());
    let _ = out.flush();
}

/// Starts the process, passes its output on, and finds out how the test went.
fn outer(key: &str, arguments: Vec<OsString>) -> Result<(), String> {
    let word = format!("\u{1e}lab-capture-{}-{}:", std::process::id(), unique());
    let program = std::env::current_exe()
        .map_err(|e| format!("cannot find out which program this is: {e}"))?;
    let started = |e: io::Error| format!("cannot start {} again: {e}", program.display());
    let (reader, writer) = io::pipe().map_err(started)?;
    let mut command = Command::new(&program);
    command
        .args(&arguments)
        .env(VARIABLE, format!("{} {word} {key}", std::process::id()))
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(started)?)
        .stderr(writer);
    let mut child = command.spawn().map_err(started)?;
    // Closes this process's ends of the pipe.
    drop(command);
    let ended = Notify::new().map_err(started)?;
    let mut transcript = Transcript::new(&word);
    let status = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let status = child.wait();
            ended.signal();
            status
        });
        let heard = transcript.hear(reader, &ended);
        let status = waiting
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("wait")));
        heard.and(status)
    });
    let status = status.map_err(|e| format!("cannot listen to {}: {e}", program.display()))?;
    transcript.verdict(status, &arguments)
}

/// What the process printed: the test's own output is passed on, its reports are kept.
struct Transcript<'a> {
    word: &'a str,
    line: Vec<u8>,
    /// What the harness printed before the test began.
    before: String,
    began: bool,
    report: Option<Result<(), String>>,
}

impl<'a> Transcript<'a> {
    fn new(word: &'a str) -> Self {
        Transcript {
            word,
            line: vec![],
            before: String::new(),
            began: false,
            report: None,
        }
    }

    /// Reads until the pipe ends, or until the process has ended: what outlives it may hold the pipe.
    fn hear(&mut self, mut reader: PipeReader, ended: &Notify) -> io::Result<()> {
        let mut buffer = vec![0; PIPE];
        let mut after_the_end = 0;
        while after_the_end < PIPE {
            let mut poll = PollList::default();
            poll.push(reader.as_raw_fd(), Interest::READ);
            poll.push(ended.as_raw_fd(), Interest::READ);
            let ready = poll.wait(None)?;
            if !ready.contains(&0) {
                break;
            }
            let n = reader.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            self.take(&buffer[..n]);
            // What the process wrote itself is in the pipe by then.
            if ready.contains(&1) {
                after_the_end += n;
            }
        }
        let rest = std::mem::take(&mut self.line);
        self.pass(&rest);
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.whole(&line);
            }
        }
    }

    fn whole(&mut self, line: &[u8]) {
        let word = self.word.as_bytes();
        let Some(place) = line.windows(word.len()).position(|part| part == word) else {
            return self.pass(line);
        };
        self.pass(&line[..place]);
        let report = String::from_utf8_lossy(&line[place + word.len()..]);
        match report.trim_end().split_once(' ') {
            None if report.trim_end() == "began" => self.began = true,
            None if report.trim_end() == "passed" => self.report = Some(Ok(())),
            Some(("failed", why)) => {
                let why = serde_json::from_str(why).unwrap_or_else(|_| why.to_owned());
                self.report = Some(Err(why));
            }
            _ => self.pass(line),
        }
    }

    /// Through `print!`, so that it comes out where the outer test's own output does.
    fn pass(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if self.began {
            print!("{text}");
        } else {
            self.before.push_str(&text);
        }
    }

    fn verdict(self, status: ExitStatus, arguments: &[OsString]) -> Result<(), String> {
        match (self.began, self.report) {
            (true, Some(Ok(()))) if status.success() => Ok(()),
            (true, Some(Err(why))) => Err(format!("the isolated test failed: {why}")),
            (true, Some(Ok(()))) => Err(format!("the isolated test passed, then: {status}")),
            (true, None) => Err(format!(
                "the isolated test ended its process before its own end: {status}"
            )),
            (false, _) => Err(format!(
                "the test was not reached in a process of its own, started with {arguments:?} \
                 ({status}); it printed:\n{}",
                self.before
            )),
        }
    }
}
