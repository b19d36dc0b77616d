//! A Markdown document as its fenced blocks.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// The documents, from the repository's top.
pub const DOCUMENTS: [&str; 5] = [
    "README.md",
    "docs/course/en.md",
    "docs/course/id.md",
    "docs/scenario.md",
    "docs/json.md",
];

/// A fenced block.
#[derive(Debug, Clone)]
pub struct Block {
    /// The word behind the fence: `console`.
    pub language: String,
    /// What follows it: `file=hello.toml`.
    pub attributes: Vec<String>,
    /// The lines between the fences.
    pub lines: Vec<String>,
    /// Index of the first of them in the document, from 0.
    pub start: usize,
}

impl Block {
    /// The value of `name=value`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find_map(|a| a.strip_prefix(name)?.strip_prefix('='))
    }

    /// Is this word there?
    pub fn has(&self, word: &str) -> bool {
        self.attributes.iter().any(|a| a == word)
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where a document stands.
pub fn path(document: &str) -> PathBuf {
    repository().join(document)
}

/// A document's text.
pub fn read(document: &str) -> String {
    let path = path(document);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Its fenced blocks, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = vec![];
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                open = Some(Block {
                    language: words.next().unwrap_or_default(),
                    attributes: words.collect(),
                    lines: vec![],
                    start: number + 1,
                });
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed: {open:?}");
    blocks
}

/// Lines of a document that are to be others.
pub type Edit = (Range<usize>, Vec<String>);

/// Writes the edits into the document.
pub fn rewrite(document: &str, mut edits: Vec<Edit>) {
    let mut lines: Vec<String> = read(document).lines().map(str::to_owned).collect();
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    for (range, with) in edits {
        lines.splice(range, with);
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(path(document), text).unwrap_or_else(|e| panic!("{document}: {e}"));
}
