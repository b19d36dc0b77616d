//! Fuzzing on a stable toolchain: mutates a corpus, feeds the file reader, the frame parser, the
//! reassembler and the tracker, and watches that nothing panics, runs away or hoards memory.
//!
//! ```text
//! cargo test --test fuzz                                    a short run: the same every time
//! FUZZ_SECONDS=600 FUZZ_SEED=7 cargo test --test fuzz       a long one
//! FUZZ_CORPUS=DIR …                                         also mutate the captures in DIR
//! FUZZ_INPUT=FILE …                                         only run this input: repeat a failure
//! ```
//!
//! A failing input is written to `target/tmp/fuzz-failure-SEED-N` and its path printed. The debug
//! build is fast enough, and panics on arithmetic that overflows, which a release build would hide.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lab_capture::capture::read::Reader;
use lab_capture::tcp::{Fed, Tracker};
use lab_capture::wire::Frame;
use lab_capture::wire::{LinkType, Packet, Reassembler};

/// Memory that one input may take beyond its own size: the window, the decoders, the reassembler.
const MEMORY: usize = 64 << 20;
/// Time that one input may take, on a machine with other work.
const TIME: Duration = Duration::from_secs(10);
/// Executions of the short run.
const SHORT: u64 = 400_000;

#[path = "fuzz/corpus.rs"]
mod corpus;
#[path = "fuzz/mutate.rs"]
mod mutate;

use mutate::Random;

/// Counts what is allocated, so that an input cannot hoard memory unseen.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator unchanged; the counters do not allocate.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Default)]
struct Done {
    executions: u64,
    frames: u64,
    segments: u64,
}

/// A whole file: reader, parser, reassembler, tracker.
fn read_file(bytes: &[u8], done: &mut Done) {
    let Ok(mut reader) = Reader::from_read(Box::new(Cursor::new(bytes.to_vec()))) else {
        return;
    };
    let mut reassembler = Reassembler::default();
    let mut tracker = Tracker::default();
    // The loop ends with the file: every frame takes at least its header.
    let mut number = 0;
    while let Ok(Some(frame)) = reader.next() {
        number += 1;
        assert_eq!(frame.number, number, "frames are numbered from 1");
        done.frames += 1;
        take(&frame, &mut reassembler, &mut tracker, done);
        if number > 2_000_000 {
            break; // a compressed file of nothing but empty records
        }
    }
    let _ = reader.truncated().map(ToString::to_string);
    assert!(
        reader.next().is_ok_and(|frame| frame.is_none()),
        "the end is the end"
    );
}

/// One frame: the parser, with every invariant that the rooms behind rely on.
fn take(frame: &Frame<'_>, reassembler: &mut Reassembler, tracker: &mut Tracker, done: &mut Done) {
    let packet = reassembler.parse(frame);
    let fed = tracker.feed(frame.number, frame.time, &packet);
    match packet {
        Packet::Tcp(segment) => {
            done.segments += 1;
            assert!(segment.payload.len() <= segment.len as usize);
            assert!(segment.options.sack_blocks <= 10);
            assert_eq!(segment.src.is_ipv4(), segment.dst.is_ipv4());
            assert!(matches!(fed, Fed::Segment(_)));
        }
        packet => {
            let reason = packet.reason().expect("what is no segment has a reason");
            assert!(!reason.to_string().is_empty());
        }
    }
}

fn main() -> ExitCode {
    // `cargo test` asks a test binary for its list.
    if std::env::args().any(|a| a == "--list") {
        println!("fuzz: test");
        return ExitCode::SUCCESS;
    }
    let number = |name: &str| {
        std::env::var(name).ok().map(|v| {
            v.parse::<u64>()
                .unwrap_or_else(|e| panic!("{name}={v}: {e}"))
        })
    };
    if let Some(path) = std::env::var_os("FUZZ_INPUT") {
        let bytes = std::fs::read(&path).expect("FUZZ_INPUT can be read");
        let kind = bytes.first().copied().unwrap_or(0);
        run(
            kind != FILE,
            bytes.get(1..).unwrap_or(&[]),
            &mut Done::default(),
        );
        println!("passed");
        return ExitCode::SUCCESS;
    }
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let limit = number("FUZZ_SECONDS").map(Duration::from_secs);
    let executions = number("FUZZ_EXECUTIONS").unwrap_or(SHORT);
    let mut corpus = corpus::built_in();
    if let Some(dir) = std::env::var_os("FUZZ_CORPUS") {
        corpus::add_dir(&mut corpus, Path::new(&dir));
    }
    let mut random = Random::new(seed);
    let mut done = Done::default();
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut hungriest = 0;
    loop {
        let enough = match limit {
            Some(limit) => start.elapsed() >= limit,
            None => done.executions >= executions,
        };
        if enough {
            break;
        }
        let frame = random.below(4) != 0;
        let input = match frame {
            true => mutate::frame(&mut random, &corpus.frames),
            false => mutate::file(&mut random, &corpus.files),
        };
        let before = NOW.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| run(frame, &input, &mut done)));
        let took = began.elapsed();
        let memory = PEAK.load(Ordering::Relaxed).saturating_sub(before);
        slowest = slowest.max(took);
        hungriest = hungriest.max(memory);
        done.executions += 1;
        let wrong = match outcome {
            Err(_) => Some("panicked".to_owned()),
            Ok(()) if took > TIME => Some(format!("took {took:?}")),
            Ok(()) if memory > MEMORY + 4 * input.len() => Some(format!("took {memory} bytes")),
            Ok(()) => None,
        };
        if let Some(wrong) = wrong {
            let path = keep(seed, done.executions, frame, &input);
            eprintln!("fuzz: execution {} of seed {seed} {wrong}", done.executions);
            eprintln!("fuzz: repeat with FUZZ_INPUT={}", path.display());
            return ExitCode::FAILURE;
        }
    }
    println!(
        "fuzz: {} executions of seed {seed} in {:.1} s: {} frames, {} segments; \
         slowest {slowest:?}, most memory {hungriest} bytes",
        done.executions,
        start.elapsed().as_secs_f64(),
        done.frames,
        done.segments,
    );
    // A fuzzer whose inputs all die in the first header tests nothing.
    assert!(
        done.segments > done.executions / 20,
        "too few inputs reach TCP"
    );
    ExitCode::SUCCESS
}

const FILE: u8 = 0;
const FRAME: u8 = 1;

/// Runs an input: a file, or a link type and the frames behind it.
fn run(frame: bool, input: &[u8], done: &mut Done) {
    if !frame {
        return read_file(input, done);
    }
    let mut reassembler = Reassembler::default();
    let mut tracker = Tracker::default();
    for (number, (link, wire_len, data)) in mutate::frames_in(input).enumerate() {
        let frame = Frame {
            number: number as u64 + 1,
            time: number as i64,
            link: LinkType(link),
            wire_len,
            data,
        };
        done.frames += 1;
        take(&frame, &mut reassembler, &mut tracker, done);
    }
}

fn keep(seed: u64, n: u64, frame: bool, input: &[u8]) -> PathBuf {
    let dir =
        std::env::var_os("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = dir.join(format!("fuzz-failure-{seed}-{n}"));
    let kind = if frame { FRAME } else { FILE };
    if let Err(e) = std::fs::write(&path, [&[kind], input].concat()) {
        eprintln!("fuzz: cannot keep the input at {}: {e}", path.display());
    }
    path
}
