//! tshark as an independent witness: what the exported files hold is what we say they hold.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use lab_capture::capture::read::{Format, Reader};
use lab_capture::tcp::{Analysis, Tracker};
use lab_capture::wire::{Flags, Packet, Reassembler};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::program::{lab_capture, run, tool};
use crate::scenarios;
use crate::stage::{Person, folder_of};

pub fn trials() -> Vec<Trial> {
    let live = scenarios::all().into_iter().map(|name| {
        Trial::test(format!("witness::{name}"), move || {
            exported(&name);
            Ok(())
        })
    });
    live.collect()
}

fn exported(name: &str) {
    let folder = folder_of(Person::User);
    let file = scenarios::path(name);
    let outcome = run(lab_capture(Person::User, folder.path())
        .args(["--json", "-"])
        .arg(&file));
    outcome.exits(0);
    let stem = Path::new(name).file_stem().expect("a name");
    let pcap = folder
        .path()
        .join("captures")
        .join(stem)
        .with_extension("pcap");
    valid(&pcap);
    agree(&pcap);
    agrees_with_json(&pcap, &outcome.stdout);
    let scenario = lab_capture::scenario::load(&file).unwrap_or_else(|e| panic!("{e}"));
    let mut ports: Vec<u16> = scenario.servers.iter().map(|s| s.listen.port()).collect();
    ports.extend(scenario.clients.iter().map(|c| c.target.port()));
    only_ours(&pcap, &ports);
}

/// Payload is payload, whatever protocol Wireshark guesses from the port (5000 is GSM's to it).
const PAYLOAD: [&str; 4] = [
    "-d",
    "tcp.port==1-65535,data",
    "-d",
    "udp.port==1-65535,data",
];

/// capinfos and tshark read it to its end, and find nothing wrong with it.
pub fn valid(file: &Path) {
    let path = file.to_str().expect("UTF-8");
    let infos = tool("capinfos", &["-M", path]);
    for line in [
        "File type:           nsecpcap",
        "File encapsulation:  ether",
    ] {
        assert!(infos.contains(line), "{line:?} in\n{infos}");
    }
    let read = ["-n", "-r", path, "-Y", "_ws.malformed || _ws.short"];
    let malformed = tool("tshark", &[&read[..], &PAYLOAD].concat());
    assert_eq!(malformed, "", "malformed or cut frames in {path}");
}

/// One segment, as told by either side.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    frame: u64,
    stream: u32,
    from: String,
    to: String,
    flags: u16,
    seq: u32,
    ack: u32,
    len: u32,
    completeness: u8,
    analysis: Vec<&'static str>,
}

const FIELDS: [&str; 13] = [
    "frame.number",
    "tcp.stream",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "tcp.seq",
    "tcp.ack",
    "tcp.len",
    "tcp.completeness",
];

fn by_tshark(file: &Path) -> Vec<Told> {
    let mut arguments = vec!["-n", "-r", file.to_str().expect("UTF-8")];
    arguments.extend(PAYLOAD);
    arguments.extend(["-Y", "tcp && !icmp && !icmpv6", "-T", "fields"]);
    let names: Vec<String> = Analysis::all()
        .names()
        .map(|name| format!("tcp.analysis.{name}"))
        .collect();
    for field in FIELDS.into_iter().chain(names.iter().map(String::as_str)) {
        arguments.extend(["-e", field]);
    }
    tool("tshark", &arguments).lines().map(told).collect()
}

fn told(line: &str) -> Told {
    let values: Vec<&str> = line.split('\t').collect();
    let number = |at: usize| -> u32 {
        values[at]
            .parse()
            .unwrap_or_else(|e| panic!("{} of {line:?}: {e}", FIELDS[at]))
    };
    let end = |v4: usize, v6: usize, port: usize| match values[v4] {
        "" => format!("[{}]:{}", values[v6], values[port]),
        address => format!("{address}:{}", values[port]),
    };
    Told {
        frame: u64::from(number(0)),
        stream: number(1),
        from: end(2, 4, 6),
        to: end(3, 5, 7),
        flags: u16::from_str_radix(values[8].trim_start_matches("0x"), 16).expect("hex"),
        seq: number(9),
        ack: number(10),
        len: number(11),
        completeness: number(12) as u8,
        analysis: Analysis::all()
            .names()
            .zip(&values[FIELDS.len()..])
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name)
            .collect(),
    }
}

fn by_us(file: &Path) -> Vec<Told> {
    let mut reader = Reader::open(file).unwrap_or_else(|e| panic!("{e}"));
    assert!(
        matches!(reader.format(), Format::Pcap { nanos: true, .. }),
        "{:?}",
        reader.format()
    );
    let mut reassembler = Reassembler::default();
    let mut tracker = Tracker::default();
    let mut told = vec![];
    let mut times = vec![];
    while let Some(frame) = reader.next().unwrap_or_else(|e| panic!("{e}")) {
        times.push(frame.time);
        let Packet::Tcp(segment) = reassembler.parse(&frame) else {
            continue;
        };
        let tracked = tracker.push(frame.number, frame.time, &segment);
        told.push(Told {
            frame: frame.number,
            stream: tracked.stream,
            from: std::net::SocketAddr::from((segment.src, segment.src_port)).to_string(),
            to: std::net::SocketAddr::from((segment.dst, segment.dst_port)).to_string(),
            flags: segment.flags.bits(),
            seq: tracked.seq,
            ack: tracked.ack,
            len: segment.len,
            completeness: tracked.completeness.bits(),
            analysis: tracked.analysis.names().collect(),
        });
    }
    assert!(reader.truncated().is_none(), "{:?}", reader.truncated());
    // Microseconds would leave zeros in the last three digits of every frame.
    assert!(
        times.len() < 6 || times.iter().any(|time| time % 1000 != 0),
        "{times:?}"
    );
    told
}

/// Segment by segment.
pub fn agree(file: &Path) {
    let (ours, theirs) = (by_us(file), by_tshark(file));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(
            ours,
            theirs,
            "left: ours ({}), right: tshark's, of {}",
            Flags::from_bits_truncate(ours.flags),
            file.display()
        );
    }
    assert_eq!(ours.len(), theirs.len(), "segments of {}", file.display());
}

/// The records of the run say the same as tshark of its capture.
fn agrees_with_json(file: &Path, lines: &str) {
    let records: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect();
    let of_type = |name: &'static str| records.iter().filter(move |record| record["type"] == name);
    let theirs = by_tshark(file);
    let mut clients: HashMap<u32, &str> = HashMap::new();
    let mut segments = of_type("segment");
    for told in &theirs {
        let ours = segments
            .next()
            .unwrap_or_else(|| panic!("no record of {told:?}"));
        // Who sends the first segment of a stream is its client: the scenarios' captures begin before.
        let client = clients.entry(told.stream).or_insert(&told.from);
        let from = if told.from == *client {
            "client"
        } else {
            "server"
        };
        let expected = json!({
            "type": "segment", "scenario": ours["scenario"], "time": ours["time"], "window": ours["window"],
            "frame": told.frame, "stream": told.stream, "from": from, "src": told.from, "dst": told.to,
            "flags": flags(told.flags), "seq": told.seq, "ack": told.ack, "len": told.len,
            "analysis": told.analysis,
        });
        assert_eq!(*ours, expected, "left: ours, right: tshark's");
    }
    assert_eq!(segments.next(), None, "tshark has no more");
    let streams = theirs
        .iter()
        .map(|told| told.stream)
        .collect::<BTreeSet<_>>();
    let ours = of_type("connection").filter_map(|record| record["stream"].as_u64());
    let ours = ours.map(|stream| stream as u32).collect::<BTreeSet<_>>();
    assert_eq!(ours, streams, "streams");
    let frames = of_type("capture")
        .map(|record| &record["frames"])
        .collect::<Vec<_>>();
    let infos = tool(
        "capinfos",
        &["-c", "-T", "-M", "-r", file.to_str().expect("UTF-8")],
    );
    let count: u64 = infos
        .trim()
        .rsplit('\t')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a count");
    assert_eq!(frames, [&json!(count)]);
}

/// `SYN,ACK`: in the order of the design.
fn flags(bits: u16) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set = names
        .iter()
        .enumerate()
        .filter(|(at, _)| bits & (1 << at) != 0);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// No sentinel, and nothing but traffic to and from the scenario's servers.
fn only_ours(file: &Path, ports: &[u16]) {
    let path = file.to_str().expect("UTF-8");
    let fields = ["eth.type", "_ws.col.Protocol", "tcp.port", "udp.port"];
    let mut arguments = vec!["-n", "-r", path, "-T", "fields", "-E", "occurrence=a"];
    for field in fields {
        arguments.extend(["-e", field]);
    }
    for (at, line) in tool("tshark", &arguments).lines().enumerate() {
        let values: Vec<&str> = line.split('\t').collect();
        assert!(
            ["0x0800", "0x86dd"].contains(&values[0]),
            "frame {}: {line}",
            at + 1
        );
        let mut of_frame = values[2].split(',').chain(values[3].split(','));
        let ours = of_frame.any(|port| port.parse().is_ok_and(|port| ports.contains(&port)));
        assert!(ours, "frame {} belongs to nobody: {line}", at + 1);
    }
}
