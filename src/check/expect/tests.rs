//! Expectations and causes on connections made by hand.

use std::path::Path;
use std::sync::Arc;

use super::{Evidence, Outcome, Subject, judge};
use crate::capture::{Completeness, FrameStore, Recording, Stats};
use crate::check::cause;
use crate::check::naming::Owned;
use crate::flow::atoms::Atoms;
use crate::flow::{Programs, canonical};
use crate::scenario::parse;
use crate::tcp::{Analysis, Conversation, Seg, Side};
use crate::timeline::{Ends, Event, Nanos, Op};
use crate::wire::{Flags, LinkType, Options};

const CLIENT: &str = "127.0.0.1:40000";
const SERVER: &str = "127.0.0.1:5000";

/// A segment: at so many ms, from, flags, relative sequence and acknowledgement numbers, payload.
fn seg(ms: f64, from: Side, flags: Flags, seq: u32, ack: u32, payload: &str) -> Seg {
    Seg {
        frame: 0,
        time: (ms * 1e6) as Nanos,
        from,
        flags,
        seq,
        ack,
        raw_seq: 1000 + seq,
        raw_ack: 1000 + ack,
        len: payload.len() as u32,
        payload: payload.as_bytes().into(),
        window: 100,
        options: Options {
            mss: flags.contains(Flags::SYN).then_some(1460),
            timestamps: (from == Side::Client).then_some((1, 0)),
            ..Options::default()
        },
        analysis: Analysis::empty(),
    }
}

const S: Flags = Flags::SYN;
const A: Flags = Flags::ACK;
const C: Side = Side::Client;
const V: Side = Side::Server;

/// Handshake, then these.
fn conversation(rest: Vec<Seg>) -> Conversation {
    let mut segments = vec![
        seg(0.0, C, S, 0, 0, ""),
        seg(0.1, V, S | A, 0, 1, ""),
        seg(0.2, C, A, 1, 1, ""),
    ];
    segments.extend(rest);
    for (index, segment) in segments.iter_mut().enumerate() {
        segment.frame = index as u64 + 1;
    }
    Conversation {
        stream: 0,
        client: CLIENT.parse().unwrap(),
        server: SERVER.parse().unwrap(),
        segments,
    }
}

/// Question, answer, the client closes.
fn echo() -> Vec<Seg> {
    vec![
        seg(1.0, C, A, 1, 1, "hello"),
        seg(3.5, V, A, 1, 6, "world"),
        seg(4.0, C, A | Flags::FIN, 6, 6, ""),
        seg(5.0, V, A | Flags::FIN, 6, 7, ""),
        seg(5.1, C, A, 7, 7, ""),
    ]
}

fn event(ms: f64, actor: &str, call: &str, op: Option<Op>) -> Event {
    let (local, peer) = match actor {
        "server" => (SERVER, CLIENT),
        _ => (CLIENT, SERVER),
    };
    Event {
        at: (ms * 1e6) as Nanos,
        actor: actor.into(),
        ends: Some(Ends {
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
        }),
        call: call.into(),
        result: "ok".into(),
        errno: None,
        op,
        step: None,
        failed: false,
    }
}

fn sent(ms: f64, actor: &str, start: u64, end: u64) -> Event {
    let echo = false;
    event(ms, actor, "send", Some(Op::Sent { start, end, echo }))
}

/// What an expectation makes of a conversation, with causes.
fn outcome(expect: &str, conversation: &Conversation, events: Vec<Event>) -> Outcome {
    let text = format!(
        "[server]\nkind = \"select\"\n[[client]]\nsteps = [\"connect\", \"close\"]\n[expect]\nsnapshot = false\n{expect}\n"
    );
    let scenario =
        parse(Path::new("test.toml"), text).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let of = |actor: &str| -> Option<Vec<Op>> {
        let own = events.iter().filter(|event| *event.actor == *actor);
        let ops: Vec<Op> = own.filter_map(|event| event.op).collect();
        (!ops.is_empty()).then_some(ops)
    };
    let owned = Owned {
        name: "client-1".into(),
        server: Some(Arc::from("server")),
        index: 0,
        client_ops: of("client-1"),
        server_ops: of("server"),
    };
    let recording = Recording {
        link: LinkType(1),
        snaplen: 0,
        frames: FrameStore::default(),
        events,
        stats: Stats::default(),
        complete: Completeness::Complete,
        output: vec![],
    };
    let flow = canonical("client-1", conversation, Programs::default()).flow;
    let evidence = Evidence {
        scenario: &scenario,
        recording: &recording,
        subjects: vec![Subject {
            owned: &owned,
            conversation,
            atoms: Atoms::of(conversation),
            flow: &flow,
        }],
        datagrams: &[],
        foreign: Default::default(),
    };
    let mut outcome = judge(&evidence);
    cause::explain(&evidence, &mut outcome.findings);
    outcome
}

/// The messages of what does not hold.
fn messages(expect: &str, conversation: &Conversation) -> Vec<String> {
    let outcome = outcome(expect, conversation, vec![]);
    outcome
        .findings
        .into_iter()
        .map(|finding| finding.message)
        .collect()
}

fn holds(expect: &str, conversation: &Conversation) {
    assert_eq!(
        messages(expect, conversation),
        Vec::<String>::new(),
        "{expect}"
    );
}

fn fails(expect: &str, conversation: &Conversation, message: &str) {
    let found = messages(expect, conversation);
    assert!(
        found.iter().any(|text| text.contains(message)),
        "{expect}: {found:?}"
    );
}

#[test]
fn closes_in_all_words() {
    let fin = |at: f64, from, seq, ack| seg(at, from, A | Flags::FIN, seq, ack, "");
    let rst = |at: f64, from, flags, seq, ack| seg(at, from, flags, seq, ack, "");
    let cases: Vec<(Vec<Seg>, &str, &str)> = vec![
        (vec![fin(1.0, C, 1, 1), fin(2.0, V, 1, 2)], "fin", "client"),
        (vec![fin(1.0, V, 1, 1), fin(2.0, C, 1, 2)], "fin", "server"),
        (
            vec![fin(1.0, C, 1, 1), fin(1.0, V, 1, 1)],
            "crossed",
            "both",
        ),
        (vec![fin(1.0, C, 1, 1)], "half", "client"),
        (vec![fin(1.0, V, 1, 1)], "half", "server"),
        (vec![], "open", "nobody"),
        (vec![rst(1.0, V, Flags::RST | A, 1, 1)], "reset", "server"),
        // Reset, but closed before.
        (
            vec![
                fin(1.0, C, 1, 1),
                seg(2.0, V, A, 1, 2, "x"),
                rst(3.0, C, Flags::RST, 2, 0),
            ],
            "reset",
            "client",
        ),
    ];
    for (segments, close, by) in cases {
        let conversation = conversation(segments);
        holds(
            &format!("close = \"{close}\"\nclosed-by = \"{by}\""),
            &conversation,
        );
        let others = ["fin", "crossed", "half", "open", "reset", "none"];
        for other in others.into_iter().filter(|other| *other != close) {
            let text = format!("close = \"{other}\"");
            assert_eq!(messages(&text, &conversation).len(), 1, "{text}");
        }
        let others = ["client", "server", "both", "nobody"];
        for other in others.into_iter().filter(|other| *other != by) {
            let text = format!("closed-by = \"{other}\"");
            assert_eq!(messages(&text, &conversation).len(), 1, "{text}");
        }
        holds(
            "close = \"any\"\nclosed-by = \"any\"\nresets = \"any\"",
            &conversation,
        );
    }
}

#[test]
fn numbers_have_bounds() {
    let mut segments = echo();
    segments[1].analysis = Analysis::RETRANSMISSION;
    segments[2].analysis = Analysis::ZERO_WINDOW | Analysis::DUPLICATE_ACK;
    let conversation = conversation(segments);
    for right in [
        "retransmissions = 1",
        "retransmissions = { server = 1, client = 0 }",
        "retransmissions = { min = 1, max = 1 }",
        "zero-window = { max = 1 }",
        "duplicate-acks = { client = { min = 1 } }",
        "segments = 8",
        "bytes = 10",
        "bytes = { client = 5, server = { max = 5 } }",
        "syns = 1",
        "resets = 0",
        "connections = { min = 1 }",
    ] {
        holds(right, &conversation);
    }
    fails(
        "retransmissions = 0",
        &conversation,
        "1 retransmission, not 0",
    );
    fails(
        "zero-window = { server = 1 }",
        &conversation,
        "0 segments with window 0 from the server, not 1",
    );
    fails(
        "duplicate-acks = { min = 2 }",
        &conversation,
        "1 duplicate ACK, not at least 2",
    );
    fails(
        "segments = { min = 9, max = 12 }",
        &conversation,
        "8 segments, not 9 to 12",
    );
    fails(
        "bytes = { server = { max = 4 } }",
        &conversation,
        "5 bytes from the server, not at most 4",
    );
    fails(
        "connections = 2",
        &conversation,
        "there is 1 connection, not 2",
    );
}

#[test]
fn bytes_sent_twice_count_once() {
    let mut segments = echo();
    segments.insert(1, seg(2.0, C, A, 1, 1, "hello"));
    let conversation = conversation(segments);
    holds(
        "bytes = { client = 5 }\npayload = { client = \"hello\" }",
        &conversation,
    );
}

#[test]
fn options_of_both_or_of_one() {
    let conversation = conversation(echo());
    holds("options = { mss = 1460 }", &conversation);
    holds(
        "options = { client = { timestamps = true }, server = { timestamps = false } }",
        &conversation,
    );
    // Only one offers them: not negotiated.
    holds("options = { timestamps = false }", &conversation);
    fails(
        "options = { timestamps = true }",
        &conversation,
        "timestamps is not as expected",
    );
    fails(
        "options = { window-scale = 0 }",
        &conversation,
        "window-scale is not as expected",
    );
}

#[test]
fn times_with_and_without_tolerance() {
    let conversation = conversation(echo());
    let time = |rest: &str| format!("[[expect.time]]\n{rest}");
    holds(
        &time("measure = \"handshake\"\nmax = \"200us\""),
        &conversation,
    );
    holds(
        &time("measure = \"answer\"\nmin = \"2500us\"\nmax = \"2500us\""),
        &conversation,
    );
    holds(
        &time("measure = \"answer\"\nmax = \"2ms\"\ntolerance = \"500us\""),
        &conversation,
    );
    fails(
        &time("measure = \"answer\"\nmax = \"2ms\""),
        &conversation,
        "took 2.5 ms, more than",
    );
    fails(
        &time("measure = \"answer\"\nmin = \"3ms\""),
        &conversation,
        "took 2.5 ms, less than",
    );
    holds(
        &time("measure = \"gap\"\nfrom = \"server\"\nmin = \"3400us\"\nmax = \"3400us\""),
        &conversation,
    );
}

#[test]
fn order_is_decided_by_acknowledgements() {
    let order = |first: &str, then: &str| {
        let moment =
            |from: &str| format!("{{ connection = \"client-1\", data = true, from = \"{from}\" }}");
        format!(
            "[[expect.order]]\nfirst = {}\nthen = {}",
            moment(first),
            moment(then)
        )
    };
    holds(&order("client", "server"), &conversation(echo()));
    fails(
        &order("server", "client"),
        &conversation(echo()),
        "did not wait",
    );
    // Later, but it acknowledges nothing: it did not wait.
    let concurrent = conversation(vec![
        seg(1.0, C, A, 1, 1, "hello"),
        seg(2.0, V, A, 1, 1, "world"),
    ]);
    fails(&order("client", "server"), &concurrent, "did not wait");
}

#[test]
fn a_call_is_as_early_as_what_it_caused() {
    let conversation = conversation(echo());
    let order = "[[expect.order]]\nfirst = { actor = \"client-1\", event = \"close\" }\nthen = { actor = \"server\", event = \"close\" }";
    let close = Some(Op::Close { unread: 0 });
    // close(2) of the client returned late; its FIN left at 4.0 ms.
    let late = vec![
        event(4.9, "server", "close", close),
        event(6.0, "client-1", "close", close),
    ];
    assert!(outcome(order, &conversation, late).findings.is_empty());
    let early = vec![
        event(3.9, "server", "close", close),
        event(6.0, "client-1", "close", close),
    ];
    assert_eq!(outcome(order, &conversation, early).findings.len(), 1);
    let never = vec![event(4.9, "server", "close", close)];
    assert!(
        outcome(order, &conversation, never).findings[0]
            .message
            .contains("never happened")
    );
}

/// The second half of a request, 41 ms after the first.
fn stalled() -> Conversation {
    conversation(vec![
        seg(1.0, C, A, 1, 1, "head:"),
        seg(42.0, V, A, 1, 6, ""),
        seg(42.1, C, A, 6, 1, "body."),
        seg(42.5, V, A, 1, 11, "answer"),
    ])
}

const GAP: &str = "[[expect.time]]\nmeasure = \"gap\"\nfrom = \"client\"\nmax = \"30ms\"";

#[test]
fn nagle_met_a_delayed_acknowledgement() {
    let events = vec![sent(1.1, "client-1", 0, 5), sent(1.2, "client-1", 5, 10)];
    let cause = outcome(GAP, &stalled(), events)
        .findings
        .remove(0)
        .cause
        .unwrap();
    assert!(cause.proven);
    assert!(
        cause
            .text
            .starts_with("answer waited 41 ms: delayed ACK #5 met Nagle"),
        "{}",
        cause.text
    );
}

#[test]
fn a_program_that_waits_is_not_nagles_fault() {
    // Between the two it waited for something until 42.05 ms.
    let events = vec![
        sent(1.1, "client-1", 0, 5),
        event(42.05, "client-1", "wait", None),
        sent(42.2, "client-1", 5, 10),
    ];
    assert_eq!(outcome(GAP, &stalled(), events).findings[0].cause, None);
    // Of a program that tells nothing it may be so.
    let cause = outcome(GAP, &stalled(), vec![])
        .findings
        .remove(0)
        .cause
        .unwrap();
    assert!(!cause.proven);
    // When it called send() between the two cannot be told if it returned late.
    let events = vec![sent(1.1, "client-1", 0, 5), sent(42.2, "client-1", 5, 10)];
    let cause = outcome(GAP, &stalled(), events)
        .findings
        .remove(0)
        .cause
        .unwrap();
    assert!(!cause.proven);
}

#[test]
fn no_delay_means_no_nagle() {
    let mut option = event(0.5, "client-1", "setsockopt", None);
    option.result = "TCP_NODELAY on".into();
    let events = vec![
        option,
        sent(1.1, "client-1", 0, 5),
        sent(1.2, "client-1", 5, 10),
    ];
    assert_eq!(outcome(GAP, &stalled(), events).findings[0].cause, None);
}

#[test]
fn why_a_reset() {
    let reset = conversation(vec![
        seg(1.0, C, A, 1, 1, "hello"),
        seg(2.0, V, A | Flags::RST, 1, 6, ""),
    ]);
    let cause = |op: Option<Op>| {
        let events = op.map(|op| event(1.9, "server", "close", Some(op)));
        let mut findings = outcome("resets = 0", &reset, events.into_iter().collect()).findings;
        findings
            .remove(0)
            .cause
            .map(|cause| (cause.text, cause.proven))
    };
    let (text, proven) = cause(Some(Op::Close { unread: 5 })).unwrap();
    assert!(
        text.contains("close() left 5 unread bytes (recv queue)") && proven,
        "{text}"
    );
    let (text, proven) = cause(Some(Op::Reset)).unwrap();
    assert!(text.contains("SO_LINGER was 0") && proven, "{text}");
    let (text, proven) = cause(Some(Op::Killed)).unwrap();
    assert!(
        text.contains("killed with unread bytes: it had not read 5") && proven,
        "{text}"
    );
    // Nobody tells what the program did.
    let (text, proven) = cause(None).unwrap();
    assert!(
        text.contains("unread bytes (recv queue), or with SO_LINGER 0") && !proven,
        "{text}"
    );
}

#[test]
fn of_many_alike_a_few_are_told() {
    let alike = |n: usize| crate::check::Finding {
        code: "resets",
        connection: Some(format!("client-{n}")),
        span: Some(1..2),
        ..Default::default()
    };
    let told = super::few((0..100).map(alike).collect());
    assert_eq!(told.len(), super::TOLD);
    assert_eq!(told[4].notes, ["so it is with 95 connections more"]);
    assert_eq!(
        super::few((0..5).map(alike).collect())[4].notes,
        Vec::<String>::new()
    );
}
