//! Who listens to the results of a suite: the terminal, files for machines, annotations for CI.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::args::RunArgs;
use super::repeats::Repeats;
use crate::check::{Judged, Verdict};
use crate::platform::owner;
use crate::report::json::Which;
use crate::report::{Detail, Options, Tally, github, json, junit, tap, text};

/// Everybody who listens.
pub(super) struct Reporters {
    text: Box<dyn Write>,
    options: Options,
    json: Option<Box<dyn Write>>,
    junit: Option<(junit::Junit, Box<dyn Write>)>,
    tap: Option<tap::Tap<Box<dyn Write>>>,
    annotate: bool,
    /// How many ended how, by scenario.
    pub tally: Tally,
    /// Names of those that passed only when they were tried again.
    pub flaky: Vec<String>,
}

impl Reporters {
    /// Opens what the arguments name. `-` is standard output; the text then goes to standard error.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn open(args: &RunArgs, options: Options) -> anyhow::Result<Self> {
        let files = [&args.json, &args.junit, &args.tap];
        let dashes = files
            .iter()
            .filter(|f| f.as_deref().is_some_and(is_dash))
            .count();
        anyhow::ensure!(
            dashes <= 1,
            "only one of --json, --junit and --tap can be standard output"
        );
        let attempts = if args.retries > 0 {
            junit::Attempts::Last
        } else {
            junit::Attempts::All
        };
        let open = |path: &Option<_>| path.as_deref().map(create).transpose();
        let junit = open(&args.junit)?.map(|out| (junit::Junit::new(attempts), out));
        let text: Box<dyn Write> = match dashes {
            0 => Box::new(anstream::stdout()),
            _ => Box::new(anstream::stderr()),
        };
        Ok(Reporters {
            text,
            options,
            json: open(&args.json)?,
            junit,
            tap: open(&args.tap)?.map(tap::Tap::new).transpose()?,
            annotate: dashes == 0 && github::runs_here(),
            tally: Tally::default(),
            flaky: vec![],
        })
    }

    /// The attempts at one scenario; the last counts, the others are told all the same.
    ///
    /// # Errors
    /// Those of the outputs.
    pub(super) fn attempts(&mut self, attempts: &[Judged]) -> anyhow::Result<()> {
        for (number, judged) in attempts.iter().enumerate() {
            let which = Which {
                attempt: (attempts.len() > 1).then_some(number as u32 + 1),
                ..Which::default()
            };
            self.machines(judged, which)?;
            text::write(&mut self.text, judged, &self.options)?;
            self.reason(judged)?;
            if number + 1 < attempts.len() {
                let next = number + 2;
                let of = attempts.len();
                writeln!(
                    self.text,
                    "{}: attempt {next} of {of}",
                    judged.scenario.name
                )?;
            }
        }
        let Some(last) = attempts.last() else {
            return Ok(());
        };
        if attempts.len() > 1 && matches!(last.verdict, Verdict::Passed { .. }) {
            let failed = attempts.len() - 1;
            let name = &last.scenario.name;
            writeln!(
                self.text,
                "{name}: flaky, it passed after {failed} that did not"
            )?;
            self.flaky.push(name.clone());
        }
        self.tally.add(last);
        self.text.flush()?;
        Ok(())
    }

    /// One of the repetitions of a scenario; the terminal hears of all of them at once.
    ///
    /// # Errors
    /// Those of the outputs.
    pub(super) fn repetition(&mut self, judged: &Judged, number: u32) -> anyhow::Result<()> {
        let which = Which {
            repetition: Some(number),
            ..Which::default()
        };
        self.machines(judged, which)
    }

    /// All repetitions of a scenario.
    ///
    /// # Errors
    /// Those of the outputs.
    pub(super) fn repeats(&mut self, repeats: &Repeats) -> anyhow::Result<()> {
        repeats.write(&mut self.text, &self.options)?;
        for judged in repeats.kinds() {
            self.reason(judged)?;
        }
        self.tally.add(repeats.worst());
        self.text.flush()?;
        Ok(())
    }

    /// With `--quiet`, why a run could not be or proves nothing: on standard error, where no
    /// report of it has said so.
    fn reason(&mut self, judged: &Judged) -> anyhow::Result<()> {
        if self.options.detail == Detail::Quiet
            && let Some(reason) = text::reason(judged)
        {
            self.text.flush()?;
            anstream::eprintln!("{reason}");
        }
        Ok(())
    }

    fn machines(&mut self, judged: &Judged, which: Which) -> anyhow::Result<()> {
        if let Some(out) = &mut self.json {
            json::judged(out, judged, which)?;
        }
        if let Some((junit, _)) = &mut self.junit {
            junit.add(judged);
        }
        if let Some(tap) = &mut self.tap {
            tap.add(judged)?;
        }
        if self.annotate {
            github::write(&mut self.text, judged)?;
        }
        Ok(())
    }

    /// The end: what was not run is told, then the sums.
    ///
    /// # Errors
    /// Those of the outputs.
    pub(super) fn finish(mut self, end: &End<'_>) -> anyhow::Result<()> {
        if end.not_run > 0 {
            let n = end.not_run;
            writeln!(
                self.text,
                "{n} of {} runs not started: {}",
                end.runs, end.why
            )?;
        }
        if end.runs > 1 {
            text::summary(&mut self.text, &self.tally, end.elapsed)?;
        }
        if !self.flaky.is_empty() {
            writeln!(
                self.text,
                "{} flaky: {}",
                self.flaky.len(),
                self.flaky.join(", ")
            )?;
        }
        self.text.flush()?;
        if let Some(out) = &mut self.json {
            json::summary(out, &self.tally, end.elapsed)?;
            out.flush()?;
        }
        if let Some((junit, mut out)) = self.junit {
            junit
                .finish(&mut out, end.elapsed)
                .context("cannot write the JUnit report")?;
            out.flush()?;
        }
        if let Some(mut tap) = self.tap {
            if end.not_run > 0 {
                tap.bail_out(end.why)?;
            }
            let mut out = tap.finish()?;
            tap::comment(&mut out, &self.tally)?;
            out.flush()?;
        }
        Ok(())
    }
}

/// How a suite ended.
pub(super) struct End<'a> {
    pub runs: usize,
    pub not_run: usize,
    /// Why some were not run.
    pub why: &'a str,
    pub elapsed: Duration,
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn create(path: &Path) -> anyhow::Result<Box<dyn Write>> {
    if is_dash(path) {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    }
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    owner::give_to_invoker(path);
    Ok(Box::new(BufWriter::new(file)))
}
