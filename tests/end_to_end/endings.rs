//! However a run ends, it ends in time, what was captured is on disk and valid, and nothing is left.

use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Trial;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::proc_scan::{Mark, Namespaces};
use crate::program::{LIMIT, Outcome, Run, lab_capture, run, start};
use crate::scenarios::path;
use crate::stage::{Person, everybody, folder_of};
use crate::witness;

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![];
    for &person in everybody() {
        for (name, signal) in [
            ("ctrl_c", Signal::SIGINT),
            ("sigterm", Signal::SIGTERM),
            ("sighup", Signal::SIGHUP),
        ] {
            trials.push(Trial::test(
                format!("endings::{}::{name}", person.name()),
                move || {
                    interrupted(person, signal);
                    Ok(())
                },
            ));
        }
        for (name, scenario) in [
            ("killed", UNDER_WAY),
            ("killed_with_programs", WITH_PROGRAMS),
        ] {
            trials.push(Trial::test(
                format!("endings::{}::{name}", person.name()),
                move || {
                    killed(person, scenario);
                    Ok(())
                },
            ));
        }
        trials.push(Trial::test(
            format!("endings::{}::ctrl_c_with_programs", person.name()),
            move || {
                interrupted_with_programs(person);
                Ok(())
            },
        ));
    }
    trials.extend(crate::trials![
        a_server_that_hangs,
        a_server_script_that_hangs,
        a_client_step_that_times_out,
        a_run_that_reaches_its_limit,
        the_scenarios_after_an_interrupt_are_not_run,
    ]);
    trials
}

/// Hello there and back; then the client writes what comes into a pipe, so that the test knows
/// that the run is under way; then nothing comes any more.
const UNDER_WAY: &str = r#"
limit = "50s"
[server]
kind = "select"
handler = "echo"
[[client]]
steps = [
    "connect",
    { send = "hello" },
    { recv = "hello" },
    { send = "under way" },
    { recv-file = { into = "pipe" }, limit = "45s" },
]
[expect]
snapshot = false
"#;

/// A client that leaves a daemon behind, in a session of its own and with nothing left open, and
/// does not end either.
const WITH_PROGRAMS: &str = r#"
limit = "50s"
[server]
kind = "select"
handler = "echo"
[[client]]
command = ["sh", "-c", """
    setsid -f sleep 1000 <&- >&- 2>&-
    trap '' INT TERM HUP
    echo under way > captures/pipe
    sleep 1000
    sleep 1000
"""]
[expect]
snapshot = false
"#;

/// A run in the middle of its exchange.
pub struct UnderWay {
    pub run: Run,
    pub mark: Mark,
    pub namespaces: Namespaces,
    pub folder: TempDir,
    /// The pipe's end, kept open: writing goes on.
    _reader: std::fs::File,
}

/// Starts this scenario, whose client writes something into the file `pipe`, and waits until it has.
pub fn under_way(person: Person, scenario: &str) -> UnderWay {
    under_way_in(folder_of(person), person, scenario, &["middle.toml"])
}

/// The same in this folder, with these arguments.
fn under_way_in(folder: TempDir, person: Person, scenario: &str, arguments: &[&str]) -> UnderWay {
    std::fs::write(folder.path().join("middle.toml"), scenario).expect("our folder");
    let captures = folder.path().join("captures");
    std::fs::create_dir(&captures).expect("our folder");
    let pipe = captures.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o666))
        .expect("our folder");
    if crate::stage::is_root() {
        let (uid, gid) = person.ids();
        for made in [&captures, &pipe] {
            std::os::unix::fs::chown(made, Some(uid), Some(gid)).expect("root may");
        }
    }
    let mut reader = reader(&pipe);
    let mut command = lab_capture(person, folder.path());
    command.args(arguments);
    let mark = Mark::put(&mut command);
    let run = start(&mut command);
    wait_readable(&reader, &run);
    let mut bytes = [0; 9];
    reader.read_exact(&mut bytes).expect("what has come");
    assert_eq!(&bytes, b"under way");
    let namespaces = mark.namespaces();
    let kinds = namespaces.kinds();
    assert!(kinds.contains(&"net"), "{kinds:?}");
    assert_eq!(kinds.contains(&"user"), person == Person::User, "{kinds:?}");
    UnderWay {
        run,
        mark,
        namespaces,
        folder,
        _reader: reader,
    }
}

/// Until something has been written, or the run has ended before.
fn wait_readable(reader: &std::fs::File, run: &Run) {
    let limit = PollTimeout::try_from(LIMIT).expect("a minute");
    let ended = run.ended();
    let mut both = [
        PollFd::new(reader.as_fd(), PollFlags::POLLIN),
        PollFd::new(ended.as_fd(), PollFlags::POLLIN),
    ];
    let ready = poll(&mut both, limit).expect("poll");
    assert!(ready > 0, "the run is not under way after {LIMIT:?}");
    assert!(
        both[0].any() == Some(true),
        "the run has ended before it was under way:\n{}",
        run.said()
    );
}

/// Opened without waiting for a writer.
fn reader(pipe: &Path) -> std::fs::File {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
        .open(pipe)
        .expect("our pipe")
}

fn interrupted(person: Person, signal: Signal) {
    let calm = calm();
    let middle = under_way(person, UNDER_WAY);
    let since = std::time::Instant::now();
    middle.run.signal(signal);
    let outcome = middle.run.wait();
    let elapsed = since.elapsed();
    assert!(elapsed < calm.second(), "{elapsed:?} after {signal}");
    outcome.exits(4);
    assert!(
        outcome.stdout.contains("inconclusive"),
        "{}",
        outcome.text()
    );
    assert!(
        outcome.stdout.contains("the run was interrupted"),
        "{}",
        outcome.text()
    );
    // SYN, SYN-ACK, four pieces of data; pure ACKs may be fewer.
    on_disk(&middle.folder.path().join("captures/middle.pcap"), 6);
    no_leftovers(middle.folder.path(), &["middle.pcap", "pipe"]);
    middle.mark.assert_gone();
    middle.namespaces.assert_abandoned();
}

fn interrupted_with_programs(person: Person) {
    let middle = under_way(person, WITH_PROGRAMS);
    // The daemon, and the one that the program waits for.
    middle.mark.await_processes("sleep 1000", 2);
    middle.run.signal(Signal::SIGINT);
    middle.run.wait().exits(4);
    middle.mark.assert_gone();
    middle.namespaces.assert_abandoned();
}

fn killed(person: Person, scenario: &str) {
    let middle = under_way(person, scenario);
    middle.run.signal(Signal::SIGKILL);
    let outcome = middle.run.wait();
    assert!(outcome.status.code().is_none(), "{outcome:?}");
    middle.mark.assert_gone();
    middle.namespaces.assert_abandoned();
    // Whatever file there is, it is whole.
    for entry in std::fs::read_dir(middle.folder.path().join("captures")).expect("our folder") {
        let file = entry.expect("an entry").path();
        if file.file_name().is_some_and(|name| name != "pipe") {
            witness::agree(&file);
        }
    }
}

/// How long a run takes here and now that has nothing to wait for.
struct Calm(Duration);

impl Calm {
    /// "Within a second", on a machine that has time; more where everything takes longer.
    fn second(&self) -> Duration {
        Duration::from_secs(1).max(self.0 * 5)
    }
}

fn calm() -> Calm {
    let folder = folder_of(Person::User);
    let outcome = run(lab_capture(Person::User, folder.path()).arg(path("close")));
    outcome.exits(0);
    Calm(outcome.elapsed)
}

/// The file is there, valid, the same to tshark as to us, and holds at least these frames.
fn on_disk(file: &Path, frames: usize) {
    let count = witness::agree(file).frames.len();
    assert!(
        count >= frames,
        "{count} frames, at least {frames} had been seen"
    );
}

fn no_leftovers(folder: &Path, expected: &[&str]) {
    let entries = std::fs::read_dir(folder.join("captures")).expect("our folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    assert_eq!(names, expected);
}

/// Runs to its end, which must come within a second of `limit`, and leaves a capture.
fn limited(text: &str, limit: Duration, frames: usize) -> (Outcome, TempDir) {
    let calm = calm();
    let folder = folder_of(Person::User);
    std::fs::write(folder.path().join("late.toml"), text).expect("our folder");
    let mut command = lab_capture(Person::User, folder.path());
    let mark = Mark::put(command.arg("late.toml"));
    let outcome = run(&mut command);
    outcome.exits(1);
    assert!(
        outcome.elapsed >= limit,
        "{:?} is too early",
        outcome.elapsed
    );
    let latest = limit + calm.second();
    assert!(
        outcome.elapsed < latest,
        "{:?}, limit {limit:?}",
        outcome.elapsed
    );
    mark.assert_gone();
    let pcap: PathBuf = folder.path().join("captures/late.pcap");
    on_disk(&pcap, frames);
    no_leftovers(folder.path(), &["late.pcap"]);
    (outcome, folder)
}

fn a_server_that_hangs() {
    let text = r#"
[server]
kind = "select"
handler = "sink"
[[client]]
steps = ["connect", { send = "hello" }, { recv = "hello", limit = "1s" }, "close"]
[expect]
snapshot = false
"#;
    let (outcome, folder) = limited(text, Duration::from_secs(1), 4);
    crate::program::assert_snapshot("a_server_that_hangs", &stable(&outcome, folder.path()));
}

fn a_server_script_that_hangs() {
    let text = r#"
[server]
kind = "select"
handler = [{ recv = "hello" }, { recv = "never", limit = "1s" }]
[[client]]
steps = ["connect", { send = "hello" }, { wait = { actor = "server", event = "done" } }, "close"]
[expect]
snapshot = false
"#;
    let (outcome, _) = limited(text, Duration::from_secs(1), 4);
    assert!(outcome.stdout.contains("server"), "{}", outcome.text());
}

fn a_client_step_that_times_out() {
    let text = r#"
[server]
kind = "select"
handler = "echo"
[[client]]
name = "patient"
steps = ["connect", { barrier = "both" }, { send = "hello" }, { recv = "hello" }, "close"]
[[client]]
name = "late"
steps = ["connect", { barrier = "both" }, { wait = "peer-fin", limit = "1s" }, "close"]
[expect]
snapshot = false
"#;
    let (outcome, _) = limited(text, Duration::from_secs(1), 10);
    assert!(
        outcome.stdout.contains("error: late: "),
        "{}",
        outcome.text()
    );
    assert!(
        !outcome.stdout.contains("error: patient: "),
        "{}",
        outcome.text()
    );
}

fn a_run_that_reaches_its_limit() {
    let text = r#"
limit = "1s"
[server]
kind = "select"
handler = "echo"
[[client]]
steps = ["connect", { send = "hello" }, { recv = "hello" }, { recv = "more", limit = "30s" }]
[expect]
snapshot = false
"#;
    let (outcome, _) = limited(text, Duration::from_secs(1), 5);
    assert!(
        outcome.stdout.contains("the run's limit of 1s has passed"),
        "{}",
        outcome.text()
    );
}

/// The findings and the verdict, without the packets, which may be more or fewer.
fn stable(outcome: &Outcome, folder: &Path) -> String {
    let text = outcome.redacted(folder);
    let from = text.find("error:").unwrap_or_default();
    let frames = regex::Regex::new(r"\d+ frames").expect("a pattern");
    frames.replace_all(&text[from..], "[N] frames").into_owned()
}

fn the_scenarios_after_an_interrupt_are_not_run() {
    let folder = folder_of(Person::User);
    std::fs::copy(path("close"), folder.path().join("later.toml")).expect("our folder");
    let middle = under_way_in(
        folder,
        Person::User,
        UNDER_WAY,
        &["--jobs", "1", "middle.toml", "later.toml"],
    );
    middle.run.signal(Signal::SIGINT);
    let outcome = middle.run.wait();
    outcome.exits(4);
    assert!(
        !outcome.stdout.contains("later: passed"),
        "{}",
        outcome.text()
    );
    no_leftovers(middle.folder.path(), &["middle.pcap", "pipe"]);
}
