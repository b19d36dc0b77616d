//! Every word that a scenario file may hold, in tables: the reader, its messages and the JSON
//! Schema are made from them, so that they cannot tell three stories.

mod expect;
mod facts;
mod file;
mod step;
mod values;

pub use file::FILE;
pub use step::STEP;
pub use values::{ERRNOS, FLAGS, FRAME_FAULTS};

/// A word of a fixed set, and what it means.
#[derive(Debug)]
pub struct Word {
    /// As written in the file.
    pub word: &'static str,
    /// A sentence for people.
    pub doc: &'static str,
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// As written in the file.
    pub name: &'static str,
    /// What its value may be.
    pub shape: &'static Shape,
    /// Must it be there?
    pub required: bool,
    /// A sentence for people.
    pub doc: &'static str,
    /// The right form, shown when it is wrong.
    pub example: &'static str,
}

/// A table whose keys are known.
#[derive(Debug)]
pub struct Table {
    /// What it is, in messages: `[server]`.
    pub what: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// A right one.
    pub example: &'static str,
}

/// Externally tagged: a word, or a table with exactly one of `tags`, besides `options`.
#[derive(Debug)]
pub struct Tagged {
    /// What it is, in messages: `step`.
    pub what: &'static str,
    /// The words that need no table.
    pub words: &'static [Word],
    /// The keys of which exactly one must be there.
    pub tags: &'static [Key],
    /// The keys that may stand beside it.
    pub options: &'static [Key],
    /// Right ones.
    pub example: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// `true` or `false`
    Bool,
    /// `true`: the argument of a step that has none.
    True,
    /// `false`: an option that can be switched off.
    False,
    /// An integer within bounds, both included.
    Int {
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
    /// Any text.
    Text,
    /// Text that follows a rule.
    Form(Form),
    /// One of these words.
    Words(&'static [Word]),
    /// An array.
    List(&'static Shape),
    /// A table, or an array of them: `[server]` or `[[server]]`.
    OneOrMany(&'static Table),
    /// A table with known keys.
    Table(&'static Table),
    /// A table with any keys, tables in it read as dotted keys.
    Map(&'static Shape),
    /// A word or a table with one tag.
    Tagged(&'static Tagged),
    /// One of these, told apart by the type of the TOML value.
    Any(&'static [Shape]),
}

/// Rules for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `500ms`, `2s`
    Duration,
    /// `127.0.0.1:5000`, `[::1]:5000`
    Address,
    /// A server's name or an address.
    Target,
    /// Pairs of hexadecimal digits, blanks between them allowed.
    Hex,
    /// The name of an errno, `EPIPE`, or a fault of a message, `cut-off`.
    Fault,
    /// The name of an actor: letters, digits, `-`, `_`, `.`.
    Name,
    /// A file's path, not empty.
    Path,
    /// TCP flags: `FIN,ACK`.
    Flags,
}

impl Shape {
    /// What it is, for messages: `text`, `an integer from 1 to 5`.
    pub fn describe(&self) -> String {
        match self {
            Shape::Bool => "true or false".into(),
            Shape::True => "true".into(),
            Shape::False => "false".into(),
            Shape::Int { min, max } => match (*min, *max) {
                (i64::MIN, i64::MAX) => "an integer".into(),
                (min, i64::MAX) => format!("an integer, at least {min}"),
                (min, max) => format!("an integer from {min} to {max}"),
            },
            Shape::Text => "text".into(),
            Shape::Form(form) => form.describe().into(),
            Shape::Words(words) => one_of(words.iter().map(|w| w.word)),
            Shape::List(of) => match of {
                Shape::Tagged(tagged) if tagged.words.is_empty() => {
                    format!(
                        "a table with {}",
                        one_of(tagged.tags.iter().map(|k| k.name))
                    )
                }
                Shape::Tagged(tagged) => format!("a list of {}s", tagged.what),
                Shape::Text | Shape::Form(_) => "a list of texts".into(),
                _ => "a list".into(),
            },
            Shape::OneOrMany(table) => format!("a table `[{0}]` or tables `[[{0}]]`", table.what),
            Shape::Table(_) | Shape::Map(_) => "a table".into(),
            Shape::Tagged(tagged) if tagged.words.is_empty() => {
                format!(
                    "a table with {}",
                    one_of(tagged.tags.iter().map(|k| k.name))
                )
            }
            Shape::Tagged(tagged) => format!("a {} (a word or a table)", tagged.what),
            Shape::Any(shapes) => {
                let parts: Vec<String> = shapes.iter().map(Shape::describe).collect();
                parts.join(", or ")
            }
        }
    }
}

impl Form {
    /// What it is, for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Form::Duration => "a duration as text, such as \"500ms\" or \"2s\"",
            Form::Address => "an address with a port, such as \"127.0.0.1:5000\"",
            Form::Target => "a server's name, or an address with a port such as \"127.0.0.1:5000\"",
            Form::Hex => "pairs of hexadecimal digits, such as \"00ff\"",
            Form::Fault => "the name of an error, such as \"EPIPE\", or \"cut-off\"",
            Form::Name => "made of letters, digits, `-`, `_` and `.`",
            Form::Path => "a path as text",
            Form::Flags => "TCP flags, such as \"FIN,ACK\"",
        }
    }
}

/// "`a`, `b` or `c`".
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    listed(words, "or")
}

/// "`a`, `b` and `c`".
pub fn all_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    listed(words, "and")
}

fn listed<'a>(words: impl IntoIterator<Item = &'a str>, last_by: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {last_by} {last}", rest.join(", ")),
    }
}
