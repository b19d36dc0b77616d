//! Runs tshark once over a file and compares the tracker with what it prints.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use lab_capture::tcp::{Analysis, Completeness, Tracker};
use lab_capture::wire::{Flags, Options, Segment, SeqNumber};

const FIELDS: [&str; 27] = [
    "frame.number",
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.flags",
    "tcp.window_size_value",
    "tcp.hdr_len",
    "tcp.len",
    "tcp.options.wscale.shift",
    "tcp.stream",
    "tcp.seq",
    "tcp.ack",
    "tcp.nxtseq",
    "tcp.window_size",
    "tcp.completeness",
    "tcp.analysis.duplicate_ack_num",
    "tcp.analysis.duplicate_ack_frame",
    "frame.protocols",
    "tcp.options",
    "tcp.urgent_pointer",
    "tcp.options.mptcp.subtype",
];

/// What a TCP header is to the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Segment,
    /// The capture ends inside it.
    Cut,
    /// In an ICMP error, or of no known length.
    Stub,
}

/// What tshark prints of one TCP header.
#[derive(Debug, Clone)]
pub struct Line {
    pub kind: Kind,
    pub cut: bool,
    pub frame: u64,
    pub time: i64,
    pub src: IpAddr,
    pub dst: IpAddr,
    pub src_port: u16,
    pub dst_port: u16,
    pub raw_seq: u32,
    pub raw_ack: u32,
    pub flags: u16,
    pub raw_window: u16,
    pub header_len: u8,
    pub len: u32,
    pub scale: Option<u8>,
    pub mptcp: u16,
    pub says: Says,
}

/// The part that the tracker must say, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    pub stream: u32,
    pub seq: u32,
    pub ack: u32,
    pub next_seq: u32,
    pub window: u32,
    pub completeness: Completeness,
    pub dup_ack: (u32, u64),
    pub analysis: Vec<&'static str>,
}

fn nanos(text: &str) -> i64 {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<9}");
    let seconds: i64 = seconds.parse().expect("seconds");
    let nanos: i64 = fraction[..9].parse().expect("nanoseconds");
    sign * seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// Reads `file` with tshark's defaults; frames that hold several TCP headers are left out
/// and counted.
pub fn tshark(file: &Path) -> (Vec<Line>, usize) {
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-r"]).arg(file);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    for name in Analysis::all().names() {
        command.arg("-e").arg(format!("tcp.analysis.{name}"));
    }
    let output = command.output().expect("tshark is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = Vec::new();
    let mut left_out = 0;
    for text in text.lines() {
        let values: Vec<&str> = text.split('\t').collect();
        if values[15].is_empty() {
            continue;
        }
        match line(&values) {
            Some(line) => lines.push(line),
            None => {
                eprintln!("left out: {text:?}");
                left_out += 1;
            }
        }
    }
    (lines, left_out)
}

fn line(values: &[&str]) -> Option<Line> {
    let number = |at: usize| values[at].parse::<u32>().ok();
    // Of several IP headers, the one around TCP.
    let before = values[23].rsplit(':').skip_while(|p| *p != "tcp").skip(1);
    let v6 = before.into_iter().find(|p| ["ip", "ipv6"].contains(p))? == "ipv6";
    let last = |at: usize| values[at].rsplit(',').next().unwrap_or("");
    let (src, dst) = if v6 {
        (last(4), last(5))
    } else {
        (last(2), last(3))
    };
    let header_len: u8 = values[12].parse().ok()?;
    let options = values[24].len() / 2;
    let cut = values[25].is_empty() && header_len >= 20 || options + 20 < header_len.into();
    let kind = if values[13].is_empty() {
        Kind::Stub
    } else if cut {
        Kind::Cut
    } else {
        Kind::Segment
    };
    let flags = u16::from_str_radix(values[10].strip_prefix("0x")?, 16).ok()?;
    let analysis = Analysis::all()
        .names()
        .zip(&values[FIELDS.len()..])
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name)
        .collect();
    let stub = kind == Kind::Stub;
    Some(Line {
        kind,
        cut,
        frame: values[0].parse().ok()?,
        time: nanos(values[1]),
        src: src.parse().ok()?,
        dst: dst.parse().ok()?,
        src_port: values[6].parse().ok()?,
        dst_port: values[7].parse().ok()?,
        // In a quotation Wireshark shows the number itself as `tcp.seq`.
        raw_seq: number(8).or(number(16).filter(|_| stub))?,
        raw_ack: number(9)?,
        flags,
        raw_window: values[11].parse().ok()?,
        header_len,
        len: if stub { 0 } else { number(13)? },
        scale: values[14].parse().ok(),
        mptcp: values[26]
            .split(',')
            .filter_map(|v| v.parse::<u32>().ok())
            .fold(0, |bits, n| bits | 1 << n),
        says: Says {
            stream: number(15)?,
            seq: number(16)?,
            ack: number(17)?,
            next_seq: if stub { 0 } else { number(18)? },
            window: number(19)?,
            completeness: Completeness::from_bits_retain(number(20)? as u8),
            dup_ack: (
                number(21).unwrap_or(0),
                values[22].parse().unwrap_or_default(),
            ),
            analysis,
        },
    })
}

/// The segment as the reader would give it.
pub fn segment(line: &Line) -> Segment<'static> {
    Segment {
        src: line.src,
        dst: line.dst,
        src_port: line.src_port,
        dst_port: line.dst_port,
        seq: SeqNumber(line.raw_seq),
        ack: SeqNumber(line.raw_ack),
        flags: Flags::from_bits_truncate(line.flags),
        window: line.raw_window,
        urgent: 0,
        options: Options {
            window_scale: line.scale,
            mptcp: line.mptcp,
            ..Options::default()
        },
        header_len: line.header_len,
        len: line.len,
        payload: &[],
        checksum: 0,
        ip_id: 0,
        ttl: 64,
    }
}

/// What the tracker says of the same segments.
pub fn ours(tracker: &mut Tracker, line: &Line) -> Says {
    let segment = segment(line);
    let t = match line.kind {
        Kind::Segment => tracker.push(line.frame, line.time, &segment),
        Kind::Cut => tracker.push_cut(line.frame, line.time, &segment),
        Kind::Stub => {
            let ends = (segment.source(), segment.destination());
            let options = (!line.cut).then_some(&segment.options);
            let stream = tracker.push_stub(line.time, ends, line.raw_seq, segment.flags, options);
            return Says {
                stream,
                ..line.says.clone()
            };
        }
    };
    Says {
        stream: t.stream,
        seq: t.seq,
        ack: t.ack,
        next_seq: t.next_seq,
        window: t.window,
        completeness: t.completeness,
        dup_ack: (t.dup_ack, if t.dup_ack == 0 { 0 } else { t.dup_ack_frame }),
        analysis: t.analysis.names().collect(),
    }
}

/// Compares all lines; the report holds the first differing streams with their segments.
pub fn compare(lines: &[Line]) -> Result<(), String> {
    let mut tracker = Tracker::default();
    let mut history: HashMap<u32, Vec<String>> = HashMap::new();
    let mut report = String::new();
    let mut differences = 0;
    for line in lines {
        let ours = ours(&mut tracker, line);
        let equal = ours == line.says;
        let stream = history.entry(line.says.stream).or_default();
        stream.push(format!(
            "{:?} {:6} {:13.6} {:5}>{:<5} {:12} seq {:10} ack {:10} len {:5} win {:5} {:?} {:x} {:?}",
            line.kind,
            line.frame,
            line.time as f64 / 1e9 % 1e5,
            line.src_port,
            line.dst_port,
            Flags::from_bits_truncate(line.flags).to_string(),
            line.raw_seq,
            line.raw_ack,
            line.len,
            line.raw_window,
            line.scale,
            line.mptcp,
            line.says.analysis,
        ));
        if !equal {
            differences += 1;
            if differences <= 3 {
                let start = stream.len().saturating_sub(40);
                report += &format!(
                    "{}\ntshark {:?}\nours   {ours:?}\n\n",
                    stream[start..].join("\n"),
                    line.says,
                );
            }
        }
    }
    if differences == 0 {
        Ok(())
    } else {
        Err(format!(
            "{differences} of {} segments differ\n{report}",
            lines.len()
        ))
    }
}
