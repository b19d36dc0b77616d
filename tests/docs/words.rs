//! The tables of `docs/scenario.md` are those of the reader: every word of a scenario file, what it
//! may be, what it means, an example. `DOCS=update` writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lab_capture::scenario::words::{
    ERRNOS, FILE, FLAGS, FRAME_FAULTS, Key, Shape, Table, Tagged, Word,
};
use libtest_mimic::{Failed, Trial};

use crate::block::{self, Edit};
use crate::update;

const DOCUMENT: &str = "docs/scenario.md";

/// One.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test("words::docs/scenario.md", tables)]
}

fn tables() -> Result<(), Failed> {
    let mut found = Found::default();
    found.table(&FILE);
    for (name, words) in [("errors", ERRNOS), ("flags", FLAGS)] {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        found.tables.insert(name.to_owned(), words.join(" "));
    }
    let faults = keys(FRAME_FAULTS, &[]);
    found.tables.insert("faults".to_owned(), faults);
    let text = block::read(DOCUMENT);
    let lines: Vec<&str> = text.lines().collect();
    let mut edits: Vec<Edit> = vec![];
    let mut wrong = String::new();
    for (name, table) in &found.tables {
        let marker = format!("<!-- words: {name} -->");
        let Some(start) = lines.iter().position(|line| *line == marker) else {
            wrong += &format!("{DOCUMENT} has no place for `{name}`: {marker}\n");
            continue;
        };
        let length = lines[start..].iter().position(|l| *l == "<!-- end -->");
        let end = start + length.ok_or_else(|| format!("{marker} has no <!-- end -->"))?;
        let new: Vec<String> = table.lines().map(str::to_owned).collect();
        if lines[start + 1..end] != new {
            edits.push((start + 1..end, new));
        }
    }
    for line in lines.iter().filter_map(|l| l.strip_prefix("<!-- words: ")) {
        let name = line.trim_end_matches(" -->");
        if !found.tables.contains_key(name) {
            wrong += &format!("{DOCUMENT}: `{name}` is nothing that a file may hold\n");
        }
    }
    if update() {
        block::rewrite(DOCUMENT, edits);
    } else if !edits.is_empty() {
        wrong += "the tables are not those of src/scenario/words: DOCS=update writes them\n";
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.into())
    }
}

/// Every table of words, by name, as Markdown.
#[derive(Default)]
struct Found {
    tables: BTreeMap<String, String>,
}

impl Found {
    fn table(&mut self, table: &Table) {
        if self.tables.contains_key(table.what) {
            return;
        }
        self.tables
            .insert(table.what.to_owned(), keys(&[], table.keys));
        table.keys.iter().for_each(|key| self.key(key));
    }

    fn tagged(&mut self, tagged: &Tagged) {
        let mut text = keys(tagged.words, tagged.tags);
        if !tagged.options.is_empty() {
            let _ = write!(text, "\nBeside it:\n\n{}", keys(&[], tagged.options));
        }
        let known = self.tables.entry(tagged.what.to_owned()).or_default();
        if *known == text {
            return;
        }
        // Where one kind is part of another, the larger is told.
        if known.len() < text.len() {
            *known = text;
        }
        let all = tagged.tags.iter().chain(tagged.options);
        all.for_each(|key| self.key(key));
    }

    fn key(&mut self, key: &Key) {
        if let Some(words) = fixed(key.shape) {
            let text = keys(words, &[]);
            let known = self.tables.entry(key.name.to_owned());
            let known = known.or_insert_with(|| text.clone());
            assert_eq!(*known, text, "two keys `{}` take different words", key.name);
        }
        self.shape(key.shape);
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::List(of) | Shape::Map(of) => self.shape(of),
            Shape::Table(table) | Shape::OneOrMany(table) => self.table(table),
            Shape::Tagged(tagged) => self.tagged(tagged),
            Shape::Any(shapes) => shapes.iter().for_each(|shape| self.shape(shape)),
            Shape::Bool
            | Shape::True
            | Shape::False
            | Shape::Int { .. }
            | Shape::Text
            | Shape::Form(_)
            | Shape::Words(_) => {}
        }
    }
}

/// The words that a value is one of, or a list of.
fn fixed(shape: &Shape) -> Option<&'static [Word]> {
    match shape {
        Shape::Words(words) => Some(words),
        Shape::List(of) => fixed(of),
        _ => None,
    }
}

/// Words, then keys, as Markdown tables.
fn keys(words: &[Word], keys: &[Key]) -> String {
    let mut text = String::new();
    if !words.is_empty() {
        text += "| word | meaning |\n|---|---|\n";
    }
    for word in words {
        let _ = writeln!(text, "| `\"{}\"` | {} |", word.word, cell(word.doc));
    }
    if !words.is_empty() && !keys.is_empty() {
        text += "\n";
    }
    if !keys.is_empty() {
        text += "| key | takes | meaning | for example |\n|---|---|---|---|\n";
    }
    for key in keys {
        let example: Vec<String> = key
            .example
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| format!("`{}`", cell(line)))
            .collect();
        let takes = match key.shape {
            Shape::Words(_) => format!("one of [these](#{})", anchor(key.name)),
            Shape::List(Shape::Words(_)) => format!("a list of [these](#{})", anchor(key.name)),
            shape => shape.describe(),
        };
        let required = if key.required { "; required" } else { "" };
        let _ = writeln!(
            text,
            "| **`{}`** | {}{required} | {} | {} |",
            key.name,
            cell(&takes),
            cell(key.doc),
            example.join("<br>"),
        );
    }
    text
}

/// GitHub's anchor of a heading `### NAME`.
fn anchor(name: &str) -> String {
    name.replace(' ', "-")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
