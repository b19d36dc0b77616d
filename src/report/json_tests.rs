//! The JSON Lines of hand-built runs.

use serde_json::Value;

use super::Tally;
use super::json;
use super::sample::*;
use crate::check::{Finding, Judged, Verdict};

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
fn a_connection_says_how_it_went() {
    let mut run = Run::new("x", "");
    let aborted = run.connection("client-1");
    run.handshake(aborted);
    run.echo(aborted, b"hello", 0);
    // The same bytes again do not count twice.
    run.again(aborted, Client, PSH, b"hello");
    run.segment(aborted, Client, RST, b"");
    let refused = run.connection("client-2");
    run.segment(refused, Client, SYN, b"");
    run.segment(refused, Server, RST, b"");
    let records = lines(&run.judged);
    let connections: Vec<_> = records
        .iter()
        .filter(|r| r["type"] == "connection")
        .collect();
    let facts = |index: usize| {
        let r = connections[index];
        let close = format!("{} by {}", r["close"]["how"], r["close"]["by"]);
        format!("{} {close} {} {}", r["handshake"], r["bytes"], r["state"]).replace('"', "")
    };
    assert_eq!(
        facts(0),
        "complete reset by client {client:5,server:5} RSTO"
    );
    assert_eq!(facts(1), "refused reset by server {client:0,server:0} REJ");
    assert_eq!(connections[0]["completeness"], 47);
}
