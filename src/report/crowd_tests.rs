//! The terminal report of hand-built runs: what stands where, and what is left out.

use super::sample::*;
use super::text::{Detail, Options};
use super::text_tests::{full, plain};
use crate::check::{Finding, Verdict};
use crate::timeline::Op;

/// `--explain` prints the explanation above the report, wrapped; also where the report is one line.
#[test]
fn the_explanation_stands_above_all_else() {
    let mut run = close();
    let scenario = std::sync::Arc::make_mut(&mut run.judged.scenario);
    let first = "connect() sends SYN, and\nwhat follows ".to_owned() + &"word ".repeat(30);
    scenario.explain = Some(format!("{first}\n\nA second paragraph.\n"));
    for detail in [Detail::Full, Detail::Quiet] {
        let mut options = Options {
            detail,
            ..Options::default()
        };
        assert!(!plain(&run.judged, &options).contains("connect() sends"));
        options.explain = true;
        let text = plain(&run.judged, &options);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("close: One message"), "{text}");
        assert!(lines[2].starts_with("connect() sends SYN, and what follows word"));
        assert_eq!(lines[5..7], ["", "A second paragraph."], "{text}");
    }
}

/// The end of a script that failed says again what its last step has said.
#[test]
fn a_failed_step_is_told_once() {
    let mut run = close();
    let said = "byte 1 differs";
    let event = run.event(Some((0, Client)), "client-1", "recv", said, None);
    event.failed = true;
    run.event(None, "client-1", "done", "recv: byte 1 differs", None);
    run.event(None, "server", "done", "poll: EINVAL", None);
    let text = full(&run);
    assert_eq!(text.matches("differs").count(), 1, "{text}");
    assert!(text.contains("done poll: EINVAL"), "{text}");
}

/// What a call did before a silence stands above its mark; the call that ended it below.
#[test]
fn a_silence_stands_where_it_was() {
    let mut run = Run::new("silence", "The server takes its time");
    let talk = run.connection("client-1");
    run.handshake(talk);
    run.act(talk, Server, "accept", "127.0.0.1:51712", Op::Received(0));
    run.pause(1_000_000_000);
    run.act(talk, Server, "close", "", Op::Close { unread: 0 });
    run.segment(talk, Server, FIN, b"");
    let text = full(&run);
    let at = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("{what} in {text}"))
    };
    assert!(at("│ accept") < at("1.000 s of silence"), "{text}");
    assert!(at("1.000 s of silence") < at("│ close"), "{text}");
    assert!(at("│ close") < at("FIN,ACK ─"), "{text}");
}

/// Many clients; every third of the last half failed.
fn crowd(count: usize) -> Run {
    let mut run = Run::new("crowd", "Many clients");
    let mut findings = vec![];
    for number in 1..=count {
        let name = format!("client-{number}");
        let index = run.connection(&name);
        run.handshake(index);
        run.echo(index, b"hello", 0);
        run.client_closes(index);
        if number > count / 2 && number % 3 == 0 {
            findings.push(Finding {
                code: "step-failed",
                message: format!("{name}: recv ECONNRESET"),
                connection: Some(name),
                ..Finding::default()
            });
        }
    }
    if !findings.is_empty() {
        run.judged.verdict = Verdict::Failed(findings);
    }
    run
}

/// The clients of the ladders, in their order.
fn drawn(text: &str) -> Vec<&str> {
    let heads = text.lines().map(|line| line.split_whitespace());
    let heads = heads.filter_map(
        |mut words| match [words.next(), words.next(), words.next()] {
            [Some(client), Some("server"), None] => Some(client),
            _ => None,
        },
    );
    heads.collect()
}

#[test]
fn of_many_connections_some_are_drawn_and_the_failed_ones_first() {
    let run = crowd(300);
    let text = full(&run);
    let ladders = text.matches(" SYN ──").count();
    assert_eq!(ladders, 10, "{text}");
    // The first that failed, and only such.
    for number in [153, 156, 180] {
        assert!(text.contains(&format!("  client-{number} ")), "{text}");
    }
    assert!(!text.contains("client-154"), "{text}");
    let said = "… 290 connections more (40 of them named by findings) and";
    assert!(text.contains(said), "{text}");
    assert!(text.contains("lab-capture show captures/crowd.pcap --stream N"));
    assert!(text.contains("client-153 (--stream "), "{text}");
    assert!(text.contains("… 30 more not told here"), "{text}");
    let lines = text.lines().count();
    assert!(lines < 700, "{lines} lines");
    // Of failures alone only what failed is counted.
    let options = Options {
        detail: Detail::Failures,
        ..Options::default()
    };
    let text = plain(&run.judged, &options);
    assert!(text.contains("… 40 connections more (40 of them named by findings) and"));
}

#[test]
fn as_many_connections_as_are_drawn_are_whole() {
    let mut run = crowd(9);
    let text = full(&run);
    assert_eq!(text.matches(" SYN ──").count(), 9, "{text}");
    assert!(!text.contains("left out"), "{text}");
    assert!(!text.contains("--stream"), "{text}");
    // What failed is drawn first.
    assert_eq!(drawn(&text)[..3], ["client-6", "client-9", "client-1"]);
    run.judged.verdict = Verdict::Passed { variant: None };
    assert_eq!(full(&run).matches(" SYN ──").count(), 9);
}
