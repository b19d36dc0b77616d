//! Transfers that are larger than the memory set aside for frames: the same flow, the same capture, in
//! bounded memory.
//!
//! Each run is a process of its own, started by a copy of this program that has no other children, so
//! that its largest resident set is that of the run.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use lab_capture::capture::read::Reader;
use lab_capture::wire::{Flags, Packet, parse};
use libtest_mimic::{Arguments, Trial};
use nix::sys::resource::{UsageWho, getrusage};
use tempfile::TempDir;

/// What is sent.
const MIB: usize = 128;

/// The word with which this program runs one command and tells how much memory it took.
const MEASURE: &str = "__measure";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == MEASURE) {
        return measure(&words[1..]);
    }
    let trials = vec![
        Trial::test("a_capture_larger_than_its_memory", || {
            larger_than_memory();
            Ok(())
        }),
        Trial::test("headers_only_of_a_large_transfer", || {
            headers_only();
            Ok(())
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs the command, then prints its largest resident set in KiB behind what it said on stderr.
fn measure(command: &[String]) -> ExitCode {
    let status = Command::new(&command[0]).args(&command[1..]).status();
    let status = status.expect("the command can be started");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage");
    eprintln!("\npeak {}", usage.max_rss());
    ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(255),
    )
}

struct Ran {
    text: String,
    code: Option<i32>,
    /// Largest resident set, MiB.
    peak: u64,
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let myself = std::env::current_exe().expect("the path of this program");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(myself)
        .args([MEASURE, env!("CARGO_BIN_EXE_lab-capture")])
        .args(arguments)
        .current_dir(folder)
        .env_remove("CI")
        .output()
        .expect("this program can be started");
    let [stdout, stderr] = [stdout, stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
    let (before, peak) = stderr.rsplit_once("peak ").expect("the peak");
    Ran {
        text: format!("{stdout}{before}"),
        code: status.code(),
        peak: peak.trim().parse::<u64>().expect("KiB") / 1024,
    }
}

fn passes(folder: &Path, arguments: &[&str]) -> Ran {
    let ran = run(folder, arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    assert!(ran.text.contains(" 0 drops"), "{}", ran.text);
    ran
}

/// A folder with `bulk.toml` in it.
fn scenario(capture: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = format!(
        r#"limit = "100 s"
{capture}
[server]
kind = "epoll"
handler = "sink"
[[client]]
steps = ["connect", {{ repeat = {{ times = {MIB}, steps = [{{ send = {{ pattern = 1048576 }} }}] }} }}, "close"]
"#
    );
    std::fs::write(folder.path().join("bulk.toml"), text).expect("our folder");
    folder
}

fn larger_than_memory() {
    let folder = scenario("");
    let folder = folder.path();
    // All in memory first: its flow, with the digest of all bytes, is what the others must show.
    let all = passes(
        folder,
        &["bulk.toml", "--memory", "512", "--accept", "--quiet"],
    );
    let few = passes(folder, &["bulk.toml", "--memory", "4", "--quiet"]);
    println!(
        "{MIB} MiB: {} MiB in memory, {} MiB with a file",
        all.peak, few.peak
    );
    assert!(all.peak > MIB as u64, "{} MiB: not measured", all.peak);
    // 4 of frames, a ring of 64, windows of 32 on the file, what is on its way, and the program.
    assert!(
        few.peak < 180 && few.peak + 30 < all.peak,
        "{} MiB",
        few.peak
    );
    let file = folder.join("captures/bulk.pcap");
    let payload = the_pattern_is_in(&file, &few.text);
    as_tshark_sees_it(&file, &few.text, payload);
    // Read back from its file, as from anybody's: the same digest.
    let read = run(
        folder,
        &["check", "captures/bulk.pcap", "bulk.toml", "--quiet"],
    );
    assert_eq!(read.code, Some(0), "{}", read.text);
    assert!(read.peak < 120, "{} MiB to check the file", read.peak);
    // The other format goes frame by frame; nothing but the captures is left behind.
    passes(
        folder,
        &[
            "bulk.toml",
            "--memory",
            "0",
            "--format",
            "pcapng",
            "--quiet",
        ],
    );
    the_pattern_is_in(&folder.join("captures/bulk.pcapng"), "");
    let left = std::fs::read_dir(folder.join("captures")).expect("the folder");
    let mut left: Vec<PathBuf> = left.map(|entry| entry.expect("an entry").path()).collect();
    left.sort();
    assert_eq!(
        left,
        ["bulk.pcap", "bulk.pcapng"].map(|n| folder.join("captures").join(n))
    );
}

fn headers_only() {
    let folder = scenario("[capture]\nsnaplen = 96\n[expect]\nsnapshot = false");
    let ran = passes(folder.path(), &["bulk.toml", "--quiet"]);
    println!("{MIB} MiB, headers only: {} MiB", ran.peak);
    assert!(ran.peak < 128, "{} MiB", ran.peak);
}

/// Frames as the verdict line counts them.
fn frames(text: &str) -> u64 {
    let before = text.split(" frame").next().expect("a verdict line");
    let number = before.split_whitespace().next_back();
    number.and_then(|n| n.parse().ok()).expect("a number")
}

/// The stream is the pattern of each MiB and nothing of it is missing, though segments may have been sent
/// twice; payload bytes of all segments.
fn the_pattern_is_in(file: &Path, text: &str) -> usize {
    let mut reader = Reader::open(file).expect("a capture file");
    let (mut sum, mut count) = (0, 0);
    let mut first = None;
    let mut ranges = vec![];
    while let Some(frame) = reader.next().expect("whole frames") {
        count += 1;
        let Packet::Tcp(segment) = parse(&frame) else {
            panic!("frame {count} is no segment");
        };
        if segment.flags.contains(Flags::SYN) {
            first.get_or_insert(segment.seq.0.wrapping_add(1));
        }
        if segment.payload.is_empty() {
            continue;
        }
        let base = first.expect("the client's SYN is the first frame");
        let at = segment.seq.0.wrapping_sub(base) as usize;
        let mut bytes = (at..).zip(segment.payload);
        let right = bytes.all(|(at, &byte)| usize::from(byte) == at % (1 << 20) % 251);
        assert!(right, "frame {count} holds other bytes than were sent");
        ranges.push((at, at + segment.payload.len()));
        sum += segment.payload.len();
    }
    ranges.sort_unstable();
    let end = ranges.iter().fold(0, |end, &(from, to)| {
        assert!(from <= end, "bytes {end} to {from} are missing");
        end.max(to)
    });
    assert_eq!(end, MIB << 20);
    if !text.is_empty() {
        assert_eq!(count, frames(text));
    }
    sum
}

fn as_tshark_sees_it(file: &Path, text: &str, all: usize) {
    let output = Command::new("tshark")
        .args([
            "-n",
            "-T",
            "fields",
            "-e",
            "frame.len",
            "-e",
            "frame.cap_len",
            "-e",
            "tcp.len",
        ])
        .args([
            "-e",
            "_ws.malformed",
            "-e",
            "_ws.short",
            "-o",
            "tcp.desegment_tcp_streams:false",
            "-d",
            "tcp.port==5000,data",
        ])
        .arg("-r")
        .arg(file)
        .output()
        .expect("tshark is installed");
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).expect("text");
    let mut payload = 0;
    for line in told.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields[0], fields[1], "a frame is cut");
        assert_eq!(fields[3..], ["", ""], "{line}");
        payload += fields[2].parse::<usize>().expect("tcp.len");
    }
    assert_eq!(payload, all);
    assert_eq!(told.lines().count() as u64, frames(text));
}
