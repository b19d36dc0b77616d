//! `lab-capture merge`: the reports of several shards made one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::exit::USAGE;
use super::run::durations::Durations;
use crate::platform::owner;
use crate::report::merge::{self, MergeError};

/// `lab-capture merge`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Kinds are told by what the files hold, not by their names:
  lab-capture merge --junit all.xml shard-*.xml
  lab-capture merge --json all.jsonl shard-*.jsonl
  lab-capture merge --durations .durations.json shard-*/.durations.json")]
pub struct MergeArgs {
    /// Reports of the shards, in the order in which they are to stand
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The files are JUnit XML; write one into this file, '-' is standard output
    #[arg(long, value_name = "FILE", required_unless_present_any = ["json", "durations"], conflicts_with_all = ["json", "durations"])]
    pub junit: Option<PathBuf>,
    /// The files are JSON Lines; write one into this file, '-' is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "durations")]
    pub json: Option<PathBuf>,
    /// The files are recorded durations; write one into this file
    #[arg(long, value_name = "FILE")]
    pub durations: Option<PathBuf>,
}

/// Runs the subcommand; the exit code.
pub fn run(args: &MergeArgs) -> anyhow::Result<u8> {
    let mut merged = vec![];
    let result = if let Some(target) = &args.durations {
        return durations(args, target);
    } else if args.junit.is_some() {
        junit(&args.files, &mut merged)
    } else {
        json(&args.files, &mut merged)
    };
    if let Err(error) = result {
        anstream::eprintln!("lab-capture: {:#}", anyhow::Error::new(error));
        return Ok(USAGE);
    }
    let target = args.junit.as_ref().or(args.json.as_ref());
    if let Some(target) = target {
        write(target, &merged)?;
    }
    Ok(0)
}

/// The whole report is made before anything is written, so that a target that is also an input, or
/// a bad input, spoils nothing.
fn write(target: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if target.as_os_str() == "-" {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        return Ok(out.flush()?);
    }
    let cannot = || format!("cannot write {}", target.display());
    let mut out = BufWriter::new(File::create(target).with_context(cannot)?);
    owner::give_to_invoker(target);
    out.write_all(bytes).with_context(cannot)?;
    out.flush().with_context(cannot)
}

fn open(path: &Path) -> Result<(String, BufReader<File>), MergeError> {
    let input = path.display().to_string();
    match File::open(path) {
        Ok(file) => Ok((input, BufReader::new(file))),
        Err(source) => Err(MergeError::Read { input, source }),
    }
}

fn open_all(files: &[PathBuf]) -> Result<Vec<(String, BufReader<File>)>, MergeError> {
    files.iter().map(|path| open(path)).collect()
}

fn junit(files: &[PathBuf], out: &mut Vec<u8>) -> Result<(), MergeError> {
    let mut inputs = open_all(files)?;
    let inputs = inputs.iter_mut();
    let inputs = inputs.map(|(name, file)| (name.as_str(), file as &mut dyn Read));
    merge::junit(inputs, out)
}

fn json(files: &[PathBuf], out: &mut Vec<u8>) -> Result<(), MergeError> {
    let mut inputs = open_all(files)?;
    let inputs = inputs.iter_mut();
    let inputs = inputs.map(|(name, file)| (name.as_str(), file as &mut dyn BufRead));
    merge::json(inputs, out)
}

fn durations(args: &MergeArgs, target: &Path) -> anyhow::Result<u8> {
    let mut all = Durations::default();
    for path in &args.files {
        let read = path.metadata().and_then(|_| Durations::read(path));
        match read {
            Ok(durations) => all.extend(durations),
            Err(error) => {
                anstream::eprintln!("lab-capture: {}: {error}", path.display());
                return Ok(USAGE);
            }
        }
    }
    all.write(target)
        .with_context(|| format!("cannot write {}", target.display()))?;
    Ok(0)
}
