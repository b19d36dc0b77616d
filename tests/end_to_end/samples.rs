//! `captures/samples/`: recorded once, opened by everybody; tshark and we agree on them, and they show
//! what the scenarios' snapshots say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lab_capture::capture::read::Reader;
use lab_capture::check::snapshot;
use lab_capture::flow::{Programs, canonical};
use lab_capture::scenario::{Scenario, load};
use lab_capture::tcp::Conversations;
use lab_capture::wire::{Packet, Reassembler};
use libtest_mimic::Trial;

use crate::stage::repository;
use crate::{scenarios, witness};

pub fn trials() -> Vec<Trial> {
    let each = scenarios::all().into_iter().map(|name| {
        Trial::test(format!("samples::{name}"), move || {
            one(&name);
            Ok(())
        })
    });
    let mut trials: Vec<Trial> = each.collect();
    trials.extend(crate::trials![there_is_one_of_each_and_no_other]);
    trials
}

fn folder() -> PathBuf {
    repository().join("captures/samples")
}

/// `NAME.pcap`; the large ones are compressed, which Wireshark reads as they are.
fn file_of(name: &str) -> PathBuf {
    let stem = Path::new(name).file_name().expect("a name");
    let plain = folder().join(stem).with_extension("pcap");
    if plain.exists() {
        plain
    } else {
        plain.with_extension("pcap.gz")
    }
}

fn there_is_one_of_each_and_no_other() {
    let entries = std::fs::read_dir(folder()).expect("captures/samples is there");
    let there: BTreeSet<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let wanted: BTreeSet<PathBuf> = scenarios::all().iter().map(|name| file_of(name)).collect();
    assert_eq!(there, wanted, "`make samples` records them anew");
    for file in there {
        let size = file.metadata().expect("it is there").len();
        assert!(
            size < 200_000,
            "{} is not small: {size} bytes",
            file.display()
        );
    }
}

fn one(name: &str) {
    let file = file_of(name);
    witness::agree(&file);
    let scenario = load(&scenarios::path(name)).unwrap_or_else(|e| panic!("{e}"));
    if scenario.expect.snapshot == Some(false) {
        return;
    }
    let seen = summaries(&observed(&file));
    let accepted: Vec<Vec<Summary>> = accepted(&scenario)
        .iter()
        .map(|text| summaries(text))
        .collect();
    assert!(
        accepted.iter().any(|flows| same(&seen, flows)),
        "`make samples` records them anew\nin the sample: {seen:#?}\nin the snapshot: {accepted:#?}"
    );
}

/// The flows of a capture of which nothing is known but its frames.
fn observed(file: &Path) -> String {
    let mut reader = Reader::open(file).unwrap_or_else(|e| panic!("{e}"));
    let mut reassembler = Reassembler::default();
    let mut conversations = Conversations::default();
    while let Some(frame) = reader.next().unwrap_or_else(|e| panic!("{e}")) {
        if let Packet::Tcp(segment) = reassembler.parse(&frame) {
            conversations.push(frame.number, frame.time, &segment);
        }
    }
    let flow = |conversation: &_| canonical("somebody", conversation, Programs::default()).flow;
    let list = conversations.finish();
    let flows: Vec<String> = list.iter().map(|c| flow(c).to_string()).collect();
    flows.join("\n")
}

fn accepted(scenario: &Scenario) -> Vec<String> {
    let variants = scenario
        .expect
        .variants
        .iter()
        .map(|name| Some(name.as_str()));
    let read = |variant| snapshot::read(&snapshot::path(scenario, variant)).expect("readable");
    variants.chain([None]).filter_map(read).collect()
}

/// What frames alone must tell of a connection: all but who waited for whom.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Summary {
    handshake: String,
    close: String,
    /// Bytes of client and server; `None` where only a lower bound is known.
    bytes: [Option<u64>; 2],
}

fn summaries(text: &str) -> Vec<Summary> {
    let flows = text
        .split("\n\n")
        .filter(|flow| flow.contains("\n  handshake "));
    let tcp = flows.filter(|flow| !flow.contains("(UDP)"));
    let mut summaries: Vec<Summary> = tcp.map(summary).collect();
    summaries.sort();
    summaries
}

fn summary(flow: &str) -> Summary {
    let after = |word: &str| {
        let lines = flow.lines();
        let found = lines
            .filter_map(|line| line.strip_prefix("  ")?.strip_prefix(word))
            .next();
        found.unwrap_or_default().to_owned()
    };
    let run = regex::Regex::new(r#"(?m)^  (?:then |\|\| )?(client|server) (at least )?(\d+)\b"#)
        .expect("a pattern");
    let mut bytes = [Some(0), Some(0)];
    for found in run.captures_iter(flow) {
        let total = &mut bytes[usize::from(&found[1] == "server")];
        let count: u64 = found[3].parse().expect("digits");
        *total = total.filter(|_| found.get(2).is_none()).map(|n| n + count);
    }
    Summary {
        handshake: after("handshake "),
        close: after("close "),
        bytes,
    }
}

fn same(seen: &[Summary], accepted: &[Summary]) -> bool {
    let equal = |(a, b): (&Summary, &Summary)| {
        // How much got out before a RST only the programs could say.
        let bytes = a
            .bytes
            .iter()
            .zip(&b.bytes)
            .filter(|_| !a.close.starts_with("reset"));
        let mut bytes = bytes.map(|(a, b)| a.is_none() || b.is_none() || a == b);
        a.handshake == b.handshake && a.close == b.close && bytes.all(|same| same)
    };
    seen.len() == accepted.len() && seen.iter().zip(accepted).all(equal)
}
