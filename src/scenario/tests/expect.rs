//! `[expect]`: every construct, and what is said of wrong ones.

use super::{messages, ok};
use crate::scenario::{Bound, ClosedBy, Count, Happening, Wanted};
use crate::tcp::Side;

fn with(expect: &str) -> String {
    format!(
        "[server]\nkind = \"select\"\n[[client]]\nname = \"first\"\nsteps = [\"connect\", \"close\"]\n[[client]]\nname = \"second\"\nsteps = [\"connect\", \"close\"]\n{expect}\n"
    )
}

#[test]
fn every_construct() {
    let text = with(
        r#"
[expect]
fails = ["program-failed"]
connections = { min = 1 }
flow = """
first:
client 5 \u0022hello\u0022
...
"""
closed-by = "client"
close = "any"
handshake = "complete"
resets = 0
bytes = { client = 5, server = { min = 5, max = 9 } }
payload = { client = { hex = "00 ff" }, server = { regex = "^a.c$" } }
options = { mss = 65495, client = { timestamps = true } }
[[expect.connection]]
name = "sec*"
segments = { max = 30 }
[expect.order]
first = { actor = "first", event = "close" }
then = { connection = "second", data = true, from = "server", times = 2 }
[[expect.time]]
measure = "gap"
from = "server"
max = "40ms"
tolerance = "1ms"
[[expect.packets]]
filter = "tcp.flags.reset == 1"
count = 0
[[expect.packets]]
filter = "tcp"
[[expect.redact]]
name = "date"
pattern = "Date: [^\r]*"
with = "Date: [date]"
"#,
    );
    let scenario = ok(&text);
    let expect = &scenario.expect;
    let cut = |span: &std::ops::Range<usize>| &text[span.clone()];
    assert_eq!(expect.fails, ["program-failed"]);
    assert_eq!(cut(&expect.fails_span), "[\"program-failed\"]");
    assert_eq!(
        expect.connections.as_ref().unwrap().value,
        Bound::at_least(1)
    );
    let [all, second] = expect.of.as_slice() else {
        panic!("{:?}", expect.of);
    };
    assert!(all.name.is_none());
    let flow = all.flow.as_ref().unwrap();
    let place = flow.inside.place(flow.patterns.place(0, 0));
    assert_eq!(cut(&place), r"client 5 \u0022hello\u0022");
    assert_eq!(all.closed_by.as_ref().unwrap().value, ClosedBy::Client);
    assert!(all.close.is_none(), "any is nothing");
    let numbers: Vec<_> = all
        .numbers
        .iter()
        .map(|n| (n.what, n.side, n.bound))
        .collect();
    let nine = Bound {
        min: Some(5),
        max: Some(9),
    };
    let wanted = [
        (Count::Resets, None, Bound::exactly(0)),
        (Count::Bytes, Some(Side::Client), Bound::exactly(5)),
        (Count::Bytes, Some(Side::Server), nine),
    ];
    assert_eq!(numbers, wanted);
    assert!(matches!(&all.payload[0].wanted, Wanted::Bytes(bytes) if bytes == b"\x00\xff"));
    assert!(matches!(&all.payload[1].wanted, Wanted::Regex(_)));
    assert_eq!(all.options.len(), 2);
    assert_eq!(second.name.as_ref().unwrap().value, "sec*");
    assert!(matches!(
        &expect.order[0].then.what,
        Happening::Segment {
            data: true,
            times: 2,
            from: Some(Side::Server),
            ..
        }
    ));
    assert_eq!(expect.time[0].tolerance.as_millis(), 1);
    assert_eq!(expect.packets[0].count, Bound::exactly(0));
    assert_eq!(expect.packets[1].count, Bound::at_least(1));
    assert_eq!(expect.redact[0].name, "date");
}

#[test]
fn nothing_is_expected() {
    let expect = ok(&with("[expect]")).expect;
    assert!(expect.of.is_empty() && expect.packets.is_empty());
    assert!(ok(&with("")).expect.of.is_empty());
}

#[test]
fn all_errors_in_one_go() {
    let text = with(
        r#"
[expect]
closed-by = "clients"
fails = ["program-faild"]
flow = '''
cleint 5 "hello"
then server "abc
close client first
server finn
'''
resets = { min = 4, max = 2 }
bytes = { min = 1, client = 2 }
segments = {}
payload = { client = { regex = "a(b" }, server = { contains = "" } }
options = {}
[[expect.connection]]
name = "frist"
[[expect.order]]
first = { actor = "frist", event = "clos" }
then = { actor = "first", data = true }
[[expect.order]]
first = { actor = "first", event = "close" }
then = { actor = "first", event = "close" }
[[expect.time]]
measure = "answer"
from = "client"
[[expect.time]]
measure = "answer"
min = "2s"
max = "1s"
[[expect.packets]]
filter = "tcp.flag.reset == 1"
[[expect.packets]]
filter = " "
[[expect.redact]]
name = "x"
pattern = ".*"
with = ""
"#,
    );
    insta::assert_snapshot!(messages(&text));
}
