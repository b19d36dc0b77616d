//! What is measured.

use std::process::{Command, ExitCode};

use super::contestants::{FLOOR, Stage, scenario};
use super::load::Busy;
use super::measure::{self, HELPER, Sample, Spread, alternate, millis, ratio};
use super::{bulk, dismantled, floor};

const HELP: &str = "\
cargo bench --bench lab -- WHAT [--short]
  one        one scenario: ours, the bare floor, the shell pipeline
  suite      200 scenarios: ours, the bare floor in parallel, the shell pipeline
  jobs       200 scenarios with 1, 2, 4 … 64 side by side
  growth     1, 10, 100, 1,000, 10,000 scenarios; 1 to 10,000 clients
  bulk       1 GiB, and 200 MB in small and large sends, over lo, beside tcpdump
  stress     every scenario many times while four busy loops take the CPUs
  pipeline   how often the shell pipeline fails under the same load
  all        one, suite, growth, bulk
Run it as root: the floor and the pipeline need namespaces of their own.";

pub fn run(arguments: Vec<String>) -> ExitCode {
    match arguments.first().map(String::as_str) {
        Some(HELPER) => {
            measure::helper(&arguments[1..]);
            return ExitCode::SUCCESS;
        }
        Some(bulk::CONTESTANT) => {
            bulk::contestant(&arguments[1..]);
            return ExitCode::SUCCESS;
        }
        Some(FLOOR) => {
            let number = |at: usize| arguments[at].parse().expect("a number");
            floor::run(number(1), number(2));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let short = arguments.iter().any(|a| a == "--short");
    // `cargo bench` adds --bench.
    let what = arguments.iter().find(|a| !a.starts_with("--"));
    let stage = Stage::new();
    dismantled::prepare();
    match what.map(String::as_str) {
        Some("one") => one(&stage, short),
        Some("suite") => suite(&stage, short),
        Some("jobs") => jobs(&stage, short),
        Some("growth") => growth(&stage, short),
        Some("bulk") => bulk::run(&stage, short),
        Some("stress") => return stress(&stage, short),
        Some("pipeline") => return pipeline(&stage, short),
        Some("all") => {
            one(&stage, short);
            suite(&stage, short);
            growth(&stage, short);
            bulk::run(&stage, short);
        }
        _ => println!("{HELP}"),
    }
    ExitCode::SUCCESS
}

fn wall(sample: &Sample) -> std::time::Duration {
    sample.wall
}

fn cpu(sample: &Sample) -> std::time::Duration {
    sample.cpu
}

fn row(name: &str, samples: &[Sample], count: usize) {
    println!(
        "  {name:24} {} ms wall, {} ms CPU",
        millis(samples, count, wall),
        millis(samples, count, cpu)
    );
}

fn one(stage: &Stage, short: bool) {
    let rounds = if short { 5 } else { 40 };
    println!("one scenario (close), {rounds} rounds: median (10 % to 90 %)");
    let contestants = [
        stage.ours(&[&scenario("close"), "--quiet"]),
        stage.floor(1, 1),
        stage.pipeline(),
    ];
    let samples = alternate(rounds, &contestants);
    row("lab-capture", &samples[0], 1);
    row("floor", &samples[1], 1);
    row("shell pipeline", &samples[2], 1);
    println!(
        "  lab-capture / floor      {}",
        ratio(&samples[0], &samples[1], wall)
    );
    println!(
        "  pipeline / lab-capture   {}",
        ratio(&samples[2], &samples[0], wall)
    );
    let told = Spread::of(samples[0].iter().map(|s| s.told.as_secs_f64() * 1000.0));
    let times = samples[2].iter().zip(&samples[0]);
    let times = Spread::of(times.map(|(p, o)| p.wall.as_secs_f64() / o.told.as_secs_f64()));
    println!(
        "  … until our verdict stands there, behind which the capture closes: {told} ms; {times}"
    );
}

/// What the floor does best with on two processors, for it to be a floor: found by `jobs`.
const FLOOR_JOBS: usize = 48;

fn suite(stage: &Stage, short: bool) {
    let rounds = if short { 3 } else { 20 };
    let folder = stage.suite(200);
    println!("200 scenarios, {rounds} rounds, for each scenario: median (10 % to 90 %)");
    let contestants = [
        stage.ours(&[&folder, "--quiet"]),
        stage.floor(200, FLOOR_JOBS),
    ];
    let samples = alternate(rounds, &contestants);
    let piped = alternate(rounds, &[stage.pipeline()]);
    row("lab-capture", &samples[0], 200);
    row("floor in parallel", &samples[1], 200);
    row("shell pipeline", &piped[0], 1);
    let rate =
        |samples: &[Sample]| Spread::of(samples.iter().map(|s| 200.0 / s.wall.as_secs_f64()));
    println!(
        "  scenarios a second: lab-capture {}, floor {}",
        rate(&samples[0]),
        rate(&samples[1])
    );
    println!(
        "  lab-capture / floor      {}",
        ratio(&samples[0], &samples[1], wall)
    );
    let of = |sample: &Sample| sample.wall.as_secs_f64();
    let pairs = piped[0].iter().zip(&samples[0]);
    let times = Spread::of(pairs.map(|(pipe, ours)| of(pipe) * 200.0 / of(ours)));
    println!("  pipeline / lab-capture   {times}");
}

fn jobs(stage: &Stage, short: bool) {
    let rounds = if short { 3 } else { 10 };
    let folder = stage.suite(200);
    let counts = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64];
    let ours = counts.map(|n| stage.ours(&[&folder, "--quiet", "--jobs", &n.to_string()]));
    let floors = counts.map(|n| stage.floor(200, n));
    println!("200 scenarios by runs side by side, {rounds} rounds, for each scenario:");
    let samples = alternate(rounds, &[ours, floors].concat());
    for (index, count) in counts.iter().enumerate() {
        row(&format!("lab-capture --jobs {count}"), &samples[index], 200);
        row(
            &format!("floor, {count} at once"),
            &samples[counts.len() + index],
            200,
        );
    }
}

fn growth(stage: &Stage, short: bool) {
    let (rounds, most) = if short { (1, 1000) } else { (3, 10_000) };
    println!("how the cost grows, {rounds} rounds each:");
    let mut count = 1;
    while count <= most {
        let folder = stage.suite(count);
        grown(
            "scenarios",
            count,
            &alternate(rounds, &[stage.ours(&[&folder, "--quiet"])])[0],
        );
        count *= 10;
    }
    for kind in ["poll", "epoll"] {
        let mut count = 1;
        while count <= most {
            let text = clients(kind, count);
            let path = stage.scenario(&format!("{kind}-{count}"), &text);
            let command = stage.ours(&[&path, "--quiet"]);
            grown(
                &format!("clients of {kind}"),
                count,
                &alternate(rounds, &[command])[0],
            );
            count *= 10;
        }
    }
}

fn grown(what: &str, count: usize, samples: &[Sample]) {
    let peak = samples.iter().map(|s| s.peak).max().unwrap_or(0);
    println!(
        "  {count:6} {what:18} {} ms wall each, {} ms CPU each, {:.1} MiB",
        millis(samples, count, wall),
        millis(samples, count, cpu),
        peak as f64 / 1024.0
    );
}

/// Clients that are all connected before the first one speaks.
pub fn clients(kind: &str, count: usize) -> String {
    let gate = if count > 1 {
        r#"{ barrier = "all" }, "#
    } else {
        ""
    };
    format!(
        r#"title = "{count} clients at once"
limit = "300 s"
[server]
kind = "{kind}"
listen = "127.0.0.1:5000"
handler = "echo"
backlog = 4096
[[client]]
name = "client"
count = {count}
steps = ["connect", {gate}{{ send = "hello" }}, {{ recv = "hello" }}, "close"]
[expect]
snapshot = false
"#
    )
}

/// Fails if any run did.
fn stress(stage: &Stage, short: bool) -> ExitCode {
    let (many, each) = if short {
        ("200", "20")
    } else {
        ("2000", "300")
    };
    let _busy = Busy::loops(4);
    let folder = super::contestants::root().join("scenarios");
    let folder = folder.to_string_lossy().into_owned();
    let calls = [
        vec![scenario("close"), "--repeat".to_owned(), many.to_owned()],
        vec![
            scenario("three-clients"),
            "--repeat".to_owned(),
            many.to_owned(),
        ],
        vec![folder, "--repeat".to_owned(), each.to_owned()],
    ];
    let mut worst = 0;
    for call in calls {
        let arguments: Vec<&str> = call.iter().map(String::as_str).collect();
        let command = stage.ours(&arguments);
        let status = Command::new(&command[0]).args(&command[1..]).status();
        let status = status.expect("lab-capture can be started");
        worst = worst.max(u8::from(!status.success()));
    }
    ExitCode::from(worst)
}

fn pipeline(stage: &Stage, short: bool) -> ExitCode {
    let runs = if short { 20 } else { 200 };
    let _busy = Busy::loops(4);
    let command = stage.pipeline();
    let failed = (0..runs)
        .filter(|_| !measure::sample(&command).succeeded)
        .count();
    println!("shell pipeline, four busy loops: {failed} of {runs} runs failed");
    ExitCode::SUCCESS
}
