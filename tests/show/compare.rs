//! The JSON records against tshark, segment by segment.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use lab_capture::capture::read::Reader;
use lab_capture::tcp::Analysis;
use lab_capture::wire::LinkType;
use serde_json::Value;

use crate::build::everything;
use crate::{file, samples, shown};

/// What both say of a segment: stream, seq, ack, len, window, flags, analysis, time.
#[derive(Debug, PartialEq, Eq)]
struct Account {
    numbers: [u64; 5],
    flags: u64,
    analysis: Vec<String>,
    time: String,
}

/// By frame; and the completeness of each stream.
type Accounts = (BTreeMap<u64, Account>, BTreeMap<u64, u64>);

fn ours(path: &str) -> (Accounts, Value) {
    let text = shown(&["--json", path]);
    let (mut segments, mut connections) = (BTreeMap::new(), BTreeMap::new());
    let mut kinds = vec![];
    let mut summary = Value::Null;
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).expect("a JSON object a line");
        let number = |name: &str| {
            record[name]
                .as_u64()
                .unwrap_or_else(|| panic!("{name}: {line}"))
        };
        kinds.push(record["type"].as_str().expect("a type").to_owned());
        match kinds.last().map(String::as_str) {
            Some("segment") => {
                let order = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
                let flags = record["flags"].as_str().expect("flags");
                let bit = |flag: &str| 1 << order.iter().position(|o| *o == flag).expect("known");
                let analysis = record["analysis"].as_array().expect("an array");
                // As text: a float would round.
                let time = line.split(r#""time":"#).nth(1).expect("a time");
                let account = Account {
                    numbers: ["stream", "seq", "ack", "len", "window"].map(number),
                    flags: flags.split(',').filter(|f| !f.is_empty()).map(bit).sum(),
                    analysis: analysis
                        .iter()
                        .map(|a| a.as_str().unwrap().to_owned())
                        .collect(),
                    time: time.split(',').next().unwrap().to_owned(),
                };
                let ends = [&record["src"], &record["dst"]].map(|end| end.as_str().unwrap());
                assert!(
                    ends.iter()
                        .all(|end| end.parse::<std::net::SocketAddr>().is_ok())
                );
                assert!(["client", "server"].contains(&record["from"].as_str().unwrap()));
                segments.insert(number("frame"), account);
            }
            Some("connection") => {
                connections.insert(number("stream"), number("completeness"));
            }
            Some("summary") => summary = record.clone(),
            Some("capture") => assert_eq!(record["file"], path),
            _ => panic!("{line}"),
        }
    }
    assert_eq!(kinds.last().map(String::as_str), Some("summary"));
    ((segments, connections), summary)
}

fn tshark(path: &str, passes: &[&str], fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-E", "occurrence=l", "-r", path]);
    command.args(passes);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is installed");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let line = |line: &str| line.split('\t').map(String::from).collect();
    text.lines().map(line).collect()
}

fn theirs(path: &str) -> Accounts {
    let names: Vec<&str> = Analysis::all().names().collect();
    let mut fields: Vec<String> = [
        "frame.number",
        "tcp.stream",
        "tcp.seq",
        "tcp.ack",
        "tcp.len",
        "tcp.window_size_value",
        "tcp.flags",
        "frame.time_epoch",
    ]
    .map(String::from)
    .to_vec();
    fields.extend(names.iter().map(|name| format!("tcp.analysis.{name}")));
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let mut segments = BTreeMap::new();
    for line in tshark(path, &[], &fields) {
        let number = |n: usize| line[n].parse::<u64>().expect(fields[n]);
        // A TCP header without a length is no segment.
        if line[4].is_empty() {
            continue;
        }
        let flags = u64::from_str_radix(line[6].trim_start_matches("0x"), 16);
        let set = names
            .iter()
            .zip(&line[8..])
            .filter(|(_, value)| !value.is_empty());
        let account = Account {
            numbers: [1, 2, 3, 4, 5].map(number),
            flags: flags.expect("flags"),
            analysis: set.map(|(name, _)| name.to_string()).collect(),
            time: line[7].clone(),
        };
        segments.insert(number(0), account);
    }
    let mut completeness = BTreeMap::new();
    for line in tshark(path, &["-2"], &["tcp.stream", "tcp.completeness"]) {
        if let (Ok(stream), Ok(value)) = (line[0].parse(), line[1].parse()) {
            completeness.insert(stream, value);
        }
    }
    (segments, completeness)
}

#[track_caller]
fn same(path: &Path) -> usize {
    let path = path.to_str().expect("UTF-8");
    let ((segments, connections), summary) = ours(path);
    let (their_segments, their_connections) = theirs(path);
    for (frame, theirs) in &their_segments {
        assert_eq!(segments.get(frame), Some(theirs), "{path}, frame {frame}");
    }
    assert_eq!(segments.len(), their_segments.len(), "{path}");
    assert_eq!(connections, their_connections, "{path}");
    assert_eq!(summary["segments"], segments.len(), "{path}");
    let others = summary["others"].as_array().expect("an array");
    let others: u64 = others
        .iter()
        .map(|other| other["frames"].as_u64().unwrap())
        .sum();
    assert_eq!(
        summary["frames"],
        segments.len() as u64 + others,
        "every frame is counted"
    );
    segments.len()
}

#[test]
fn a_little_of_everything() {
    let (path, _folder) = file(&everything());
    assert_eq!(same(Path::new(&path)), 26);
}

/// The frames of all samples in one nanosecond pcap: tshark takes long to start. Ports come again,
/// and time goes back, from one sample to the next.
fn all_in_one() -> Vec<u8> {
    let mut bytes = vec![];
    for word in [0xa1b2_3c4du32, 0x0004_0002, 0, 0, 262_144, 1] {
        bytes.extend(word.to_le_bytes());
    }
    for path in samples() {
        let mut reader = Reader::open(&path).expect("a capture");
        while let Some(frame) = reader.next().expect("whole") {
            assert_eq!(frame.link, LinkType::ETHERNET);
            let time = [frame.time / 1_000_000_000, frame.time % 1_000_000_000].map(|n| n as u32);
            for word in [time[0], time[1], frame.data.len() as u32, frame.wire_len] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend_from_slice(frame.data);
        }
    }
    bytes
}

#[test]
fn the_scenarios_own_captures() {
    let (path, _folder) = file(&all_in_one());
    let total = same(Path::new(&path));
    assert!(total > 5000, "{total} segments");
}
