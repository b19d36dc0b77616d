//! Time, CPU and memory of a process; ratios with their spread.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use super::dismantled;

/// What one process, and all that it started, took.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub wall: Duration,
    /// Until the first byte on standard output: of ours, with `--quiet`, the verdict.
    pub told: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Largest resident set of a process, in KiB.
    pub peak: u64,
    pub succeeded: bool,
}

/// The word with which this program is started again, to measure one command.
pub const HELPER: &str = "__measure";

/// Runs a command to its end. A process of its own in between has no other children, so that its
/// counters are those of the command alone.
pub fn sample(command: &[String]) -> Sample {
    let myself = std::env::current_exe().expect("the path of this program");
    let output = Command::new(myself)
        .arg(HELPER)
        .args(command)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("this program can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u64> = text
        .split_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect();
    let [wall, told, cpu, peak, succeeded] = numbers[..] else {
        panic!("the helper said {text:?} of {command:?}");
    };
    Sample {
        wall: Duration::from_nanos(wall),
        told: Duration::from_nanos(told),
        cpu: Duration::from_micros(cpu),
        peak,
        succeeded: succeeded == 1,
    }
}

/// The helper's part: runs the command, prints ns to the end and to the first output, µs, KiB and whether it succeeded.
pub fn helper(command: &[String]) {
    let start = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", command[0]));
    let mut output = child.stdout.take().expect("a pipe");
    // Nothing printed is told at the end.
    let _ = output.read(&mut [0]);
    let told = start.elapsed().as_nanos();
    let _ = std::io::copy(&mut output, &mut std::io::sink());
    let status = child.wait().expect("it can be waited for");
    let wall = start.elapsed().as_nanos();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage");
    let micros =
        |time: nix::sys::time::TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
    let cpu = micros(usage.user_time()) + micros(usage.system_time());
    println!(
        "{wall} {told} {cpu} {} {}",
        usage.max_rss(),
        u8::from(status.success())
    );
}

/// The middle of some figures, and where four fifths of them lie.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Spread {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        assert!(!sorted.is_empty(), "no figures");
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
        Spread {
            median: at(0.5),
            low: at(0.1),
            high: at(0.9),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = if self.median < 10.0 { 2 } else { 1 };
        let Spread { median, low, high } = self;
        write!(f, "{median:.digits$} ({low:.digits$} to {high:.digits$})")
    }
}

/// Lets contestants run in turn, so that what the machine does besides strikes all of them alike.
/// A further round comes first and is not counted. Samples by contestant.
pub fn alternate(rounds: usize, contestants: &[Vec<String>]) -> Vec<Vec<Sample>> {
    let mut samples = vec![vec![]; contestants.len()];
    for round in 0..=rounds {
        for (command, samples) in contestants.iter().zip(&mut samples) {
            dismantled::wait();
            let taken = sample(command);
            assert!(taken.succeeded, "{command:?} failed");
            if round > 0 {
                samples.push(taken);
            }
        }
    }
    samples
}

/// Of each round, `a`'s figure divided by `b`'s.
pub fn ratio(a: &[Sample], b: &[Sample], figure: impl Fn(&Sample) -> Duration) -> Spread {
    let of = |sample: &Sample| figure(sample).as_secs_f64();
    Spread::of(a.iter().zip(b).map(|(a, b)| of(a) / of(b)))
}

/// Milliseconds for each of `count`.
pub fn millis(samples: &[Sample], count: usize, figure: impl Fn(&Sample) -> Duration) -> Spread {
    Spread::of(
        samples
            .iter()
            .map(|sample| figure(sample).as_secs_f64() * 1000.0 / count as f64),
    )
}
