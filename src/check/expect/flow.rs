//! `flow`: patterns against canonical flows.

use super::evidence::{Evidence, Outcome, means};
use crate::check::Finding;
use crate::flow::Flow;
use crate::flow::pattern::Mismatch;
use crate::scenario::{FlowText, OfConnections};

pub fn judge(evidence: &Evidence<'_>, of: &OfConnections, text: &FlowText, outcome: &mut Outcome) {
    let tcp = evidence.subjects.iter().map(|subject| subject.flow);
    let flows: Vec<&Flow> = tcp
        .chain(evidence.datagrams)
        .filter(|flow| {
            of.name
                .as_ref()
                .is_none_or(|name| means(&name.value, &flow.name))
        })
        .collect();
    if flows.is_empty() {
        outcome.findings.push(match &of.name {
            Some(name) => evidence.no_such(name),
            None => Finding {
                code: "flow",
                message: "there is no connection that could show this flow".to_owned(),
                span: Some(text.inside.place(text.patterns.place(0, usize::MAX))),
                expected: Some(text.text.trim().to_owned()),
                actual: Some("no packet".to_owned()),
                ..Finding::default()
            },
        });
        return;
    }
    for mismatch in text.patterns.check(&flows) {
        outcome
            .findings
            .push(finding(evidence, &flows, text, mismatch));
    }
}

fn finding(
    evidence: &Evidence<'_>,
    flows: &[&Flow],
    text: &FlowText,
    mismatch: Mismatch,
) -> Finding {
    match mismatch {
        Mismatch::Flow {
            name,
            pattern,
            miss,
        } => {
            let lines = flows
                .iter()
                .find(|flow| flow.name == name)
                .map(|flow| flow.lines());
            let lines = lines.unwrap_or_default();
            // `||` stands on a line of its own, but is one element with the line before it.
            let elements = elements(&lines);
            let actual = elements.get(miss.line).cloned();
            let ended = miss.item >= text.patterns.items(pattern).len();
            let place = text.patterns.place(pattern, miss.item);
            let wanted = match ended {
                true => "the end".to_owned(),
                false => text
                    .text
                    .get(place.clone())
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
            };
            // `...` takes all lines before the pattern's last one: what is there in its place?
            let closing = wanted.starts_with("close");
            let last = || match (closing, lines.last()) {
                (true, Some(last)) => last.clone(),
                (_, Some(last)) => format!("the end, after `{last}`"),
                _ => "the end".to_owned(),
            };
            let message = match (&actual, ended) {
                (None, _) if closing => format!("{name}: it ends in another way"),
                (Some(_), true) => format!("{name}: the flow goes on where the pattern ends"),
                (None, _) => format!("{name}: the flow ends where the pattern goes on"),
                _ => format!("{name}: the flow is another from here on"),
            };
            let mut finding = Finding {
                code: "flow",
                message,
                span: Some(text.inside.place(place)),
                expected: Some(wanted),
                actual: Some(actual.unwrap_or_else(last)),
                connection: Some(name.clone()),
                ..Finding::default()
            };
            finding
                .notes
                .push(format!("the whole flow:\n{}", lines.join("\n")));
            finding.frames = frames(evidence, &name, miss.line);
            finding
        }
        Mismatch::NoSuch { name, pattern } => Finding {
            code: "no-such-connection",
            message: format!("no connection is called `{name}`"),
            span: Some(text.inside.place(text.patterns.place(pattern, usize::MAX))),
            expected: Some(name),
            actual: Some(names(flows.iter().map(|flow| flow.name.as_str()))),
            ..Finding::default()
        },
        Mismatch::AnyOrder { missing, left } => {
            let first = missing.first().copied().unwrap_or(0);
            let message = match (missing.len(), left.len()) {
                (0, n) => format!("no pattern of the group is left for {n} of the connections"),
                (n, 0) => format!("no connection is left for {n} of the group's patterns"),
                (n, m) => format!(
                    "{n} of the group's patterns and {m} of the connections do not go together"
                ),
            };
            let mut finding = Finding {
                code: "flow",
                message,
                span: Some(text.inside.place(text.patterns.place(first, usize::MAX))),
                connection: left.first().cloned(),
                ..Finding::default()
            };
            if !missing.is_empty() {
                let texts = missing.iter().map(|&pattern| {
                    let lines = 0..text.patterns.items(pattern).len();
                    let lines = lines.map(|item| text.patterns.place(pattern, item));
                    let lines = lines.map(|place| text.text.get(place).unwrap_or_default().trim());
                    lines.collect::<Vec<_>>().join("\n")
                });
                finding.expected = Some(texts.collect::<Vec<_>>().join("\n\n"));
            }
            if !left.is_empty() {
                let flows = flows.iter().filter(|flow| left.contains(&flow.name));
                let texts: Vec<String> = flows.take(3).map(|flow| flow.to_string()).collect();
                finding.actual = Some(texts.join("\n"));
                finding.notes.extend(
                    (left.len() > 3).then(|| format!("and {} connections more", left.len() - 3)),
                );
            }
            finding
        }
    }
}

/// The text lines of each element of a flow: handshake, phases, lines of the close.
fn elements(lines: &[String]) -> Vec<String> {
    let mut elements: Vec<String> = vec![];
    for line in lines {
        match (line.strip_prefix("|| "), elements.last_mut()) {
            (Some(_), Some(last)) => *last = format!("{last} {line}"),
            _ => elements.push(line.clone()),
        }
    }
    elements
}

/// The frames of the element of a flow at this index: what carried its bytes, FIN or RST first.
fn frames(evidence: &Evidence<'_>, name: &str, element: usize) -> Vec<u64> {
    let Some(subject) = evidence.subjects.iter().find(|s| s.name() == name) else {
        return vec![];
    };
    if element == 0 {
        let segments = subject.conversation.segments.iter();
        let syn = segments.filter(|s| s.flags.contains(crate::wire::Flags::SYN));
        return syn.map(|segment| segment.frame).collect();
    }
    let Some(phase) = subject.flow.phases.get(element - 1) else {
        return super::close::frames(subject);
    };
    // Units before this phase, by direction: bytes as the flow prints them may be fewer than sent.
    let mut frames = vec![];
    for run in phase.runs() {
        let direction = subject.atoms.side(run.from);
        let before = subject.flow.phases[..element - 1]
            .iter()
            .flat_map(|phase| phase.runs());
        let start: u64 = before.filter(|r| r.from == run.from).map(length).sum();
        let end = start + length(run);
        for (from, span) in &direction.spans {
            if *from < end && span.end > start {
                frames.push(span.frame);
            }
        }
        frames.extend(direction.fin.filter(|_| run.fin).map(|fin| fin.frame));
        frames.extend(
            direction
                .rst
                .filter(|_| run.reset.is_some())
                .map(|rst| rst.frame),
        );
    }
    frames.sort_unstable();
    frames.dedup();
    frames
}

fn length(run: &crate::flow::Run) -> u64 {
    match &run.bytes {
        crate::flow::Bytes::None => 0,
        crate::flow::Bytes::Exact(content) | crate::flow::Bytes::AtLeast(content) => content.len,
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    super::evidence::shorten_list(&names)
}
