//! What can be checked without running anything: links, and that nothing is forgotten.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use regex::Regex;

use crate::block::{self, DOCUMENTS, blocks, path, read, repository};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("text::links_lead_somewhere", links),
        Trial::test("text::the_course_mentions_every_scenario", every_scenario),
        Trial::test("text::the_two_courses_run_the_same", same_commands),
        Trial::test("text::the_readme_mentions_every_command", every_command),
        Trial::test("text::what_is_shown_of_a_scenario_loads", fragments),
    ]
}

fn result(wrong: String) -> Result<(), Failed> {
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.into())
    }
}

fn links() -> Result<(), Failed> {
    let link = Regex::new(r"\]\(([^)#:]*)(?:#([^)]*))?\)").expect("a pattern");
    let mut wrong = String::new();
    for document in DOCUMENTS {
        let at = path(document);
        let folder = at.parent().expect("a document is in a folder");
        for found in link.captures_iter(&read(document)) {
            let target = match &found[1] {
                "" => at.clone(),
                path => folder.join(path),
            };
            if !target.exists() {
                wrong += &format!("{document}: {} is not there\n", &found[1]);
            } else if let Some(anchor) = found.get(2)
                && !anchors(&target).any(|known| known == anchor.as_str())
            {
                wrong += &format!("{document}: nothing is called {}\n", &found[0]);
            }
        }
    }
    result(wrong)
}

/// `docs/expectations.md` shows parts of scenarios: behind these actors each is a whole one.
fn fragments() -> Result<(), Failed> {
    const ACTORS: &str = r#"
title = "Who the parts speak of"
server = { kind = "select" }
client = [
    { name = "client-1", steps = ["connect", "close"] },
    { name = "first", steps = ["connect", "close"] },
    { name = "second", steps = ["connect", "close"] },
]
"#;
    let document = "docs/expectations.md";
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("part.toml");
    let mut wrong = String::new();
    let parts = blocks(&read(document));
    let parts: Vec<_> = parts.iter().filter(|b| b.language == "toml").collect();
    assert!(!parts.is_empty(), "{document} shows no part of a scenario");
    for part in parts {
        std::fs::write(&path, format!("{ACTORS}{}", part.text()))?;
        if let Err(error) = lab_capture::scenario::load(&path) {
            wrong += &format!("{document}, block at {}:\n{error}\n", part.start + 1);
        }
    }
    result(wrong)
}

/// What GitHub calls the headings of a document.
fn anchors(path: &Path) -> impl Iterator<Item = String> {
    let text = std::fs::read_to_string(path).expect("a document");
    let headings: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let title: String = title.chars().filter(kept).collect();
            title.replace(' ', "-")
        })
        .collect();
    headings.into_iter()
}

/// The names of all scenarios.
fn scenarios() -> Vec<String> {
    let folder = repository().join("scenarios");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("scenarios/ is readable")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() > 40, "scenarios/ holds {names:?} only");
    names
}

fn every_scenario() -> Result<(), Failed> {
    let mut wrong = String::new();
    for document in ["docs/course/en.md", "docs/course/id.md"] {
        let text = read(document);
        let table: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        for name in scenarios() {
            let name = format!("`{name}`");
            if !table.iter().any(|row| row.contains(&name)) {
                wrong += &format!("{document}: {name} is in no table\n");
            }
        }
    }
    result(wrong)
}

/// A translation that lags behind shows here.
fn same_commands() -> Result<(), Failed> {
    let commands = |document| -> Vec<String> {
        let blocks = blocks(&read(document));
        let lines = blocks.iter().flat_map(|block| &block.lines);
        let commands = lines.filter(|line| line.starts_with("$ "));
        commands.cloned().collect()
    };
    let (en, id) = (commands("docs/course/en.md"), commands("docs/course/id.md"));
    match en == id {
        true => Ok(()),
        false => Err(format!("en: {en:#?}\nid: {id:#?}").into()),
    }
}

/// Those that `--help` lists.
fn every_command() -> Result<(), Failed> {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_lab-capture"))
        .arg("-h")
        .output()?;
    let help = String::from_utf8(output.stdout)?;
    let readme = block::read("README.md");
    let names = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    let mut count = 0;
    let mut wrong = String::new();
    for name in names {
        count += 1;
        if !readme.contains(&format!("`lab-capture {name}")) {
            wrong += &format!("README.md: `lab-capture {name}` is not mentioned\n");
        }
    }
    assert!(count > 8, "the help lists {count} commands:\n{help}");
    result(wrong)
}
