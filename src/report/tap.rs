//! TAP 13, with YAML diagnostics.

use std::io::{self, Write};

use super::outcome::Outcome;
use super::{escape, excerpt, findings, tally};
use crate::check::{Finding, Judged, Verdict};
use crate::scenario::Source;

/// Writes a test point for each run as it comes; the plan stands at the end.
pub struct Tap<W> {
    out: W,
    points: usize,
}

impl<W: Write> Tap<W> {
    /// Writes the version line.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "TAP version 13")?;
        Ok(Tap { out, points: 0 })
    }

    /// Adds a run. Each attempt of a repeat is a test point.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn add(&mut self, judged: &Judged) -> io::Result<()> {
        self.points += 1;
        let out = &mut self.out;
        let outcome = Outcome::of(judged);
        let word = if outcome.is_none() { "ok" } else { "not ok" };
        // A bare # would begin a directive.
        let name = escape::line(&judged.scenario.name).replace('#', "\\#");
        writeln!(out, "{word} {} - {name}", self.points)?;
        writeln!(out, "  ---")?;
        writeln!(out, "  duration_ms: {}", judged.elapsed.as_millis())?;
        if let Some(file) = &judged.file {
            writeln!(out, "  capture: {}", scalar(&file.to_string_lossy()))?;
        }
        if let Some(outcome) = outcome {
            let severity = match judged.verdict {
                Verdict::Failed(_) => "fail",
                Verdict::Inconclusive(_) => "inconclusive",
                _ => "error",
            };
            writeln!(out, "  severity: {severity}")?;
            writeln!(out, "  message: {}", scalar(&outcome.message))?;
        }
        if let Verdict::Failed(list) = &judged.verdict {
            writeln!(out, "  findings:")?;
            let source = &judged.scenario.source;
            list.iter().try_for_each(|f| finding(out, f, source))?;
        }
        writeln!(out, "  ...")
    }

    /// Writes the plan and gives the writer back.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        writeln!(self.out, "1..{}", self.points)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Stops the whole test run: `Bail out!` with the reason.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn bail_out(&mut self, why: &str) -> io::Result<()> {
        writeln!(self.out, "Bail out! {}", escape::line(why))
    }
}

fn finding(out: &mut dyn Write, finding: &Finding, source: &Source) -> io::Result<()> {
    writeln!(out, "    - code: {}", scalar(finding.code))?;
    writeln!(out, "      message: {}", scalar(&finding.message))?;
    if let Some(span) = &finding.span {
        let (line, column) = excerpt::position(&source.text, span.start);
        let at = format!("{}:{line}:{column}", source.path.display());
        writeln!(out, "      at: {}", scalar(&at))?;
    }
    let cause = finding.cause.as_ref();
    let (proven, maybe) = match cause {
        Some(cause) if cause.proven => (Some(&cause.text), None),
        Some(cause) => (None, Some(&cause.text)),
        None => (None, None),
    };
    let fields = [
        ("connection", finding.connection.as_ref()),
        ("wanted", finding.expected.as_ref()),
        ("found", finding.actual.as_ref()),
        ("cause", proven),
        ("consistent_with", maybe),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            writeln!(out, "      {key}: {}", scalar(value))?;
        }
    }
    if !finding.frames.is_empty() {
        let frames = findings::frames(&finding.frames);
        writeln!(out, "      packets: {}", scalar(&frames))?;
    }
    if let Some(diff) = &finding.diff {
        // The indentation is said, so that a line that begins with spaces cannot be taken for it.
        writeln!(out, "      diff: |2")?;
        for line in diff.lines() {
            writeln!(out, "        {}", escape::line(line))?;
        }
    }
    if !finding.notes.is_empty() {
        writeln!(out, "      notes:")?;
        for note in &finding.notes {
            writeln!(out, "        - {}", scalar(note))?;
        }
    }
    Ok(())
}

/// A double-quoted scalar: JSON's strings are YAML's too.
fn scalar(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A comment line, for instance the tally.
pub fn comment(out: &mut dyn Write, counts: &tally::Tally) -> io::Result<()> {
    writeln!(
        out,
        "# passed {}, failed {}, inconclusive {}, not run {}",
        counts.passed, counts.failed, counts.inconclusive, counts.errors
    )
}
