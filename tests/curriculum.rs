//! The exchanges of the course, each with the segments that were measured on the wire. Pure ACKs
//! depend on timers and load and are left out; everything else must be there, in this order.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use lab_capture::capture::read::Reader;
use lab_capture::tcp::{Analysis, Conversation, Conversations, Seg, Side};
use lab_capture::wire::{Flags, Packet, Reassembler};

/// Row, scenario, and for each of its connections the segments: `c`/`s` who sends, S SYN, A ACK,
/// F FIN, R RST, then the payload's length.
const ROWS: &[(u32, &str, &[&str])] = &[
    (1, "nobody", &[]),
    (2, "echo", &["cS sAS cA6 sA6 cA6 sA6 cAF sAF"]),
    (3, "sink", &["cS sAS cA26 cAF sAF"]),
    (4, "client-leaves", &["cS sAS cA26 cAF sA26 cR"]),
    (5, "server-closes", &["cS sAS cA33 sA33 sAF cAF"]),
    (6, "poll-echo", &["cS sAS cA6 sA6 cA6 sA6 cAF sAF"]),
    (6, "epoll-echo", &["cS sAS cA6 sA6 cA6 sA6 cAF sAF"]),
    (6, "threaded-echo", &["cS sAS cA6 sA6 cA6 sA6 cAF sAF"]),
    (6, "forking-echo", &["cS sAS cA6 sA6 cA6 sA6 cAF sAF"]),
    (6, "sequential-echo", &["cS sAS cA6 sA6 cA6 sA6 cAF sAF"]),
    (
        7,
        "three-clients",
        &[
            "cS sAS cA5 sA5 cAF sAF",
            "cS sAS cA5 sA5 cAF sAF",
            "cS sAS cA5 sA5 cAF sAF",
        ],
    ),
    (
        8,
        "sequential-waits",
        &["cS sAS cA12 sA12 cAF sAF", "cS sAS cA22 sA22 cAF sAF"],
    ),
    (9, "half-close", &["cS sAS cA23 cAF sA2 sAF"]),
    (10, "shutdown-read", &["cS sAS cA18 sA18 cAF sAF"]),
    (11, "shutdown-both", &["cS sAS sA7 cAF cAR"]),
    (12, "framing-close", &["cS sAS sAF cA31 cA34 cA31 cAF"]),
    (14, "framing-fixed", &["cS sAS cA16 sA16 cAF sAF"]),
    (
        15,
        "framing-delimiter",
        &["cS sAS cA26 sA6 cA25 sA10 cA23 sA9 cAF sAF"],
    ),
    (15, "framing-cut-off", &["cS sAS cA24 cAF sAF"]),
    (
        16,
        "framing-prefix",
        &["cS sAS sAF cA4 cA30 cA4 cA33 cA4 cAF"],
    ),
    (17, "unread", &["cS sAS cA10 sAR"]),
    (18, "reset", &["cS sAS cA5 sA5 cAR"]),
    (19, "killed-drained", &["cS sAS cA14 sA14 sAF cAF"]),
    (19, "killed-unread", &["cS sAS cA10 sAR"]),
    (20, "write-after-close", &["cS sAS cAF sA1 cR"]),
    (21, "refused", &["cS sAR"]),
    (23, "listener-closed", &["cS sAS sAR"]),
    // The server's FIN is the first; the client, deaf, has not got it when it sends its own.
    (24, "fin-crossed", &["cS sAS sAF cAF"]),
    (25, "http", &["cS sAS cA37 sA84 cAF sAF"]),
    (27, "ipv6-echo", &["cS sAS cA6 sA6 cA6 sA6 cAF sAF"]),
];

fn conversations(path: &Path) -> Vec<Conversation> {
    let mut reader = Reader::open(path).unwrap();
    let mut reassembler = Reassembler::default();
    let mut all = Conversations::default();
    while let Some(frame) = reader.next().unwrap() {
        if let Packet::Tcp(segment) = reassembler.parse(&frame) {
            all.push(frame.number, frame.time, &segment);
        }
    }
    all.finish()
}

/// SYN, data, FIN and RST, without what only repeats.
fn word(segment: &Seg) -> Option<String> {
    let again = Analysis::RETRANSMISSION
        | Analysis::SPURIOUS_RETRANSMISSION
        | Analysis::KEEP_ALIVE
        | Analysis::ZERO_WINDOW_PROBE;
    if segment.analysis.intersects(again) {
        return None;
    }
    let who = if segment.from == Side::Client {
        'c'
    } else {
        's'
    };
    let mut word = String::from(who);
    for (flag, letter) in [
        (Flags::ACK, 'A'),
        (Flags::SYN, 'S'),
        (Flags::FIN, 'F'),
        (Flags::RST, 'R'),
    ] {
        if segment.flags.contains(flag) {
            word.push(letter);
        }
    }
    let notable = segment
        .flags
        .intersects(Flags::SYN | Flags::FIN | Flags::RST);
    if segment.len > 0 {
        word.push_str(&segment.len.to_string());
    }
    (notable || segment.len > 0).then_some(word)
}

#[test]
fn every_row_is_on_the_wire_as_it_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<&str> = ROWS.iter().map(|(_, name, _)| *name).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_lab-capture"))
        .args(names.iter().map(|name| format!("scenarios/{name}.toml")))
        .args(["--quiet", "--capture-dir"])
        .arg(folder.path())
        .env("CI", "true")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let mut wrong = BTreeMap::new();
    for (row, name, expected) in ROWS {
        let conversations = conversations(&folder.path().join(format!("{name}.pcap")));
        let mut seen: Vec<String> = conversations
            .iter()
            .map(|conversation| {
                let words: Vec<String> = conversation.segments.iter().filter_map(word).collect();
                words.join(" ")
            })
            .collect();
        // Connections come in any order.
        seen.sort();
        let mut expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        expected.sort();
        if seen != expected {
            wrong.insert((row, name), (expected, seen));
        }
    }
    assert!(
        wrong.is_empty(),
        "row, scenario: expected, seen\n{wrong:#?}"
    );
}

/// Row 6: they look the same on the wire; so do IPv6 and somebody else's server.
#[test]
fn all_echo_servers_have_one_flow() {
    let flow = |name: &str| {
        let path = format!("scenarios/snapshots/{name}.snap");
        let snapshot = insta::Snapshot::from_file(Path::new(&path)).unwrap();
        snapshot.as_text().unwrap().to_string()
    };
    for name in [
        "poll-echo",
        "epoll-echo",
        "threaded-echo",
        "forking-echo",
        "sequential-echo",
        "ipv6-echo",
        "python-echo",
    ] {
        assert_eq!(flow(name), flow("echo"), "{name}");
    }
}
