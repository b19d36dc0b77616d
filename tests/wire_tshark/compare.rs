//! What we say of a file against what tshark says, frame by frame.

use std::path::Path;
use std::process::Command;

use lab_capture::capture::read::Reader;
use lab_capture::wire::{Packet, Reassembler};

use crate::build::{Case, pcap};

/// The account of one frame: `None` if it is no TCP segment with a stream of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    time: String,
    tcp: Option<Tcp>,
}

#[derive(Debug, PartialEq, Eq)]
struct Tcp {
    ends: [String; 4],
    seq: u32,
    /// Without a length there is no analysis.
    len: Option<u32>,
    /// What tshark shows only where the header length is at least 20.
    rest: Option<(u32, u16, u16)>,
}

const FIELDS: [&str; 15] = [
    "frame.number",
    "frame.time_epoch",
    "frame.protocols",
    "tcp.stream",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.len",
    "tcp.ack_raw",
    "tcp.flags",
    "tcp.window_size_value",
];

/// tshark's account of a file.
pub fn tshark(path: &Path) -> Vec<Account> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-E", "occurrence=l", "-r"]);
    command.arg(path);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command
        .output()
        .expect("tshark is needed for this test: install it, version 4.0 or later");
    let text = String::from_utf8(output.stdout).expect("tshark writes UTF-8");
    text.lines().map(line).collect()
}

fn line(line: &str) -> Account {
    let fields: Vec<&str> = line.split('\t').collect();
    let get = |name: &str| fields[FIELDS.iter().position(|&f| f == name).unwrap()];
    let protocols: Vec<&str> = get("frame.protocols").split(':').collect();
    let last = |name: &str| protocols.iter().rposition(|&p| p == name);
    let quoted = ["icmp", "icmpv6"]
        .iter()
        .any(|icmp| last("tcp").is_some() && last(icmp).is_some() && last(icmp) < last("tcp"));
    let v4 = last("ip") > last("ipv6");
    let number = |name: &str| get(name).parse::<u32>();
    let tcp = (!get("tcp.stream").is_empty() && !quoted).then(|| Tcp {
        ends: [
            if v4 { get("ip.src") } else { get("ipv6.src") },
            if v4 { get("ip.dst") } else { get("ipv6.dst") },
            get("tcp.srcport"),
            get("tcp.dstport"),
        ]
        .map(String::from),
        seq: number("tcp.seq_raw").expect("tshark gives a sequence number"),
        len: number("tcp.len").ok(),
        rest: number("tcp.ack_raw").ok().map(|ack| {
            let flags = u16::from_str_radix(get("tcp.flags").trim_start_matches("0x"), 16);
            let window = get("tcp.window_size_value").parse();
            (ack, flags.unwrap() & 0x1ff, window.unwrap())
        }),
    });
    Account {
        time: get("frame.time_epoch").to_owned(),
        tcp,
    }
}

/// Our account of a file.
pub fn ours(path: &Path) -> Vec<Account> {
    let mut reader = Reader::open(path).expect("the file opens");
    let mut reassembler = Reassembler::default();
    let mut accounts = vec![];
    while let Some(frame) = reader.next().expect("the file is whole") {
        let time = format!(
            "{}.{:09}",
            frame.time.div_euclid(1_000_000_000),
            frame.time.rem_euclid(1_000_000_000)
        );
        let tcp = match reassembler.parse(&frame) {
            Packet::Tcp(s) => Some(Tcp {
                ends: [
                    s.src.to_string(),
                    s.dst.to_string(),
                    s.src_port.to_string(),
                    s.dst_port.to_string(),
                ],
                seq: s.seq.0,
                len: Some(s.len),
                rest: (s.header_len >= 20).then_some((s.ack.0, s.flags.bits(), s.window)),
            }),
            Packet::Stub(s, _) => Some(Tcp {
                ends: [
                    s.src.ip().to_string(),
                    s.dst.ip().to_string(),
                    s.src.port().to_string(),
                    s.dst.port().to_string(),
                ],
                seq: s.seq,
                len: None,
                rest: None,
            }),
            packet => {
                assert!(packet.reason().is_some());
                None
            }
        };
        accounts.push(Account { time, tcp });
    }
    accounts
}

/// Writes a file of a link type and compares every frame; returns how many were TCP.
#[track_caller]
pub fn agree(link: u32, cases: &[Case]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.pcap");
    std::fs::write(&path, pcap(link, cases)).unwrap();
    let (theirs, mine) = (tshark(&path), ours(&path));
    assert_eq!(theirs.len(), cases.len(), "tshark reads every frame");
    assert_eq!(mine.len(), cases.len(), "we read every frame");
    let mut wrong = vec![];
    for ((theirs, mine), case) in theirs.iter().zip(&mine).zip(cases) {
        let mut same = theirs == mine;
        if let (Some(t), Some(m)) = (&theirs.tcp, &mine.tcp)
            && m.len.is_none()
        {
            // A header without a segment: tshark goes on to show its other fields.
            same = t.ends == m.ends && t.seq == m.seq && t.len.is_none();
        }
        if !same {
            wrong.push(format!(
                "{}:\n  tshark {theirs:?}\n  ours   {mine:?}",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "link type {link}\n{}", wrong.join("\n"));
    mine.iter().filter(|account| account.tcp.is_some()).count()
}
