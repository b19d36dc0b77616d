//! A document from its first block to its last, in one folder, as a reader would go through it.

use std::collections::BTreeMap;

use lab_capture::scenario;
use libtest_mimic::{Failed, Trial};

use crate::block::{self, Block, DOCUMENTS, Edit};
use crate::console;
use crate::machine::on_a_machine_of_its_own;
use crate::stage::Stage;
use crate::terminal::Terminal;
use crate::update;

/// One for each document.
pub fn trials() -> Vec<Trial> {
    DOCUMENTS
        .into_iter()
        .map(|document| {
            Trial::test(format!("document::{document}"), move || {
                on_a_machine_of_its_own(|| go_through(document))
            })
        })
        .collect()
}

fn go_through(document: &'static str) -> Result<(), Failed> {
    let stage = Stage::new();
    let mut terminals = BTreeMap::new();
    let mut edits: Vec<Edit> = vec![];
    let mut wrong = String::new();
    for block in block::blocks(&block::read(document)) {
        let done = match (block.language.as_str(), block.attribute("terminal")) {
            ("console", Some(name)) => {
                session(&stage, &mut terminals, name, &block);
                Ok(vec![])
            }
            ("console", None) => console::console(&stage, &block),
            ("sh", _) => console::sh(&stage, &block).map(|()| vec![]),
            ("toml", _) => toml(&stage, &block).map(|()| vec![]),
            ("yaml", _) => yaml(&stage, &block).map(|()| vec![]),
            (_, _) => {
                if let Some(name) = block.attribute("file") {
                    stage.write(name, &block.text());
                }
                Ok(vec![])
            }
        };
        match done {
            Ok(more) => edits.extend(more),
            Err(error) => wrong += &format!("{document}, block at {}:\n{error}\n", block.start + 1),
        }
    }
    for (name, terminal) in terminals {
        wrong += &format!(
            "{document}: terminal {name} is left open: `{}`\n",
            terminal.line
        );
    }
    if update() && !edits.is_empty() {
        block::rewrite(document, edits);
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.into())
    }
}

/// Goes on with a terminal, or opens it.
fn session(stage: &Stage, terminals: &mut BTreeMap<String, Terminal>, name: &str, block: &Block) {
    let mut ending = false;
    for line in &block.lines {
        if let Some(command) = line.strip_prefix("$ ") {
            let before = terminals.insert(name.to_owned(), Terminal::open(stage, command));
            assert!(before.is_none(), "terminal {name} is busy");
            continue;
        }
        let terminal = terminals
            .get_mut(name)
            .unwrap_or_else(|| panic!("nothing runs in terminal {name}"));
        let typed = line.split_once('←').map(|(typed, _)| typed.trim_end());
        match typed.unwrap_or(line) {
            key @ ("^C" | "^D") => {
                terminal.key(key);
                ending = true;
            }
            text if typed.is_some() => terminal.types(text),
            text => terminal.shows(text),
        }
    }
    if ending && let Some(terminal) = terminals.remove(name) {
        terminal.ends();
    }
}

/// A scenario: it loads, and unless it says `load`, runs.
fn toml(stage: &Stage, block: &Block) -> Result<(), String> {
    let file = block.attribute("file").unwrap_or("example.toml");
    let path = stage.write(file, &block.text());
    scenario::load(&path).map_err(|e| e.to_string())?;
    if block.has("load") || block.attribute("file").is_some() {
        return Ok(());
    }
    let (code, text) = console::run(stage, &format!("lab-capture --accept {file}"));
    if code == 0 {
        Ok(())
    } else {
        Err(format!("exit code {code}\n{text}"))
    }
}

/// The steps of a CI configuration that call the program.
fn yaml(stage: &Stage, block: &Block) -> Result<(), String> {
    for line in &block.lines {
        let Some((_, command)) = line.split_once("run: ") else {
            continue;
        };
        if !command.contains("lab-capture scenarios") {
            continue;
        }
        let (code, text) = console::run(stage, command);
        if code != 0 {
            return Err(format!("`{command}`: exit code {code}\n{text}"));
        }
    }
    Ok(())
}
