//! Annotations for GitHub Actions: workflow commands on standard output.
//!
//! `::error file=scenarios/close.toml,line=10,col=41,title=close::message` puts the message beside
//! that line of a pull request. Nothing in a message can begin a command of its own: percent signs and line ends are
//! escaped, in properties also colons and commas.

use std::io::{self, Write};

use super::{escape, excerpt, findings};
use crate::check::{Finding, Judged, Verdict};

/// Does this process run in a workflow of GitHub Actions?
pub fn runs_here() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Writes the annotations of one run: none if it passed.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, judged: &Judged) -> io::Result<()> {
    match &judged.verdict {
        Verdict::Passed { .. } => Ok(()),
        Verdict::Failed(list) => list
            .iter()
            .try_for_each(|finding| annotation(out, judged, Some(finding), &message(finding))),
        Verdict::Inconclusive(reasons) => {
            let text = format!("inconclusive: {}", reasons.join("\n"));
            annotation(out, judged, None, &text)
        }
        Verdict::Error(why) => annotation(out, judged, None, why),
    }
}

fn message(finding: &Finding) -> String {
    let mut text = finding.message.clone();
    let mut add = |title: &str, value: &str| text.push_str(&format!("\n{title}: {value}"));
    if let Some(expected) = &finding.expected {
        add("expected", expected);
    }
    if let Some(actual) = &finding.actual {
        add("actual", actual);
    }
    if !finding.frames.is_empty() {
        add("packets", &findings::frames(&finding.frames));
    }
    if let Some(cause) = &finding.cause {
        let title = if cause.proven {
            "cause"
        } else {
            "consistent with"
        };
        add(title, &cause.text);
    }
    if let Some(diff) = &finding.diff {
        text.push('\n');
        text.push_str(diff);
    }
    text
}

fn annotation(
    out: &mut dyn Write,
    judged: &Judged,
    finding: Option<&Finding>,
    text: &str,
) -> io::Result<()> {
    let source = &judged.scenario.source;
    let mut properties = vec![];
    let path = source.path.to_string_lossy();
    if !path.is_empty() {
        properties.push(format!("file={}", property(&path)));
    }
    if let Some(span) = finding.and_then(|finding| finding.span.as_ref()) {
        let (line, column) = excerpt::position(&source.text, span.start);
        let (end_line, end_column) = excerpt::position(&source.text, span.end);
        properties.push(format!("line={line}"));
        // Columns are for a range within one line; the end is inclusive.
        if end_line == line {
            let last = end_column.saturating_sub(1).max(column);
            properties.push(format!("col={column},endColumn={last}"));
        } else {
            properties.push(format!("endLine={end_line}"));
        }
    }
    let title = format!("{} {}", judged.scenario.name, judged.verdict.word());
    properties.push(format!("title={}", property(&title)));
    writeln!(out, "::error {}::{}", properties.join(","), data(text))
}

fn data(text: &str) -> String {
    // Line by line, so that line ends stay and terminal sequences do not.
    let lines: Vec<String> = text.lines().map(escape::line).collect();
    lines
        .join("\n")
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
