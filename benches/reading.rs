//! How fast a capture file is read, beside what others take for it: `lab-capture show`, the floor
//! (read, etherparse, one hash map of connections; plainly written, and the least that it can be),
//! tcpdump, tshark. In turns, so that what else
//! the machine does meets all of them; the ratio is taken round by round.
//!
//! ```text
//! cargo bench --bench gen_capture -- small /tmp/small.pcap
//! cargo bench --bench reading -- /tmp/small.pcap                    5 rounds, without tshark
//! cargo bench --bench reading -- --rounds 3 --tshark /tmp/small.pcap
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use etherparse::{
    LaxPacketHeaders, NetHeaders, NetSlice, SlicedPacket, TransportHeader, TransportSlice,
};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rustc_hash::FxHashMap;

const SHOW: &str = env!("CARGO_BIN_EXE_lab-capture");
const FIELDS: [&str; 20] = [
    "frame.number",
    "tcp.stream",
    "tcp.seq",
    "tcp.ack",
    "tcp.len",
    "tcp.analysis.retransmission",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.duplicate_ack",
    "tcp.analysis.zero_window",
    "tcp.analysis.zero_window_probe",
    "tcp.analysis.zero_window_probe_ack",
    "tcp.analysis.window_update",
    "tcp.analysis.window_full",
    "tcp.analysis.keep_alive",
    "tcp.analysis.keep_alive_ack",
    "tcp.analysis.lost_segment",
    "tcp.analysis.ack_lost_segment",
    "tcp.analysis.reused_ports",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--floor", file] => {
            println!("{:?}", floor(file));
            ExitCode::SUCCESS
        }
        ["--least", file] => {
            println!("{:?}", least(file));
            ExitCode::SUCCESS
        }
        ["--measure", ref command @ ..] => measure_here(command),
        _ => compare(&arguments),
    }
}

/// Segments, connections, bytes, as anybody would write it: every header decoded, the standard map.
fn floor(file: &str) -> (u64, usize, u64) {
    let mut connections: HashMap<(IpAddr, u16, IpAddr, u16), u64> = HashMap::new();
    let (mut segments, mut bytes) = (0, 0);
    frames(file, |frame| {
        let Ok(packet) = LaxPacketHeaders::from_ethernet(frame) else {
            return;
        };
        let Some(TransportHeader::Tcp(tcp)) = packet.transport else {
            return;
        };
        let (src, dst): (IpAddr, IpAddr) = match packet.net {
            Some(NetHeaders::Ipv4(ip, _)) => (ip.source.into(), ip.destination.into()),
            Some(NetHeaders::Ipv6(ip, _)) => (ip.source.into(), ip.destination.into()),
            _ => return,
        };
        let (low, high) = match (src, tcp.source_port) <= (dst, tcp.destination_port) {
            true => ((src, tcp.source_port), (dst, tcp.destination_port)),
            false => ((dst, tcp.destination_port), (src, tcp.source_port)),
        };
        let len = packet.payload.slice().len() as u64;
        segments += 1;
        bytes += len;
        *connections
            .entry((low.0, low.1, high.0, high.1))
            .or_default() += len;
    });
    (segments, connections.len(), bytes)
}

/// The same, for as little as can be: IPv4 alone, no header decoded that is not looked at, a hash
/// that an adversary could aim at.
fn least(file: &str) -> (u64, usize, u64) {
    let mut connections: FxHashMap<(u32, u32, u16, u16), u64> = FxHashMap::default();
    let (mut segments, mut bytes) = (0, 0);
    frames(file, |frame| {
        let Ok(packet) = SlicedPacket::from_ethernet(frame) else {
            return;
        };
        let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) =
            (&packet.net, &packet.transport)
        else {
            return;
        };
        let header = ip.header();
        let src = (u32::from(header.source_addr()), tcp.source_port());
        let dst = (u32::from(header.destination_addr()), tcp.destination_port());
        let (low, high) = (src.min(dst), src.max(dst));
        let len = tcp.payload().len() as u64;
        segments += 1;
        bytes += len;
        *connections
            .entry((low.0, high.0, low.1, high.1))
            .or_default() += len;
    });
    (segments, connections.len(), bytes)
}

/// Reads a little-endian pcap of Ethernet.
fn frames(file: &str, mut each: impl FnMut(&[u8])) {
    let mut file = File::open(file).expect("readable");
    let mut buffer = vec![0u8; 1 << 20];
    let (mut from, mut to) = (0, 0);
    let mut header = true;
    loop {
        let have = &buffer[from..to];
        let need = if header {
            24
        } else if have.len() < 16 {
            16
        } else {
            16 + u32::from_le_bytes(have[8..12].try_into().expect("4 bytes")) as usize
        };
        if have.len() < need {
            buffer.copy_within(from..to, 0);
            (from, to) = (0, to - from);
            let n = file.read(&mut buffer[to..]).expect("readable");
            if n == 0 {
                return;
            }
            to += n;
            continue;
        }
        from += need;
        if std::mem::take(&mut header) || need == 16 {
            continue;
        }
        each(&have[16..need]);
    }
}

/// One run: seconds of wall time, seconds of processor time, MiB.
#[derive(Debug, Clone, Copy)]
struct Run {
    wall: f64,
    cpu: f64,
    memory: f64,
}

/// In a process of its own, whose only child the command is: `getrusage` then speaks of it alone.
fn measure_here(command: &[&str]) -> ExitCode {
    let start = Instant::now();
    let status = Command::new(command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let wall = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage");
    let cpu =
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64;
    println!("{wall} {} {}", cpu / 1e6, usage.max_rss() as f64 / 1024.0);
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn measure(command: &[String]) -> Option<Run> {
    let own = std::env::current_exe().expect("own path");
    let output = Command::new(own)
        .arg("--measure")
        .args(command)
        .output()
        .expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    let &[wall, cpu, memory] = &numbers[..] else {
        return None;
    };
    output.status.success().then_some(Run { wall, cpu, memory })
}

fn compare(arguments: &[String]) -> ExitCode {
    let (mut rounds, mut tshark, mut files) = (5, false, vec![]);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(5),
            "--tshark" => tshark = true,
            file => files.push(file),
        }
    }
    let mut code = ExitCode::SUCCESS;
    for file in files {
        if !compare_on(file, rounds, tshark) {
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn compare_on(file: &str, rounds: usize, tshark: bool) -> bool {
    let own = std::env::current_exe().expect("own path");
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut programs = vec![
        ("floor", words(&[&own.to_string_lossy(), "--floor", file])),
        (
            "least floor",
            words(&[&own.to_string_lossy(), "--least", file]),
        ),
        ("show", words(&[SHOW, "show", file])),
        ("show --json", words(&[SHOW, "show", "--json", file])),
        (
            "tcpdump -r -w",
            words(&["tcpdump", "-r", file, "-w", "/dev/null"]),
        ),
    ];
    if tshark {
        let conversations = ["tshark", "-n", "-r", file, "-q", "-z", "conv,tcp"];
        programs.push(("tshark conv,tcp", words(&conversations)));
        let mut fields = words(&["tshark", "-n", "-r", file, "-T", "fields"]);
        fields.extend(
            FIELDS
                .iter()
                .flat_map(|field| ["-e".to_owned(), field.to_string()]),
        );
        programs.push(("tshark -T fields", fields));
    }
    // Once for the page cache.
    measure(&programs[0].1);
    let mut runs: Vec<Vec<Run>> = vec![vec![]; programs.len()];
    for _ in 0..rounds {
        for ((name, command), runs) in programs.iter().zip(&mut runs) {
            match measure(command) {
                Some(run) => runs.push(run),
                None => eprintln!("{name}: failed"),
            }
        }
    }
    println!("{file}, {rounds} rounds: median [least to most]");
    println!(
        "{:18} {:>24} {:>24} {:>8} {:>26}",
        "", "wall s", "processor s", "MiB", "processor, of the floor's"
    );
    let mut complete = true;
    for ((name, _), list) in programs.iter().zip(&runs) {
        if list.len() < rounds || runs[0].len() < rounds {
            println!("{name:18} failed");
            complete = false;
            continue;
        }
        let ratios = list
            .iter()
            .zip(&runs[0])
            .map(|(run, floor)| run.cpu / floor.cpu);
        println!(
            "{name:18} {:>24} {:>24} {:>8.0} {:>26}",
            spread(list.iter().map(|run| run.wall)),
            spread(list.iter().map(|run| run.cpu)),
            list.iter().map(|run| run.memory).fold(0.0, f64::max),
            spread(ratios)
        );
    }
    complete
}

fn spread(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let [least, middle, most] = [0, values.len() / 2, values.len() - 1].map(|n| values[n]);
    format!("{middle:.2} [{least:.2} to {most:.2}]")
}
