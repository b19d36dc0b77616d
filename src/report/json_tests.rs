//! The JSON Lines of hand-built runs.

use serde_json::Value;

use super::Tally;
use super::json;
use super::sample::*;
use crate::check::{Finding, Judged, Verdict};

fn lines(judged: &Judged) -> Vec<Value> {
    let mut out = vec![];
    json::judged(&mut out, judged, Default::default()).expect("a vector takes all");
    let text = String::from_utf8(out).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line is a record"))
        .collect()
}

#[test]
fn records_of_a_run() {
    let mut out = vec![];
    json::judged(&mut out, &close().judged, Default::default()).expect("a vector takes all");
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

/// Every record of a run that is one of several says which; `merge` keeps that to the byte.
#[test]
fn records_of_several_runs_can_be_told_apart() {
    let judged = close().judged;
    let mut out = vec![];
    for number in 1..=2 {
        let (repetition, attempt) = (Some(number), None);
        let which = json::Which {
            repetition,
            attempt,
        };
        json::judged(&mut out, &judged, which).expect("a vector takes all");
    }
    let which = json::Which {
        attempt: Some(2),
        ..Default::default()
    };
    let before = out.len();
    json::judged(&mut out, &judged, which).expect("a vector takes all");
    let text = String::from_utf8(out.clone()).expect("UTF-8");
    for line in text[..before].lines() {
        let record: Value = serde_json::from_str(line).expect("a record");
        assert!(record["repetition"].is_u64(), "{line}");
        assert!(record.get("attempt").is_none(), "{line}");
    }
    for line in text[before..].lines() {
        let record: Value = serde_json::from_str(line).expect("a record");
        assert_eq!(record["attempt"], 2, "{line}");
        assert!(record.get("repetition").is_none(), "{line}");
    }
    // Without them the records are those of the only run.
    let plain = text[before..].replace(",\"attempt\":2", "");
    let mut alone = vec![];
    json::judged(&mut alone, &judged, Default::default()).expect("a vector takes all");
    assert_eq!(plain.as_bytes(), alone);
    let mut merged = vec![];
    let mut input: &[u8] = &out;
    let inputs: [(&str, &mut dyn std::io::BufRead); 1] = [("a", &mut input)];
    super::merge::json(inputs, &mut merged).expect("records");
    assert_eq!(merged, out);
}
