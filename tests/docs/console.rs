//! Commands that end: run, their exit codes checked, what they print compared.

use std::io::Read;
use std::ops::Range;

use crate::block::{Block, Edit};
use crate::normal;
use crate::stage::Stage;
use crate::update;

/// Commands that are shown and not run, and why. Everything else runs.
const NOT_RUN: &[(&str, &str)] = &[
    (
        "make run",
        "builds the release binary; CI runs it as a step of its own",
    ),
    ("make test", "runs this very test"),
    ("make bench", "takes minutes and all cores"),
    ("make stress", "takes minutes and all cores"),
    ("make install", "changes the machine"),
    ("wireshark ", "needs a display"),
    ("sudo wireshark", "needs a display"),
];

/// Is it shown only?
pub fn not_run(command: &str) -> bool {
    NOT_RUN.iter().any(|(start, _)| command.starts_with(start))
}

/// A command and what is shown of its output.
#[derive(Debug)]
struct Shown {
    command: String,
    /// Indices of the document's lines below it.
    lines: Range<usize>,
    output: Vec<String>,
}

/// The commands of a `console` block.
fn commands(block: &Block) -> Vec<Shown> {
    let mut commands: Vec<Shown> = vec![];
    for (line, number) in block.lines.iter().zip(block.start..) {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push(Shown {
                command: command.to_owned(),
                lines: number + 1..number + 1,
                output: vec![],
            }),
            None => {
                let shown = commands.last_mut().unwrap_or_else(|| {
                    panic!("line {}: a console block begins with `$ `", number + 1)
                });
                shown.output.push(line.clone());
                shown.lines.end = number + 1;
            }
        }
    }
    commands
}

/// Runs a `console` block; what should be rewritten.
///
/// # Errors
/// What is not as shown.
pub fn console(stage: &Stage, block: &Block) -> Result<Vec<Edit>, String> {
    let mut edits = vec![];
    let mut last = 0;
    let mut wrong = String::new();
    for shown in commands(block) {
        let command = &shown.command;
        let at = format!("line {}: `{command}`", shown.lines.start);
        if command == "echo $?" {
            let expected = shown.output.first().map(String::as_str).unwrap_or_default();
            if expected != last.to_string() {
                wrong += &format!("{at}: the exit code is {last}, not {expected}\n");
            }
            last = 0;
            continue;
        }
        if last != 0 {
            break;
        }
        if not_run(command) {
            continue;
        }
        let (code, text) = run(stage, command);
        last = code;
        let output = normal::lines(shown.output.iter().map(String::as_str));
        let came = normal::lines(text.lines());
        if shown.output.is_empty() || normal::same(&output, &came) {
            continue;
        }
        // What stands behind a first `...` is the end of the output.
        let tail = shown.output.first().is_some_and(|line| line == "...");
        let elisions = output.iter().filter(|line| *line == "...").count();
        if update() && elisions == usize::from(tail) {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            while lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
            if tail {
                lines.drain(..(lines.len() + 1).saturating_sub(shown.output.len()));
                lines.insert(0, "...".to_owned());
            }
            edits.push((shown.lines.clone(), lines));
        } else {
            wrong += &format!("{at}: shown, without what varies:\n");
            wrong += &format!("{}\ncame:\n{}\n", output.join("\n"), came.join("\n"));
        }
    }
    if last != 0 {
        wrong += &format!("line {}: exit code {last}\n", block.start + 1);
    }
    if wrong.is_empty() {
        Ok(edits)
    } else {
        Err(wrong)
    }
}

/// Runs an `sh` block, line by line.
///
/// # Errors
/// A line that ends with another exit code than 0.
pub fn sh(stage: &Stage, block: &Block) -> Result<(), String> {
    for line in block.lines.iter().map(|line| line.trim()) {
        if line.is_empty() || line.starts_with('#') || not_run(line) {
            continue;
        }
        let (code, text) = run(stage, line);
        if code != 0 {
            return Err(format!("`{line}`: exit code {code}\n{text}"));
        }
    }
    Ok(())
}

/// Runs a command to its end: its exit code, and what it printed on both outputs.
pub fn run(stage: &Stage, line: &str) -> (i32, String) {
    let (mut read, write) = std::io::pipe().expect("a pipe");
    let mut command = stage.shell(line);
    command
        .stdout(write.try_clone().expect("a descriptor"))
        .stderr(write);
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{line}: {e}"));
    // The command holds our ends of its outputs.
    drop(command);
    let mut text = String::new();
    read.read_to_string(&mut text)
        .unwrap_or_else(|e| panic!("{line}: {e}"));
    let status = child.wait().expect("our child");
    let code = status
        .code()
        .unwrap_or_else(|| panic!("`{line}`: {status}\n{text}"));
    assert!(!text.contains("panicked at"), "`{line}`:\n{text}");
    // A reader's folder is another.
    let folder = stage.path().display().to_string();
    (code, text.replace(&folder, "/home/student/lab-capture"))
}
