//! What holds in every run, as `[expect]`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::text::{printable, quoted};
use crate::flow::{Bytes, Close, Content, Flow, Handshake, Run, What};
use crate::tcp::Side;

/// The flows of several runs of the same exchange.
pub(super) struct Runs<'a> {
    /// Of each run, by name.
    pub flows: &'a [Vec<Flow>],
    /// Do names tell connections apart? Those of one external program are numbered as they come.
    pub named: bool,
}

/// How much of it to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Much {
    /// The flow of each connection.
    Flow,
    /// How they began and ended, and what they carried.
    Facts,
}

/// `[expect]` with what all runs agree on; what they do not agree on is left out.
pub(super) fn expectation(runs: &Runs<'_>, much: Much) -> String {
    let mut out = "[expect]\nsnapshot = false\n".to_owned();
    let flow = (much == Much::Flow).then(|| runs.text()).flatten();
    if let Some(text) = flow {
        let first = runs.flows.first().map_or(&[][..], Vec::as_slice);
        let count = tcp(first).count();
        if count > 1 {
            let _ = writeln!(out, "connections = {count}");
        }
        let _ = writeln!(out, "flow = '''\n{text}'''");
        return out;
    }
    runs.facts(&mut out);
    out
}

impl Runs<'_> {
    /// The flow of every connection, if all runs agree on what it is made of.
    fn text(&self) -> Option<String> {
        let first = self.flows.first()?;
        if first.is_empty() || self.flows.iter().any(|run| run.len() != first.len()) {
            return None;
        }
        if self.named || first.len() == 1 {
            let blocks = (0..first.len()).map(|index| {
                let column: Vec<&Flow> = self.flows.iter().map(|run| &run[index]).collect();
                Some((column[0].name.clone(), common(&column)?))
            });
            let blocks: Option<Vec<_>> = blocks.collect();
            return Some(headed(&blocks?));
        }
        // Which is which is not known: those that look alike are put side by side.
        let mut sorted: Vec<Vec<&Flow>> = vec![];
        for run in self.flows {
            let mut run: Vec<&Flow> = run.iter().collect();
            run.sort_by_key(|flow| flow.lines());
            sorted.push(run);
        }
        let mut counted: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for index in 0..first.len() {
            let column: Vec<&Flow> = sorted.iter().map(|run| run[index]).collect();
            *counted.entry(common(&column)?).or_default() += 1;
        }
        let mut out = "any order:\n".to_owned();
        for (lines, count) in counted {
            let head = if count > 1 {
                format!("- for {count}")
            } else {
                "-".to_owned()
            };
            let _ = writeln!(out, "{head}\n  {}", lines.join("\n  "));
        }
        Some(out)
    }

    /// Facts that hold of all connections of all runs, and those of each where names tell them apart.
    fn facts(&self, out: &mut String) {
        let counts: Vec<usize> = self.flows.iter().map(|run| tcp(run).count()).collect();
        if let (Some(min), Some(max)) = (counts.iter().min(), counts.iter().max()) {
            let _ = match min == max {
                true => writeln!(out, "connections = {min}"),
                false => writeln!(out, "connections = {{ min = {min}, max = {max} }}"),
            };
            if *min == 0 {
                return;
            }
        }
        let all: Vec<&Flow> = self.flows.iter().flat_map(|run| tcp(run)).collect();
        if let Some(word) = same(&all, |flow| handshake(flow.handshake)) {
            let _ = writeln!(out, "handshake = \"{word}\"");
        }
        if let Some(word) = same(&all, |flow| Some(close(&flow.close))) {
            let _ = writeln!(out, "close = \"{word}\"");
        }
        if let Some(word) = same(&all, |flow| closed_by(&flow.close)) {
            let _ = writeln!(out, "closed-by = \"{word}\"");
        }
        let sides = [Side::Client, Side::Server];
        let agreed = |fact: &dyn Fn(Side) -> Option<String>| {
            let facts = sides.iter().filter_map(|side| Some((side, fact(*side)?)));
            let facts: Vec<String> = facts
                .map(|(side, fact)| format!("{side} = {fact}"))
                .collect();
            (!facts.is_empty()).then(|| facts.join(", "))
        };
        if let Some(bytes) =
            agreed(&|side| same(&all, |flow| bytes(flow, side)).map(|n| n.to_string()))
        {
            let _ = writeln!(out, "bytes = {{ {bytes} }}");
        }
        if let Some(payload) = agreed(&|side| {
            let bytes = same(&all, |flow| payload(flow, side))?;
            let text = String::from_utf8(bytes)
                .ok()
                .filter(|text| printable(text))?;
            Some(quoted(&text))
        }) {
            let _ = writeln!(out, "payload = {{ {payload} }}");
        }
    }
}

/// Connections; there are also exchanges of datagrams.
fn tcp(flows: &[Flow]) -> impl Iterator<Item = &Flow> {
    flows.iter().filter(|flow| flow.handshake != Handshake::Udp)
}

fn headed(blocks: &[(String, Vec<String>)]) -> String {
    let mut out = String::new();
    // What all of them show needs no names.
    let alike = blocks.windows(2).all(|two| two[0].1 == two[1].1);
    for (name, lines) in &blocks[..if alike { 1 } else { blocks.len() }] {
        if !alike {
            let _ = writeln!(out, "{name}:");
        }
        for line in lines {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

/// What the flows of one connection have in common, line by line; `None` if they differ in more
/// than the bytes that they carry.
fn common(flows: &[&Flow]) -> Option<Vec<String>> {
    let first = flows.first()?;
    let shape = |flow: &Flow| {
        let runs = flow.phases.iter().map(|phase| {
            let runs = phase.runs();
            runs.map(|run| (run.from, run.fin, run.reset, run.bytes == Bytes::None))
                .collect::<Vec<_>>()
        });
        (flow.handshake, flow.close.clone(), runs.collect::<Vec<_>>())
    };
    if flows.iter().any(|flow| shape(flow) != shape(first)) {
        return None;
    }
    // Three quotes in a row would end the TOML string.
    if first.lines().iter().any(|line| line.contains("'''")) {
        return None;
    }
    let mut lines = vec![];
    if first.handshake != Handshake::Udp {
        lines.push(format!("handshake {}", first.handshake));
    }
    for index in 0..first.phases.len() {
        let then = if index > 0 { "then " } else { "" };
        let runs = |pick: fn(&crate::flow::Phase) -> Option<&Run>| -> Option<Vec<&Run>> {
            flows.iter().map(|flow| pick(&flow.phases[index])).collect()
        };
        if let Some(runs) = runs(|phase| Some(&phase.first)) {
            lines.push(format!("{then}{}", any_of(&runs)));
        }
        if let Some(runs) = runs(|phase| phase.concurrent.as_ref()) {
            lines.push(format!("|| {}", any_of(&runs)));
        }
    }
    lines.extend(first.close.lines());
    Some(lines)
}

/// A run as all of them were: with its bytes, their number, or whatever they are.
fn any_of(runs: &[&Run]) -> String {
    let first = runs[0];
    let unknown = |run: &&Run| match &run.bytes {
        Bytes::Exact(content) | Bytes::AtLeast(content) => content.what == What::Unknown,
        Bytes::None => false,
    };
    if runs.iter().all(|run| run.bytes == first.bytes) && !unknown(&first) {
        return first.to_string();
    }
    let exact = |run: &&Run| match &run.bytes {
        Bytes::Exact(Content { len, .. }) => Some(*len),
        _ => None,
    };
    let len = exact(&first).filter(|len| runs.iter().all(|run| exact(run) == Some(*len)));
    let mut line = match len {
        Some(len) => format!("{} {len}", first.from),
        None => format!("{} ...", first.from),
    };
    if first.fin {
        line.push_str(" fin");
    }
    if let Some(kind) = first.reset {
        let _ = write!(line, " reset ({kind})");
    }
    line
}

fn same<T: PartialEq>(flows: &[&Flow], fact: impl Fn(&Flow) -> Option<T>) -> Option<T> {
    let first = fact(flows.first()?)?;
    let first = Some(first);
    flows
        .iter()
        .all(|flow| fact(flow) == first)
        .then_some(first)?
}

fn runs(flow: &Flow, side: Side) -> impl Iterator<Item = &Run> {
    let runs = flow.phases.iter().flat_map(|phase| phase.runs());
    runs.filter(move |run| run.from == side)
}

/// All that a side sent, in bytes.
fn bytes(flow: &Flow, side: Side) -> Option<u64> {
    let counts = runs(flow, side).map(|run| match &run.bytes {
        Bytes::None => Some(0),
        Bytes::Exact(content) => Some(content.len),
        Bytes::AtLeast(_) => None,
    });
    counts.sum()
}

/// The bytes themselves, where the flow has them.
fn payload(flow: &Flow, side: Side) -> Option<Vec<u8>> {
    let mut all = vec![];
    for run in runs(flow, side) {
        match &run.bytes {
            Bytes::None => {}
            Bytes::Exact(Content {
                what: What::Bytes(bytes),
                ..
            }) => all.extend_from_slice(bytes),
            _ => return None,
        }
    }
    Some(all)
}

fn handshake(handshake: Handshake) -> Option<&'static str> {
    match handshake {
        Handshake::Complete => Some("complete"),
        Handshake::Refused => Some("refused"),
        Handshake::Unanswered => Some("unanswered"),
        Handshake::Partial => Some("partial"),
        Handshake::Unseen | Handshake::Udp => None,
    }
}

fn close(close: &Close) -> &'static str {
    match close {
        Close::Fin(_) => "fin",
        Close::Crossed => "crossed",
        Close::Reset(_) => "reset",
        Close::Half(_) => "half",
        Close::Open => "open",
        Close::None | Close::Unreachable => "none",
    }
}

fn closed_by(close: &Close) -> Option<&'static str> {
    match close {
        Close::Fin(Side::Client) => Some("client"),
        Close::Fin(Side::Server) => Some("server"),
        Close::Crossed => Some("both"),
        _ => None,
    }
}
