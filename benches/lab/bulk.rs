//! Large transfers over `lo`: time, memory and drops of ours and of tcpdump on the same load.
//!
//! tcpdump is waited for until it listens, in a namespace of its own, and records what a sender and a
//! sink of this program exchange: the same bytes in the same sends as the scenario's. Files are removed
//! after each round.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab_capture::platform::Interface;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::contestants::Stage;
use super::measure::Spread;

/// The word with which this program is started again as one contestant.
pub const CONTESTANT: &str = "__bulk";

/// tcpdump with a ring as large as the load, ended only when its file has as many bytes as were sent: what it takes to
/// have it all.
const WHOLE: &str = "tcpdump -w, all of it";
const UNTIL_WHOLE: &str = "until-whole";

/// What is sent: these sizes, so often.
struct Load {
    what: &'static str,
    sizes: Vec<usize>,
    times: usize,
}

impl Load {
    fn bulk(mib: usize) -> Load {
        Load {
            what: "one transfer",
            sizes: vec![1 << 20],
            times: mib,
        }
    }

    /// Small sends and large ones.
    fn mix(mib: usize) -> Load {
        let small = [100; 16].into_iter().chain([1448; 4]);
        let sizes: Vec<usize> = small.chain([16 << 10, 64 << 10]).collect();
        Load {
            what: "small and large sends",
            times: (mib << 20) / sizes.iter().sum::<usize>(),
            sizes,
        }
    }

    fn bytes(&self) -> usize {
        self.sizes.iter().sum::<usize>() * self.times
    }

    fn scenario(&self, snaplen: Option<u32>) -> String {
        let snaplen = snaplen.map_or(String::new(), |n| format!("[capture]\nsnaplen = {n}\n"));
        let sends: Vec<String> = (self.sizes.iter())
            .map(|size| format!("{{ send = {{ pattern = {size} }} }}"))
            .collect();
        format!(
            r#"title = "a large transfer"
limit = "120 s"
{snaplen}[server]
kind = "epoll"
listen = "127.0.0.1:5000"
handler = "sink"
[[client]]
name = "client"
steps = ["connect", {{ set = {{ nodelay = true }} }}, {{ repeat = {{ times = {}, steps = [{}] }} }}, "close"]
[expect]
snapshot = false
"#,
            self.times,
            sends.join(", ")
        )
    }
}

/// What a contestant says of its run.
struct Outcome {
    seconds: f64,
    cpu: f64,
    /// Largest resident set of who captures, in MiB.
    memory: f64,
    frames: u64,
    drops: u64,
    /// Of the capture file.
    bytes: u64,
}

pub fn run(stage: &Stage, short: bool) {
    let (rounds, bulk, mix) = if short { (2, 64, 32) } else { (5, 1024, 191) };
    for load in [Load::bulk(bulk), Load::mix(mix)] {
        compare(stage, rounds, &load);
    }
}

fn compare(stage: &Stage, rounds: usize, load: &Load) {
    println!(
        "{}, {} MB, median of {rounds} rounds (where four fifths of them lie):",
        load.what,
        load.bytes() / 1_000_000
    );
    let whole = stage.scenario("bulk", &load.scenario(None));
    let headers = stage.scenario("bulk-headers", &load.scenario(Some(96)));
    let sizes: Vec<String> = load.sizes.iter().map(usize::to_string).collect();
    let sends = [load.times.to_string(), sizes.join(",")];
    let file = stage.0.join("tcpdump.pcap").to_string_lossy().into_owned();
    let dump = |options: &[&str]| {
        let words = ["tcpdump", &sends[0], &sends[1], &file];
        let words = words.iter().chain(options);
        words.map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let ring = (load.bytes() / 700).to_string();
    let ours = |path: &str| {
        let command = stage.ours(&[path, "--quiet"]);
        [vec!["ours".to_owned()], command].concat()
    };
    let contestants = [
        (
            "no capture",
            vec!["none".to_owned(), sends[0].clone(), sends[1].clone()],
        ),
        ("lab-capture, whole frames", ours(&whole)),
        ("lab-capture, headers only", ours(&headers)),
        (WHOLE, dump(&[UNTIL_WHOLE, "-B", &ring])),
        ("tcpdump -w", dump(&[])),
        ("tcpdump -w -B 65536", dump(&["-B", "65536"])),
        ("tcpdump -w --immediate-mode", dump(&["--immediate-mode"])),
        ("tcpdump -w -s 96", dump(&["-s", "96"])),
    ];
    let mut taken: Vec<Vec<Outcome>> = contestants.iter().map(|_| vec![]).collect();
    for _ in 0..rounds {
        for ((_, words), taken) in contestants.iter().zip(&mut taken) {
            taken.push(sample(words));
            let _ = fs::remove_file(&file);
            let _ = fs::remove_dir_all(stage.0.join("captures"));
        }
    }
    for ((name, _), taken) in contestants.iter().zip(&taken) {
        let of = |figure: fn(&Outcome) -> f64| Spread::of(taken.iter().map(figure));
        println!(
            "  {name:<28} {} s, CPU {} s, {} MiB of memory, {} frames, {} dropped, file of {} MB",
            of(|o| o.seconds),
            of(|o| o.cpu),
            of(|o| o.memory),
            of(|o| o.frames as f64).median,
            of(|o| o.drops as f64),
            of(|o| o.bytes as f64 / 1e6).median.round(),
        );
    }
    let ratio = |peer: usize| {
        let pairs = taken[1].iter().zip(&taken[peer]);
        Spread::of(pairs.map(|(ours, peer)| ours.seconds / peer.seconds))
    };
    println!(
        "  time, lab-capture / {WHOLE}: {}; / tcpdump -w -B 65536: {}",
        ratio(3),
        ratio(5)
    );
}

fn sample(words: &[String]) -> Outcome {
    let myself = std::env::current_exe().expect("the path of this program");
    let output = Command::new(myself)
        .arg(CONTESTANT)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("this program can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect();
    let [seconds, cpu, memory, frames, drops, bytes] = numbers[..] else {
        panic!("{words:?} said {text:?}");
    };
    let whole = |number: f64| number as u64;
    Outcome {
        seconds,
        cpu,
        memory,
        frames: whole(frames),
        drops: whole(drops),
        bytes: whole(bytes),
    }
}

/// The contestant's part: seconds, CPU seconds, MiB, frames, drops, bytes of the file.
pub fn contestant(words: &[String]) {
    let start = Instant::now();
    let (frames, drops, bytes) = match words[0].as_str() {
        "ours" => ours(&words[1..]),
        "none" => {
            namespace();
            transfer(&words[1], &words[2]);
            (0, 0, 0)
        }
        _ => tcpdump(&words[1..]),
    };
    let seconds = start.elapsed().as_secs_f64();
    let usage = |who| getrusage(who).expect("getrusage");
    let [own, children] = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].map(usage);
    let time = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    let cpu = [own, children].map(|u| time(u.user_time()) + time(u.system_time()));
    println!(
        "{seconds} {} {} {frames} {drops} {bytes}",
        cpu[0] + cpu[1],
        children.max_rss() as f64 / 1024.0
    );
}

/// Runs lab-capture; frames and drops are in its verdict line.
fn ours(command: &[String]) -> (u64, u64, u64) {
    let output = Command::new(&command[0]).args(&command[1..]).output();
    let output = output.expect("lab-capture can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "not complete: {text}");
    let before = |unit: &str| {
        let at = text
            .find(unit)
            .unwrap_or_else(|| panic!("no {unit} in {text:?}"));
        let number = text[..at].split_whitespace().next_back();
        number.and_then(|n| n.parse().ok()).expect("a number")
    };
    let file = text.trim().rsplit(" -> ").next().expect("a file");
    let bytes = fs::metadata(file).map_or(0, |meta| meta.len());
    (before(" frame"), before(" drop"), bytes)
}

fn namespace() {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace (run as root)");
    Interface::open("lo").and_then(|lo| lo.up()).expect("lo up");
}

/// Waits until the file holds more than was sent, or no longer grows.
fn until_whole(file: &str, sent: u64) {
    let (mut size, mut since) = (0, Instant::now());
    while size <= sent && since.elapsed() < Duration::from_millis(300) {
        let now = fs::metadata(file).map_or(0, |meta| meta.len());
        if now > size {
            (size, since) = (now, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends and reads to the end; how many bytes.
fn transfer(times: &str, sizes: &str) -> u64 {
    let times: usize = times.parse().expect("a number");
    let sizes: Vec<usize> = sizes
        .split(',')
        .map(|n| n.parse().expect("a size"))
        .collect();
    let listener = TcpListener::bind("127.0.0.1:5000").expect("a listener");
    let sink = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().expect("a connection");
        let mut buffer = vec![0; 64 << 10];
        while peer.read(&mut buffer).expect("recv") > 0 {}
    });
    let mut client = TcpStream::connect("127.0.0.1:5000").expect("connect");
    client.set_nodelay(true).expect("TCP_NODELAY");
    let bytes: Vec<u8> = (0..1usize << 20).map(|i| (i % 251) as u8).collect();
    for _ in 0..times {
        for &size in &sizes {
            // As the script does: no call with more than 64 KiB.
            for piece in bytes[..size].chunks(64 << 10) {
                client.write_all(piece).expect("send");
            }
        }
    }
    drop(client);
    sink.join().expect("the sink");
    (times * sizes.iter().sum::<usize>()) as u64
}

fn tcpdump(words: &[String]) -> (u64, u64, u64) {
    let [times, sizes, file, options @ ..] = words else {
        panic!("times, sizes, file, options");
    };
    let (whole, options) = match options {
        [first, rest @ ..] if first == UNTIL_WHOLE => (true, rest),
        _ => (false, options),
    };
    namespace();
    let mut child = Command::new("tcpdump")
        .args(["-i", "lo", "-Z", "root", "-w", file])
        .args(options)
        .stderr(Stdio::piped())
        .spawn()
        .expect("tcpdump is installed");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("listening on") {
        line.clear();
        assert!(
            said.read_line(&mut line).expect("a line") > 0,
            "tcpdump ended"
        );
    }
    let sent = transfer(times, sizes);
    if whole {
        until_whole(file, sent);
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("kill");
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("its last words");
    child.wait().expect("tcpdump ends");
    let number = |unit: &str| {
        let line = rest.lines().find(|line| line.contains(unit));
        let number = line.and_then(|line| line.split_whitespace().next());
        let number = number.and_then(|n| n.parse().ok());
        number.unwrap_or_else(|| panic!("tcpdump said {rest:?}"))
    };
    let bytes = fs::metadata(file).map_or(0, |meta| meta.len());
    (number("captured"), number("dropped by kernel"), bytes)
}
