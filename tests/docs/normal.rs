//! What differs between two runs of the same command, taken out of what it prints.
//!
//! Times, ports and widths differ; a pure ACK may come or not (delayed acknowledgement), so packet
//! numbers differ too; `select` may wake once for two things; and what two actors did at the same
//! time stands in either order. Everything else must be the same.

use std::sync::LazyLock;

use libtest_mimic::Trial;
use regex::Regex;

/// Patterns and what stands for them, in order.
static REPLACED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b\d+(\.\d+)? (ms|s)\b", "[TIME]"),
        (r"\b\d+\.\d{6}\b", "[SECOND]"),
        (r"(127\.0\.0\.1|\[::1\]):[3-6]\d{4}\b", "$1:[PORT]"),
        (r"\b\d+ frames\b", "[N] frames"),
        (r"#\d+", "#[N]"),
        (r"^\s*\d+ +\[SECOND\]", "[N] [SECOND]"),
        (r"─+", "─"),
        (r"\s+", " "),
    ]
    .into_iter()
    .map(|(pattern, with)| (Regex::new(pattern).expect("a pattern"), with))
    .collect()
});

/// Lines that come or do not: pure ACKs, and the waking of `select`.
static OPTIONAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^\[N\] \[SECOND\] \S+ → \S+ ACK (\d+ \d+ 0 |seq=\d+ ack=\d+ len=0$)|─ #\[N\] ACK ─|(^|│ |: )select ready|of silence",
    )
    .expect("a pattern")
});

/// One line without what differs; nothing if it may be absent.
pub fn line(line: &str) -> Option<String> {
    let mut text = line.to_owned();
    for (pattern, with) in REPLACED.iter() {
        text = pattern.replace_all(&text, *with).into_owned();
    }
    (!OPTIONAL.is_match(&text)).then(|| text.trim().to_owned())
}

/// Lines without what differs; those of a ladder ordered by who did them.
pub fn lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut normal = vec![];
    let mut ladder: [Vec<String>; 3] = Default::default();
    for text in unwrapped(lines).iter().filter_map(|text| line(text)) {
        match column(&text) {
            Some(column) => ladder[column].push(text),
            None => {
                normal.extend(ladder.iter_mut().flat_map(std::mem::take));
                normal.push(text);
            }
        }
    }
    normal.extend(ladder.into_iter().flatten());
    while normal.last().is_some_and(String::is_empty) {
        normal.pop();
    }
    normal
}

/// A packet's line with what had to be continued below it: where it breaks depends on the widths.
fn unwrapped<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    static PACKET: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\s*\d+ +\d+\.\d{6} ").expect("a pattern"));
    let mut whole: Vec<String> = vec![];
    for line in lines {
        match whole.last_mut() {
            Some(packet) if line.starts_with(&" ".repeat(40)) && PACKET.is_match(packet) => {
                packet.push(' ');
                packet.push_str(line.trim());
            }
            _ => whole.push(line.to_owned()),
        }
    }
    whole
}

/// Where a line of a ladder belongs: 0 a packet, 1 the left actor, 2 the right one.
fn column(text: &str) -> Option<usize> {
    let (left, rest) = text.split_once('│').or_else(|| text.split_once('├'))?;
    match (rest.contains('─'), left.trim().is_empty()) {
        (true, _) => Some(0),
        (false, false) => Some(1),
        (false, true) => Some(2),
    }
}

/// Does what was shown stand for what came? `...` alone on a line stands for any lines.
pub fn same(shown: &[String], came: &[String]) -> bool {
    match shown.split_first() {
        None => came.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=came.len()).any(|skipped| same(rest, &came[skipped..]))
        }
        Some((first, rest)) => came
            .split_first()
            .is_some_and(|(c, after)| c == first && same(rest, after)),
    }
}

/// The normal form hides what it says and nothing else.
pub fn trials() -> Vec<Trial> {
    let differ = |a: &[&str], b: &[&str]| {
        let (a, b) = (lines(a.iter().copied()), lines(b.iter().copied()));
        !same(&a, &b)
    };
    let cases: [(&str, &[&str], &[&str], bool); 8] = [
        (
            "times",
            &["close: passed 54 ms"],
            &["close: passed 1.2 s"],
            false,
        ),
        (
            "verdict",
            &["close: passed 54 ms"],
            &["close: failed 54 ms"],
            true,
        ),
        (
            "pure_ack",
            &["  1 0.000014 a → b ACK 6 6 0 ACK of 5 bytes", "  2 0.1 x"],
            &["  2 0.1 x"],
            false,
        ),
        (
            "flags",
            &["  1 0.000014 a → b FIN,ACK 6 6 0 FIN: close()"],
            &["  1 0.000014 a → b RST,ACK 6 6 0 FIN: close()"],
            true,
        ),
        (
            "ladder_order",
            &["  send 5 │      │", "  │── #4 PSH ──▶│", "  │   │ recv 5"],
            &["  │── #5 PSH ─▶│", "  │   │ recv 5", "  send 5 │      │"],
            false,
        ),
        (
            "order_of_packets",
            &["  │── #4 PSH ──▶│", "  │◀── #5 FIN ──│"],
            &["  │◀── #4 FIN ──│", "  │── #5 PSH ──▶│"],
            true,
        ),
        ("elision", &["a", "...", "d"], &["a", "b", "c", "d"], false),
        (
            "elision_has_ends",
            &["a", "...", "d"],
            &["a", "b", "c"],
            true,
        ),
    ];
    cases
        .into_iter()
        .map(|(name, a, b, expected)| {
            let right = differ(a, b) == expected;
            Trial::test(format!("normal::{name}"), move || match right {
                true => Ok(()),
                false => Err("the normal form is wrong".into()),
            })
        })
        .collect()
}
