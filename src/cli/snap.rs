//! `lab-capture snap review|accept|reject [PATH…]`

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use clap::{Args, Subcommand};
use similar::{ChangeTag, TextDiff};

use super::exit::{LAB, USAGE};
use crate::check::pending::{self, Found, Pending};

/// `lab-capture snap …`
#[derive(Debug, Clone, Args)]
pub struct SnapArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with snapshots that wait.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Look at each one and decide
    Review(Paths),
    /// Make all of them the snapshots
    Accept(Paths),
    /// Throw all of them away
    Reject(Paths),
    /// List them, and the stale ones whose scenario is gone
    Pending(Paths),
}

/// Where to look.
#[derive(Debug, Clone, Args)]
pub struct Paths {
    /// Scenario files, snapshot files, or folders of them
    #[arg(value_name = "PATH", default_value = "scenarios")]
    pub paths: Vec<PathBuf>,
}

/// Runs the subcommand; the exit code.
pub fn snap(args: &SnapArgs) -> anyhow::Result<u8> {
    let (Action::Review(paths)
    | Action::Accept(paths)
    | Action::Reject(paths)
    | Action::Pending(paths)) = &args.action;
    let found = match pending::find(&paths.paths) {
        Ok(found) => found,
        Err(error) => {
            anstream::eprintln!("lab-capture: cannot look for snapshots: {error}");
            return Ok(USAGE);
        }
    };
    let mut out = anstream::stdout().lock();
    let code = match &args.action {
        Action::Review(_) => review(&mut out, &found.pending)?,
        Action::Accept(_) => all(&mut out, &found.pending, true)?,
        Action::Reject(_) => all(&mut out, &found.pending, false)?,
        Action::Pending(_) => list(&mut out, &found)?,
    };
    for path in &found.stale {
        writeln!(out, "stale: {} (its scenario is gone)", path.display())?;
    }
    out.flush()?;
    Ok(code)
}

fn list(out: &mut impl Write, found: &Found) -> anyhow::Result<u8> {
    for pending in &found.pending {
        let what = if pending.target.exists() {
            "changed"
        } else {
            "new"
        };
        writeln!(out, "{what}: {}", pending.target.display())?;
    }
    if found.pending.is_empty() {
        writeln!(out, "no snapshot waits for review")?;
    }
    Ok(0)
}

fn all(out: &mut impl Write, waiting: &[Pending], accept: bool) -> anyhow::Result<u8> {
    let mut code = 0;
    for pending in waiting {
        let done = if accept {
            pending.accept()
        } else {
            pending.reject()
        };
        match done {
            Ok(()) => {
                let verb = if accept { "accepted" } else { "rejected" };
                writeln!(out, "{verb}: {}", pending.target.display())?;
            }
            Err(error) => {
                anstream::eprintln!("lab-capture: {error}");
                code = LAB;
            }
        }
    }
    if waiting.is_empty() {
        writeln!(out, "no snapshot waits for review")?;
    }
    Ok(code)
}

/// One at a time: shows what changed and asks. Answers are read line by line, so that a pipe can
/// give them too; the end of input leaves the rest as it is.
fn review(out: &mut impl Write, waiting: &[Pending]) -> anyhow::Result<u8> {
    let mut answers = std::io::stdin().lock();
    let terminal = std::io::stdin().is_terminal();
    let mut decided = 0;
    'each: for (index, pending) in waiting.iter().enumerate() {
        let (stored, new) = match pending.contents() {
            Ok(contents) => contents,
            Err(error) => {
                anstream::eprintln!("lab-capture: {error}");
                continue;
            }
        };
        writeln!(
            out,
            "\n{} of {}: {}",
            index + 1,
            waiting.len(),
            pending.target.display()
        )?;
        show(out, stored.as_deref(), &new)?;
        loop {
            write!(out, "[a]ccept, [r]eject, [s]kip, [q]uit? ")?;
            out.flush()?;
            let mut answer = String::new();
            if answers.read_line(&mut answer)? == 0 {
                writeln!(out)?;
                break 'each;
            }
            if !terminal {
                writeln!(out, "{}", answer.trim())?;
            }
            match answer.trim() {
                "a" | "accept" => pending.accept()?,
                "r" | "reject" => pending.reject()?,
                "s" | "skip" => continue 'each,
                "q" | "quit" => break 'each,
                _ => continue,
            }
            decided += 1;
            break;
        }
    }
    let left = waiting.len() - decided;
    match waiting.len() {
        0 => writeln!(out, "no snapshot waits for review")?,
        _ => writeln!(out, "{decided} decided, {left} left")?,
    }
    Ok(0)
}

/// The change, line by line, with the changed words of a line marked.
fn show(out: &mut impl Write, stored: Option<&str>, new: &str) -> std::io::Result<()> {
    let Some(stored) = stored else {
        writeln!(out, "  (new)")?;
        return new.lines().try_for_each(|line| writeln!(out, "  {line}"));
    };
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let green = Style::new().fg_color(Some(AnsiColor::Green.into()));
    let diff = TextDiff::from_lines(stored, new);
    for op in diff.ops() {
        for change in diff.iter_inline_changes(op) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', red),
                ChangeTag::Insert => ('+', green),
                ChangeTag::Equal => (' ', Style::new()),
            };
            write!(out, "{style}{sign} ")?;
            for (changed, text) in change.iter_strings_lossy() {
                let text = text.trim_end_matches('\n');
                if changed {
                    let strong = style.bold().underline();
                    write!(out, "{strong}{text}{strong:#}{style}")?;
                } else {
                    write!(out, "{text}")?;
                }
            }
            writeln!(out, "{style:#}")?;
        }
    }
    Ok(())
}
