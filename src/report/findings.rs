//! Findings for people: what was asked, what was there, where, and why.

use std::io::{self, Write};

use super::drawn::numbered;
use super::escape;
use super::style::{self, BAD, BOLD, DIM, GOOD, ODD, paint};
use super::text::Options;
use crate::check::{Finding, Judged, Verdict};
use crate::scenario::{Weight, caret};

/// Prints what a verdict has to say, if it is not `passed`.
pub(super) fn write(out: &mut dyn Write, judged: &Judged, options: &Options) -> io::Result<()> {
    if !judged.foreseen.is_empty() {
        let head = "a program that is meant to be broken; what was wrong, as expected:";
        paragraph(out, ODD, "", head, options.width)?;
        writeln!(out)?;
        list(out, judged, &judged.foreseen, Weight::Note, options)?;
        if !matches!(judged.verdict, Verdict::Passed { .. }) {
            writeln!(out)?;
        }
    }
    match &judged.verdict {
        Verdict::Passed { .. } => Ok(()),
        Verdict::Failed(findings) => list(out, judged, findings, Weight::Error, options),
        Verdict::Inconclusive(reasons) => {
            let head =
                "inconclusive: the capture proves neither that it holds nor that it does not";
            paragraph(out, ODD, "", head, options.width)?;
            reasons.iter().try_for_each(|reason| {
                paragraph(out, style::PLAIN, "  because: ", reason, options.width)
            })
        }
        Verdict::Error(why) => {
            paragraph(
                out,
                BAD,
                "error: ",
                "the lab could not run this scenario",
                options.width,
            )?;
            why.lines()
                .try_for_each(|line| paragraph(out, style::PLAIN, "  ", line, options.width))
        }
    }
}

fn list(
    out: &mut dyn Write,
    judged: &Judged,
    findings: &[Finding],
    weight: Weight,
    options: &Options,
) -> io::Result<()> {
    for (index, finding) in findings.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        if index == options.findings {
            let left = findings.len() - index;
            let text =
                format!("… {left} more not told here; all are in the report of --json FILE …");
            return paragraph(out, DIM, "", &text, options.width);
        }
        one(out, judged, finding, weight, options)?;
    }
    Ok(())
}

fn one(
    out: &mut dyn Write,
    judged: &Judged,
    finding: &Finding,
    weight: Weight,
    options: &Options,
) -> io::Result<()> {
    let columns = options.width;
    match &finding.span {
        Some(span) => {
            let message = escape::line(&finding.message);
            let source = &judged.scenario.source;
            let text = caret(source, span, weight, &message, "", true);
            writeln!(out, "{text}")?;
        }
        None if weight == Weight::Error => {
            paragraph(out, BAD, "error: ", &finding.message, columns)?;
        }
        None => paragraph(out, ODD, "note: ", &finding.message, columns)?,
    }
    if let Some(connection) = &finding.connection {
        let connection = numbered(judged, connection, options);
        paragraph(out, style::PLAIN, "  connection: ", &connection, columns)?;
    }
    for (title, text) in [
        ("  expected: ", &finding.expected),
        ("  actual:   ", &finding.actual),
    ] {
        if let (Some(text), None) = (text, &finding.diff) {
            block(out, title, text, columns)?;
        }
    }
    if let Some(diff) = &finding.diff {
        writeln!(
            out,
            "  {} expected, {} actual:",
            paint(GOOD, "-"),
            paint(BAD, "+")
        )?;
        for line in diff.lines() {
            let style = match line.as_bytes().first() {
                Some(b'-') => GOOD,
                Some(b'+') => BAD,
                Some(b'@') => DIM,
                _ => style::PLAIN,
            };
            writeln!(out, "    {}", paint(style, &escape::line(line)))?;
        }
    }
    if !finding.frames.is_empty() {
        paragraph(
            out,
            style::PLAIN,
            "  packets:  ",
            &frames(&finding.frames),
            columns,
        )?;
    }
    if let Some(cause) = &finding.cause {
        let title = if cause.proven {
            "  cause:    "
        } else {
            "  consistent with: "
        };
        paragraph(out, BOLD, title, &cause.text, columns)?;
    }
    for note in &finding.notes {
        block(out, "  note:     ", note, columns)?;
    }
    Ok(())
}

/// `3, 4-7, 12`.
pub(super) fn frames(frames: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = vec![];
    for &frame in frames {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == frame => *end = frame,
            _ => ranges.push((frame, frame)),
        }
    }
    let words = ranges.into_iter().map(|(start, end)| match end - start {
        0 => format!("#{start}"),
        1 => format!("#{start}, #{end}"),
        _ => format!("#{start}-#{end}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// `title`, then `text` wrapped with its lines under one another.
fn paragraph(
    out: &mut dyn Write,
    style: anstyle::Style,
    title: &str,
    text: &str,
    columns: usize,
) -> io::Result<()> {
    let indent = style::width(title);
    let text = escape::line(text);
    let lines = style::wrap(&text, columns.saturating_sub(indent).max(20));
    for (index, line) in lines.iter().enumerate() {
        let title = if index == 0 {
            title
        } else {
            &" ".repeat(indent)
        };
        writeln!(out, "{}{}", paint(style, title), paint(style, line))?;
    }
    Ok(())
}

/// As [`paragraph`], but `text` keeps its own lines.
fn block(out: &mut dyn Write, title: &str, text: &str, columns: usize) -> io::Result<()> {
    let blank = " ".repeat(style::width(title));
    for (index, line) in text.lines().enumerate() {
        let title = if index == 0 { title } else { &blank };
        paragraph(out, style::PLAIN, title, line, columns)?;
    }
    Ok(())
}
