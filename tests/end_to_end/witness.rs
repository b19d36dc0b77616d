//! tshark as an independent witness: what the exported files hold is what we say they hold.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use lab_capture::capture::read::{Format, Reader};
use lab_capture::tcp::{Fed, Tracker};
use lab_capture::wire::{Flags, Packet, Reassembler};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::program::{lab_capture, run};
use crate::stage::{Person, folder_of};
use crate::tshark::{Testimony, Told};
use crate::{scenarios, tshark};

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
    let testimony = agree(&pcap);
    agrees_with_json(&testimony, &outcome.stdout);
    let scenario = lab_capture::scenario::load(&file).unwrap_or_else(|e| panic!("{e}"));
    let mut ports: Vec<u16> = scenario.servers.iter().map(|s| s.listen.port()).collect();
    ports.extend(scenario.clients.iter().map(|c| c.target.port()));
    only_ours(&testimony, &ports);
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
        let packet = reassembler.parse(&frame);
        let fed = tracker.feed(frame.number, frame.time, &packet);
        let (Packet::Tcp(segment), Fed::Segment(tracked)) = (packet, fed) else {
            continue;
        };
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

/// The file is valid, and what it holds is the same to tshark as to us, segment by segment.
#[track_caller]
pub fn agree(file: &Path) -> Testimony {
    let testimony = tshark::ask(file);
    let ours = by_us(file);
    for (ours, theirs) in ours.iter().zip(testimony.segments()) {
        assert_eq!(
            ours,
            theirs,
            "left: ours ({}), right: tshark's, of {}",
            Flags::from_bits_truncate(ours.flags),
            file.display()
        );
    }
    assert_eq!(
        ours.len(),
        testimony.segments().count(),
        "segments of {}",
        file.display()
    );
    testimony
}

/// The records of the run say the same as tshark of its capture.
fn agrees_with_json(testimony: &Testimony, lines: &str) {
    let records: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect();
    let of_type = |name: &'static str| records.iter().filter(move |record| record["type"] == name);
    let mut clients: HashMap<u32, &str> = HashMap::new();
    let mut segments = of_type("segment");
    for told in testimony.segments() {
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
    let streams = testimony
        .segments()
        .map(|told| told.stream)
        .collect::<BTreeSet<_>>();
    let ours = of_type("connection").filter_map(|record| record["stream"].as_u64());
    let ours = ours.map(|stream| stream as u32).collect::<BTreeSet<_>>();
    assert_eq!(ours, streams, "streams");
    let frames = of_type("capture")
        .map(|record| &record["frames"])
        .collect::<Vec<_>>();
    assert_eq!(frames, [&json!(testimony.frames.len())]);
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
fn only_ours(testimony: &Testimony, ports: &[u16]) {
    for (at, frame) in testimony.frames.iter().enumerate() {
        let ip = ["0x0800", "0x86dd"].contains(&&*frame.eth_type);
        assert!(ip, "frame {}: {frame:?}", at + 1);
        let ours = frame.ports.iter().any(|port| ports.contains(port));
        assert!(ours, "frame {} belongs to nobody: {frame:?}", at + 1);
    }
}
