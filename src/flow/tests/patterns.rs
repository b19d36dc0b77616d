//! Expected flows as text, against flows.

use proptest::prelude::*;

use crate::flow::pattern::{Mismatch, Patterns};
use crate::flow::*;
use crate::tcp::Side;

fn run(from: Side, bytes: &[u8], fin: bool) -> Run {
    let content = Content {
        len: bytes.len() as u64,
        what: What::Bytes(bytes.to_vec()),
    };
    let bytes = if bytes.is_empty() {
        Bytes::None
    } else {
        Bytes::Exact(content)
    };
    Run {
        from,
        bytes,
        fin,
        reset: None,
    }
}

fn echo(name: &str, text: &[u8]) -> Flow {
    let one = |run| Phase {
        first: run,
        concurrent: None,
    };
    Flow {
        name: name.to_owned(),
        handshake: Handshake::Complete,
        phases: vec![
            one(run(Side::Client, text, false)),
            one(run(Side::Server, text, false)),
            one(run(Side::Client, b"", true)),
            one(run(Side::Server, b"", true)),
        ],
        close: Close::Fin(Side::Client),
    }
}

fn holds(pattern: &str, flows: &[Flow]) -> bool {
    let flows: Vec<&Flow> = flows.iter().collect();
    Patterns::parse(pattern)
        .unwrap_or_else(|e| panic!("{pattern}: {e}"))
        .check(&flows)
        .is_empty()
}

#[test]
fn what_may_be_left_open() {
    let flow = [echo("client-1", b"hello")];
    for pattern in [
        "handshake complete\nclient 5 \"hello\"\nthen server 5 \"hello\"\nthen client fin\nthen server fin\nclose client first",
        "client 5\nserver 5\n...",
        "...\nclose client first",
        "client \"hello\"\nserver ...\n...",
        "client /^he.*o$/\n...",
        "client ...\nserver ...\nclient fin\nserver fin",
        "client ...\n? client 3\nserver ...\n? server \"x\"\n...\n",
        "client 4 | client 5\n...",
        "...\nclose crossed | close client first",
        "client at least 3 \"hel\"\n...",
        "# a comment\n\n...",
        "...\nclose ...",
        "client ...\nserver ...\nclient ...\nserver ...",
    ] {
        assert!(holds(pattern, &flow), "{pattern}");
    }
    for pattern in [
        "handshake refused",
        "client 4\n...",
        "client 5\nserver 5",
        "client \"hallo\"\n...",
        "client 5 fin\n...",
        "client 5 || server 5\n...",
        "client 5\nserver 5\nserver fin\nclient fin",
        "...\nclose server first",
        "client 5\nserver 5\nclient reset\n...",
        "client /bye/\n...",
    ] {
        assert!(!holds(pattern, &flow), "{pattern}");
    }
}

#[test]
fn concurrent_runs_stand_on_one_line_or_two() {
    let mut flow = echo("client-1", b"hello");
    flow.phases = vec![Phase {
        first: run(Side::Client, b"abc", true),
        concurrent: Some(run(Side::Server, b"de", true)),
    }];
    let flow = [flow];
    assert!(holds("client 3 fin || server 2 fin", &flow));
    assert!(holds("client 3 fin\n|| server 2 fin", &flow));
    assert!(holds("server 2 fin || client 3 fin", &flow));
    assert!(!holds("client 3 fin\nserver 2 fin", &flow));
    assert!(holds(&flow[0].lines().join("\n"), &flow));
}

#[test]
fn several_connections() {
    let flows = [
        echo("client-1", b"one"),
        echo("client-2", b"two"),
        echo("client-3", b"two"),
    ];
    assert!(holds(
        "client-1:\nclient \"one\"\n...\nclient-2, client-3:\nclient \"two\"\n...",
        &flows
    ));
    assert!(holds("client-*:\nclient 3\n...", &flows));
    assert!(holds(
        "any order:\n- client \"two\"\n  ...\n- for 2\n  client ...\n  ...",
        &flows
    ));
    assert!(holds(
        "any order:\n- for 2\n  client \"two\"\n  ...\n- client \"one\"\n  ...",
        &flows
    ));
    assert!(!holds(
        "any order:\n- for 2\n  client \"one\"\n  ...\n- client \"two\"\n  ...",
        &flows
    ));
    assert!(!holds("any order:\n- client \"one\"\n  ...", &flows));
    // A dash is no name, though `handshake` stands below it.
    let whole = "-\n  handshake complete\n  ...\n";
    let all = format!("any order:\n{}", whole.repeat(flows.len()));
    assert!(holds(&all, &flows), "{all}");
    assert!(!holds("client-9:\n...", &flows));
}

#[test]
fn a_mismatch_tells_the_line() {
    let flow = echo("client-1", b"hello");
    let patterns = Patterns::parse("client 5\nserver 6\n...").unwrap();
    let found = patterns.check(&[&flow]);
    let [Mismatch::Flow { name, miss, .. }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(name, "client-1");
    assert_eq!((miss.item, miss.line), (1, 2));
}

#[test]
fn errors_point_at_the_word() {
    for (pattern, at, says) in [
        ("client 5\ncleint 6", 9..15, "did you mean `client`"),
        ("client 5 fni", 9..12, "did you mean `fin`"),
        ("client \"abc", 7..11, "closing"),
        ("handshake done", 10..14, "no handshake"),
        ("|| client 5", 0..11, "must follow"),
        ("client /(/", 7..10, "regular expression"),
    ] {
        let error = Patterns::parse(pattern).unwrap_err();
        assert_eq!(error.span, at, "{pattern}: {error}");
        assert!(error.message.contains(says), "{pattern}: {error}");
    }
}

/// What the program prints, it reads: the flows in every snapshot are patterns as they stand.
#[test]
fn every_snapshot_is_a_pattern() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/snapshots");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "snap") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, flows) = text.split_once("expression: flow\n---\n").unwrap();
        if flows.trim() == "no packet" {
            continue; // No flow.
        }
        let patterns = Patterns::parse(flows).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let names = flows
            .lines()
            .filter(|line| !line.starts_with(' ') && !line.is_empty());
        let missing: Vec<String> = patterns.check(&[]).into_iter().map(missed).collect();
        // Each is held against the connection of its name, and only that.
        assert_eq!(missing, names.collect::<Vec<_>>(), "{}", path.display());
        read += 1;
    }
    assert!(read > 30, "{read} snapshots");
}

fn missed(mismatch: Mismatch) -> String {
    match mismatch {
        Mismatch::NoSuch { name, .. } => name,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_udp_flow_is_told_from_a_tcp_one() {
    let mut flow = echo("client-1", b"hello");
    (flow.handshake, flow.close) = (Handshake::Udp, Close::Unreachable);
    let printed = [flow.clone()];
    for pattern in [
        "handshake none (UDP)\n...",
        "handshake none\n...",
        "...\nclose port unreachable (ICMP)",
    ] {
        assert!(holds(pattern, &printed), "{pattern}");
    }
    assert!(!holds("handshake complete\n...", &printed));
    assert!(!holds(
        "handshake none (UDP)\n...",
        &[echo("client-1", b"hello")]
    ));
}

fn any_content() -> impl Strategy<Value = Content> {
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    let what = prop_oneof![
        bytes.clone().prop_map(What::Bytes),
        bytes.prop_map(What::Redacted),
        any::<[u8; 32]>().prop_map(What::Sha256),
        Just(What::Unknown),
        Just(What::Redacted(vec![b'x'; 300])),
    ];
    (1..1000u64, what).prop_map(|(len, what)| match what {
        What::Bytes(bytes) => Content {
            len: bytes.len() as u64,
            what: What::Bytes(bytes),
        },
        what => Content { len, what },
    })
}

fn any_run(from: Side) -> impl Strategy<Value = Run> {
    let bytes = prop_oneof![
        any_content().prop_map(Bytes::Exact),
        any_content().prop_map(Bytes::AtLeast),
        Just(Bytes::None),
    ];
    let kind = prop_oneof![Just(ResetKind::Abort), Just(ResetKind::Answer)];
    (bytes, any::<bool>(), prop::option::of(kind)).prop_map(move |(bytes, fin, reset)| Run {
        from,
        fin: fin || bytes == Bytes::None,
        bytes,
        reset,
    })
}

fn any_flow() -> impl Strategy<Value = Flow> {
    let handshake = prop_oneof![
        Just(Handshake::Complete),
        Just(Handshake::Refused),
        Just(Handshake::Unanswered),
        Just(Handshake::Partial),
        Just(Handshake::Unseen),
        Just(Handshake::Udp),
    ];
    let reset = (any::<bool>(), any::<bool>()).prop_map(|(client, server)| Reset {
        by: Side::Server,
        kind: ResetKind::Answer,
        after_client_fin: client,
        after_server_fin: server,
    });
    let close = prop_oneof![
        Just(Close::Fin(Side::Server)),
        Just(Close::Crossed),
        Just(Close::Half(Side::Client)),
        Just(Close::Open),
        Just(Close::None),
        Just(Close::Unreachable),
        prop::collection::vec(reset, 1..3).prop_map(Close::Reset),
    ];
    let phase = (
        any_run(Side::Client),
        prop::option::of(any_run(Side::Server)),
    )
        .prop_map(|(first, concurrent)| Phase { first, concurrent });
    let phases = prop::collection::vec(phase, 0..4);
    let name = prop_oneof![
        Just("client"),
        Just("client-1#2"),
        Just("server"),
        Just("127.0.0.1:5"),
        Just("[::1]:5")
    ];
    (name, handshake, phases, close).prop_map(|(name, handshake, phases, close)| Flow {
        name: name.to_owned(),
        handshake,
        phases,
        close,
    })
}

proptest! {
    /// Whatever a flow is: as it is printed, it is a pattern that it matches.
    #[test]
    fn a_printed_flow_is_a_pattern_that_it_matches(flow in any_flow()) {
        let text = flow.to_string();
        prop_assert!(holds(&text, &[flow]), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z|?.\"/\\\\\n :,0-9()-]{0,80}") {
        let _ = Patterns::parse(&text);
    }

    #[test]
    fn a_flow_matches_its_own_text(one in prop::collection::vec(any::<u8>(), 1..20), fin in any::<bool>()) {
        let mut flow = echo("client-1", &one);
        flow.phases.push(Phase { first: run(Side::Client, &one, fin), concurrent: None });
        let text = flow.lines().join("\n");
        prop_assert!(holds(&text, &[flow.clone()]), "{}", text);
        flow.close = Close::Crossed;
        prop_assert!(!holds(&text, &[flow]));
    }
}
