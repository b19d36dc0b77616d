//! The JSON Lines of hand-built runs.

use serde_json::Value;

use super::json;
use super::sample::*;
use super::{Tally, facts, zeek};
use crate::check::{Finding, Judged, Verdict};
use crate::tcp::{Analysis, Side};

fn lines(judged: &Judged) -> Vec<Value> {
    let mut out = vec![];
    json::judged(&mut out, judged).expect("a vector takes all");
    let text = String::from_utf8(out).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line is a record"))
        .collect()
}

#[test]
fn records_of_a_run() {
    let mut out = vec![];
    json::judged(&mut out, &close().judged).expect("a vector takes all");
    let mut tally = Tally::default();
    tally.add(&close().judged);
    let elapsed = std::time::Duration::from_millis(47);
    json::summary(&mut out, &tally, elapsed).expect("a vector takes all");
    insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"));
}

#[test]
fn a_finding_points_at_its_line() {
    let mut run = close();
    let text = &run.judged.scenario.source.text;
    let start = text.find("{ send").expect("in the sample");
    run.judged.verdict = Verdict::Failed(vec![Finding {
        code: "step-failed",
        message: "no".into(),
        span: Some(start..start + 1),
        ..Finding::default()
    }]);
    let lines = lines(&run.judged);
    let verdict = lines.last().expect("a record");
    let finding = &verdict["findings"][0];
    assert_eq!(verdict["verdict"], "failed");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&10.into(), &21.into())
    );
}

#[test]
fn bytes_are_counted_once_and_across_the_wrap() {
    let mut run = Run::new("x", "");
    let c = run.connection("client-1");
    run.segment(c, Client, PSH, b"0123456789").seq = u32::MAX - 4;
    run.segment(c, Client, PSH, b"0123456789").seq = u32::MAX - 4;
    run.segment(c, Client, PSH, b"abcdefghij").seq = 5;
    run.segment(c, Client, PSH, b"fghijklmno").seq = 10;
    let talk = &run.judged.connections[c].conversation;
    assert_eq!(facts::bytes(talk, Side::Client), 25);
    assert_eq!(facts::bytes(talk, Side::Server), 0);
}

#[test]
fn zeek_says_how_it_ended() {
    let state = |build: &dyn Fn(&mut Run, usize)| {
        let mut run = Run::new("x", "");
        let c = run.connection("client-1");
        build(&mut run, c);
        let talk = &run.judged.connections[c].conversation;
        (zeek::conn_state(talk), zeek::history(talk))
    };
    let is = |(state, history): (&'static str, String), expected: &str| {
        assert_eq!(format!("{state} {history}"), expected);
    };
    let talk = |run: &mut Run, c| {
        run.handshake(c);
        run.echo(c, b"hello", 0);
    };
    is(
        state(&|run, c| {
            run.segment(c, Client, SYN, b"");
        }),
        "S0 S",
    );
    is(
        state(&|run, c| {
            run.segment(c, Client, SYN, b"");
            run.segment(c, Server, RST, b"");
        }),
        "REJ Sr",
    );
    is(state(&talk), "S1 ShADad");
    is(
        state(&|run, c| {
            talk(run, c);
            run.client_closes(c);
        }),
        "SF ShADadFf",
    );
    is(
        state(&|run, c| {
            talk(run, c);
            run.segment(c, Client, FIN, b"");
        }),
        "S2 ShADadF",
    );
    is(
        state(&|run, c| {
            talk(run, c);
            run.segment(c, Server, FIN, b"");
        }),
        "S3 ShADadf",
    );
    is(
        state(&|run, c| {
            talk(run, c);
            run.segment(c, Client, RST, b"");
        }),
        "RSTO ShADadR",
    );
    is(
        state(&|run, c| {
            talk(run, c);
            run.segment(c, Server, RST, b"");
        }),
        "RSTR ShADadr",
    );
    is(
        state(&|run, c| {
            run.segment(c, Client, SYN, b"");
            run.segment(c, Client, RST, b"");
        }),
        "RSTOS0 SR",
    );
    is(
        state(&|run, c| {
            talk(run, c);
            run.again(c, Client, PSH, b"hello").analysis = Analysis::RETRANSMISSION;
        }),
        "S1 ShADadT",
    );
    is(
        state(&|run, c| {
            run.segment(c, Client, PSH, b"x");
        }),
        "OTH D",
    );
}
