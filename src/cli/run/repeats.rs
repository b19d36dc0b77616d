//! `--repeat N`: the distinct outcomes of one scenario, how often each came, and who showed it first.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use similar::TextDiff;

use super::plan::Item;
use crate::check::judge::flows_text;
use crate::check::{Finding, Judged, Verdict, snapshot};
use crate::cli::export;
use crate::cli::options::Format;
use crate::report::tally::{count, duration};
use crate::report::{Options, escape, text};

/// Distinct outcomes that are kept with all their packets; further ones are counted.
const KEPT: usize = 20;

/// Lines of a flow that are shown.
const FLOW_LINES: usize = 40;

/// The repetitions of one scenario so far.
pub(super) struct Repeats {
    /// By verdict and flow, in the order in which they were first shown.
    kinds: Vec<Kind>,
    index: HashMap<(&'static str, String), usize>,
    /// Runs of kinds beyond [`KEPT`].
    others: u64,
    runs: u64,
    drops: u64,
    elapsed: Duration,
    /// The run counted last, if it was like another before.
    latest: Option<Judged>,
}

/// Runs that ended alike: one verdict, one flow of every connection.
struct Kind {
    count: u64,
    /// Number of the first run that showed it, from 1.
    first: u32,
    flow: String,
    /// That run.
    judged: Judged,
}

impl Repeats {
    pub(super) fn new() -> Self {
        Repeats {
            kinds: vec![],
            index: HashMap::new(),
            others: 0,
            runs: 0,
            drops: 0,
            elapsed: Duration::ZERO,
            latest: None,
        }
    }

    /// Counts a run; runs come in the order of their numbers. The first of its kind is kept and
    /// its capture written, as `NAME.K.pcap` with the run's number.
    /// Returns the run as it is to be reported.
    pub(super) fn add(
        &mut self,
        mut judged: Judged,
        number: u32,
        item: &Item,
        folder: &Path,
        format: Format,
    ) -> &Judged {
        self.runs += 1;
        self.elapsed += judged.elapsed;
        let recording = judged.recording.as_ref();
        self.drops += recording.map_or(0, |r| u64::from(r.stats.dropped));
        let flow = flows_text(&judged.connections, &judged.datagrams);
        let key = (judged.verdict.word(), flow);
        if let Some(&index) = self.index.get(&key) {
            self.kinds[index].count += 1;
            return self.latest.insert(judged);
        }
        if self.kinds.len() == KEPT {
            self.others += 1;
            return self.latest.insert(judged);
        }
        if let Some(recording) = &judged.recording {
            let name = format!("{}.{number}", item.stem);
            match export::write(recording, folder, &name, format) {
                Ok(file) => judged.file = Some(file),
                Err(error) => judged.verdict = Verdict::Error(error.to_string()),
            }
        }
        self.index.insert(key.clone(), self.kinds.len());
        self.kinds.push(Kind {
            count: 1,
            first: number,
            flow: key.1,
            judged,
        });
        &self.kinds[self.kinds.len() - 1].judged
    }

    /// The first kind that did not pass: failed before not run before inconclusive; or the first.
    pub(super) fn worst(&self) -> &Judged {
        let worst = self
            .kinds
            .iter()
            .min_by_key(|kind| match kind.judged.verdict.exit_code() {
                1 => 0,
                3 => 1,
                4 => 2,
                _ => 3,
            });
        &worst.expect("a run has been counted").judged
    }

    /// The first run of each kind.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &Judged> {
        self.kinds.iter().map(|kind| &kind.judged)
    }

    fn flows(&self) -> usize {
        let mut flows: Vec<&str> = self.kinds.iter().map(|kind| kind.flow.as_str()).collect();
        flows.sort_unstable();
        flows.dedup();
        flows.len()
    }

    /// One line if all runs were alike and passed; each kind with its count otherwise.
    ///
    /// # Errors
    /// Those of `out`.
    pub(super) fn write(&self, out: &mut dyn Write, options: &Options) -> io::Result<()> {
        let worst = self.worst();
        let name = &worst.scenario.name;
        // Once, not with each kind.
        if options.explain {
            text::introduction(out, worst, options)?;
        }
        let options = &Options {
            explain: false,
            ..options.clone()
        };
        if self.kinds.len() > 1 {
            for kind in &self.kinds {
                let times = count(kind.count as usize, "run");
                let (word, first) = (kind.judged.verdict.word(), kind.first);
                writeln!(out, "{name}: {word} in {times}, first in run {first}:")?;
                self.flow(out, kind)?;
                text::write(out, &kind.judged, options)?;
                writeln!(out)?;
            }
        } else if !matches!(worst.verdict, Verdict::Passed { .. }) {
            text::write(out, worst, options)?;
        }
        let words = ["passed", "failed", "inconclusive", "error"].map(|word| {
            let of = |kind: &&Kind| kind.judged.verdict.word() == word;
            let runs: u64 = self.kinds.iter().filter(of).map(|kind| kind.count).sum();
            (runs > 0).then(|| format!("{runs} {word}"))
        });
        let words: Vec<String> = words.into_iter().flatten().collect();
        let others = match self.others {
            0 => String::new(),
            n => format!(", {n} of further kinds"),
        };
        let file = match &self.kinds[0].judged.file {
            Some(file) if self.kinds.len() == 1 => format!(" -> {}", file.display()),
            _ => String::new(),
        };
        let written = match self.kinds.iter().any(|kind| kind.judged.accepted) {
            true => " (snapshot written)",
            false => "",
        };
        writeln!(
            out,
            "{name}: {}{others}{written}  {}, {}, {}, {} a run{file}",
            words.join(", "),
            count(self.runs as usize, "run"),
            count(self.flows(), "flow"),
            count(self.drops as usize, "drop"),
            duration(self.elapsed / u32::try_from(self.runs).unwrap_or(u32::MAX).max(1)),
        )
    }

    /// The first kind's flow; of the others, in what they differ from it.
    fn flow(&self, out: &mut dyn Write, kind: &Kind) -> io::Result<()> {
        let first = &self.kinds[0];
        let text = if kind.first == first.first {
            kind.flow.clone()
        } else if kind.flow == first.flow {
            format!("the flow of run {}\n", first.first)
        } else {
            let header = format!("run {}", first.first);
            TextDiff::from_lines(&first.flow, &kind.flow)
                .unified_diff()
                .context_radius(3)
                .header(&header, &format!("run {}", kind.first))
                .to_string()
        };
        let lines = text.lines().count();
        for line in text.lines().take(FLOW_LINES) {
            writeln!(out, "  {}", escape::line(line))?;
        }
        if lines > FLOW_LINES {
            writeln!(out, "  … {} lines more …", lines - FLOW_LINES)?;
        }
        Ok(())
    }

    /// Leaves the first differing flow for review, as a single run would.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn leave_pending(&self) -> Result<(), snapshot::SnapshotError> {
        let of_snapshot = |finding: &Finding| finding.code.starts_with("snapshot-");
        for kind in &self.kinds {
            if let Verdict::Failed(findings) = &kind.judged.verdict
                && findings.iter().any(of_snapshot)
            {
                let scenario = &kind.judged.scenario;
                let path = snapshot::pending(&snapshot::path(scenario, None));
                return snapshot::write(&path, scenario, &kind.flow);
            }
        }
        Ok(())
    }
}
