//! Writes the captures that the benchmarks read. The same arguments give the same bytes.
//!
//! ```text
//! cargo bench --bench gen_capture -- small FILE       2 million packets, 91,000 connections
//! cargo bench --bench gen_capture -- bulk FILE        1 GB, 26,000 connections with payload
//! cargo bench --bench gen_capture -- spread N FILE    2 million packets over N connections
//! ```
//!
//! Microsecond pcap, Ethernet, IPv4. Each connection has a handshake with options, requests and
//! answers, now and then a segment again or two in the wrong order, and a close by FIN or RST.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

const SYN: u8 = 2;
const FIN: u8 = 1;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What to write.
#[derive(Clone, Copy)]
struct Plan {
    connections: u64,
    packets: u64,
    /// Connections under way at a time.
    at_once: u64,
    /// Payload of a segment: at least, at most.
    payload: [u64; 2],
    /// Data segments before an ACK comes back.
    burst: u64,
}

/// A connection under way.
struct Talk {
    hosts: [u32; 2],
    ports: [u16; 2],
    next: [u32; 2],
    step: u64,
    /// Packets that it has; the last ones close it.
    steps: u64,
    abort: bool,
}

struct Output {
    file: BufWriter<File>,
    micros: u64,
    payload: Vec<u8>,
}

impl Output {
    fn segment(
        &mut self,
        t: &Talk,
        from: usize,
        flags: u8,
        seq: u32,
        len: usize,
    ) -> io::Result<()> {
        let options: &[u8] = if flags & SYN != 0 {
            &[
                2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7,
            ]
        } else {
            &[1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8]
        };
        let to = 1 - from;
        let header = 20 + options.len();
        let frame = 14 + 20 + header + len;
        self.micros += 7;
        let mut b = [0u8; 16 + 14 + 20 + 40];
        b[..4].copy_from_slice(&((self.micros / 1_000_000) as u32).to_le_bytes());
        b[4..8].copy_from_slice(&((self.micros % 1_000_000) as u32).to_le_bytes());
        b[8..12].copy_from_slice(&(frame as u32).to_le_bytes());
        b[12..16].copy_from_slice(&(frame as u32).to_le_bytes());
        b[21] = 1 + from as u8;
        b[27] = 1 + to as u8;
        b[28..30].copy_from_slice(&[8, 0]);
        let ip = &mut b[30..50];
        ip[0] = 0x45;
        ip[2..4].copy_from_slice(&((frame - 14) as u16).to_be_bytes());
        ip[6] = 0x40;
        ip[8] = 64;
        ip[9] = 6;
        ip[12..16].copy_from_slice(&t.hosts[from].to_be_bytes());
        ip[16..20].copy_from_slice(&t.hosts[to].to_be_bytes());
        let sum: u32 = ip
            .chunks(2)
            .map(|c| u32::from(u16::from_be_bytes([c[0], c[1]])))
            .sum();
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        let tcp = &mut b[50..50 + header];
        tcp[..2].copy_from_slice(&t.ports[from].to_be_bytes());
        tcp[2..4].copy_from_slice(&t.ports[to].to_be_bytes());
        tcp[4..8].copy_from_slice(&seq.to_be_bytes());
        if flags & ACK != 0 {
            tcp[8..12].copy_from_slice(&t.next[to].to_be_bytes());
        }
        tcp[12] = (header as u8 / 4) << 4;
        tcp[13] = flags;
        tcp[14..16].copy_from_slice(&502u16.to_be_bytes());
        tcp[20..].copy_from_slice(options);
        self.file.write_all(&b[..50 + header])?;
        self.file.write_all(&self.payload[..len])
    }
}

impl Talk {
    fn new(number: u64, steps: u64, r: &mut Rng) -> Talk {
        // 50,000 ports a client address: no two connections share their ends.
        let host = (number / 50_000) as u32;
        Talk {
            hosts: [0x0a00_0001 + host, 0xc0a8_0001 + r.below(200) as u32],
            ports: [10_000 + (number % 50_000) as u16, 8_080],
            next: [r.below(1 << 32) as u32, r.below(1 << 32) as u32],
            step: 0,
            steps,
            abort: r.below(20) == 0,
        }
    }

    /// Writes the next packet; false when it was the last.
    fn step(&mut self, plan: &Plan, r: &mut Rng, out: &mut Output) -> io::Result<bool> {
        let step = self.step;
        self.step += 1;
        let left = self.steps - self.step;
        let (from, flags, len) = match (step, left) {
            (0, _) => (0, SYN, 0),
            (1, _) => (1, SYN | ACK, 0),
            (2, _) => (0, ACK, 0),
            (_, 0) if self.abort => (0, RST | ACK, 0),
            (_, 2) if !self.abort => (0, FIN | ACK, 0),
            (_, 1) if !self.abort => (1, FIN | ACK, 0),
            (_, 0) => (0, ACK, 0),
            _ => {
                let (round, place) = ((step - 3) / (plan.burst + 1), (step - 3) % (plan.burst + 1));
                let sender = (round % 2) as usize;
                if place == plan.burst {
                    (1 - sender, ACK, 0)
                } else {
                    let [least, most] = plan.payload;
                    (sender, ACK | PSH, least + r.below(most - least + 1))
                }
            }
        };
        let seq = self.next[from];
        if len > 0 && r.below(100) == 0 {
            // The last bytes once more instead of new ones.
            out.segment(
                self,
                from,
                flags,
                seq.wrapping_sub(len as u32),
                len as usize,
            )?;
            return Ok(left > 0);
        }
        self.next[from] = seq.wrapping_add(len as u32 + u32::from(flags & (SYN | FIN) != 0));
        out.segment(self, from, flags, seq, len as usize)?;
        Ok(left > 0)
    }
}

fn generate(plan: Plan, path: &str) -> io::Result<()> {
    let mut out = Output {
        file: BufWriter::with_capacity(1 << 20, File::create(path)?),
        micros: 1_700_000_000_000_000,
        payload: (0..2_000u32).map(|n| b'a' + (n % 26) as u8).collect(),
    };
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        out.file.write_all(&word.to_le_bytes())?;
    }
    let mut r = Rng(0x2545_f491_4f6c_dd1d);
    let mut talks: Vec<Talk> = Vec::new();
    let mut begun = 0;
    let mut packets = 0;
    while packets < plan.packets {
        while (talks.len() as u64) < plan.at_once && begun < plan.connections {
            // So that the last connection has the last packet.
            let steps = plan.packets * (begun + 1) / plan.connections
                - plan.packets * begun / plan.connections;
            talks.push(Talk::new(begun, steps.max(1), &mut r));
            begun += 1;
        }
        let at = r.below(talks.len() as u64) as usize;
        // A few packets of one connection in a row, as they come.
        for _ in 0..=r.below(3) {
            packets += 1;
            if !talks[at].step(&plan, &mut r, &mut out)? {
                talks.swap_remove(at);
                break;
            }
        }
        if talks.is_empty() && begun == plan.connections {
            break;
        }
    }
    out.file.flush()
}

const USAGE: &str = "gen_capture small|bulk FILE, or: gen_capture spread CONNECTIONS FILE";

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let small = Plan {
        connections: 91_000,
        packets: 2_000_000,
        at_once: 2_000,
        payload: [1, 148],
        burst: 1,
    };
    let (plan, path) = match arguments[..] {
        ["small", path] => (small, path),
        ["bulk", path] => {
            let plan = Plan {
                connections: 26_000,
                packets: 26_000 * 48,
                at_once: 500,
                payload: [1_000, 1_448],
                burst: 2,
            };
            (plan, path)
        }
        ["spread", connections, path] => {
            let Ok(connections @ 1..=2_000_000) = connections.parse() else {
                eprintln!("CONNECTIONS is a number from 1 to 2,000,000");
                return ExitCode::from(2);
            };
            let plan = Plan {
                connections,
                at_once: connections.min(10_000),
                ..small
            };
            (plan, path)
        }
        _ => {
            // `cargo test --benches` runs this without arguments.
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
    };
    match generate(plan, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::from(3)
        }
    }
}
