//! What Wireshark's tools say of a capture file, asked once.

use std::path::Path;

use lab_capture::tcp::Analysis;

use crate::program::tool;

/// A capture file in tshark's words.
#[derive(Debug)]
pub struct Testimony {
    pub frames: Vec<Frame>,
}

/// One frame.
#[derive(Debug)]
pub struct Frame {
    /// `0x0800`
    pub eth_type: String,
    /// All TCP and UDP ports in it, also in what an ICMP message quotes.
    pub ports: Vec<u16>,
    /// Is it a TCP segment (and not the quotation of one)?
    pub segment: Option<Told>,
}

/// One segment, as told by either side.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub frame: u64,
    pub stream: u32,
    pub from: String,
    pub to: String,
    pub flags: u16,
    pub seq: u32,
    pub ack: u32,
    pub len: u32,
    pub completeness: u8,
    pub analysis: Vec<&'static str>,
}

const FIELDS: [&str; 19] = [
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
    "eth.type",
    "udp.port",
    "icmp.type",
    "icmpv6.type",
    "_ws.malformed",
    "_ws.short",
];

/// Reads the file to its end; a panic if something is wrong with it: its format, a frame that is
/// malformed or cut.
#[track_caller]
pub fn ask(file: &Path) -> Testimony {
    let path = file.to_str().expect("UTF-8");
    let infos = tool("capinfos", &["-M", path]);
    let mut arguments = vec!["-n", "-r", path];
    // Payload is payload, whatever protocol Wireshark guesses from the port (5000 is GSM's to it).
    arguments.extend([
        "-d",
        "tcp.port==1-65535,data",
        "-d",
        "udp.port==1-65535,data",
    ]);
    arguments.extend(["-T", "fields"]);
    let names: Vec<String> = Analysis::all()
        .names()
        .map(|name| format!("tcp.analysis.{name}"))
        .collect();
    for field in FIELDS.into_iter().chain(names.iter().map(String::as_str)) {
        arguments.extend(["-e", field]);
    }
    let frames: Vec<Frame> = tool("tshark", &arguments).lines().map(frame).collect();
    let count = format!("Number of packets:   {}\n", frames.len());
    for line in [
        "File type:           nsecpcap",
        "File encapsulation:  ether",
        &count,
    ] {
        assert!(infos.contains(line), "{line:?} in\n{infos}");
    }
    Testimony { frames }
}

impl Testimony {
    /// Its TCP segments.
    pub fn segments(&self) -> impl Iterator<Item = &Told> {
        self.frames
            .iter()
            .filter_map(|frame| frame.segment.as_ref())
    }
}

fn frame(line: &str) -> Frame {
    let values: Vec<&str> = line.split('\t').collect();
    let value = |name: &str| values[FIELDS.iter().position(|f| *f == name).expect("a field")];
    let wrong = [value("_ws.malformed"), value("_ws.short")];
    assert_eq!(wrong, ["", ""], "malformed or cut: {line}");
    let quoted = !value("icmp.type").is_empty() || !value("icmpv6.type").is_empty();
    let ports = [
        value("tcp.srcport"),
        value("tcp.dstport"),
        value("udp.port"),
    ];
    let ports = ports.iter().flat_map(|ports| ports.split(','));
    Frame {
        eth_type: value("eth.type").to_owned(),
        ports: ports.filter_map(|port| port.parse().ok()).collect(),
        segment: (!quoted && !value("tcp.stream").is_empty()).then(|| told(&values, line)),
    }
}

fn told(values: &[&str], line: &str) -> Told {
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
