//! The first pass: does every value have the shape that the tables of words give it?
//! Walks the whole file and collects every deviation with its place.

mod forms;
mod tables;

pub use forms::{address, duration, flags, hex};

use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::{Code, Diagnostic};
use super::model::Span;
use super::words::{Shape, Word, all_of, one_of};

/// So many words are shown even when it is clear which was meant.
const FEW: usize = 12;

/// Deepest nesting of steps.
const MAX_DEPTH: usize = 16;

/// Where a value stands: for messages.
#[derive(Clone, Copy)]
pub struct Place<'p> {
    /// Its key, as in "`listen` must be…".
    pub key: &'p str,
    /// The right form.
    pub example: &'p str,
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub struct Checker {
    /// What was wrong, in no order.
    pub found: Vec<Diagnostic>,
    depth: usize,
}

impl Checker {
    /// Compares a value with its shape.
    pub fn value(&mut self, value: &Spanned<DeValue<'_>>, shape: &Shape, place: Place<'_>) {
        if self.depth >= MAX_DEPTH {
            self.found.push(Diagnostic::new(
                Code::WrongValue,
                value.span(),
                format!("`{}` is nested too deep", place.key),
                format!("more than {MAX_DEPTH} levels"),
            ));
            return;
        }
        self.depth += 1;
        self.shape(value, shape, place);
        self.depth -= 1;
    }

    fn shape(&mut self, value: &Spanned<DeValue<'_>>, shape: &Shape, place: Place<'_>) {
        match (shape, value.get_ref()) {
            (Shape::Any(shapes), inner) => match shapes.iter().find(|s| takes(s, inner)) {
                Some(shape) => self.shape(value, shape, place),
                None => self.wrong_type(value, shape, place),
            },
            (Shape::Bool, DeValue::Boolean(_)) | (Shape::Text, DeValue::String(_)) => {}
            (Shape::True, DeValue::Boolean(true)) | (Shape::False, DeValue::Boolean(false)) => {}
            (Shape::Int { min, max }, DeValue::Integer(number)) => {
                let found = i64::from_str_radix(number.as_str(), number.radix()).ok();
                if !found.is_some_and(|n| (*min..=*max).contains(&n)) {
                    self.found.push(
                        Diagnostic::new(
                            Code::WrongValue,
                            value.span(),
                            format!("`{}` must be {}", place.key, shape.describe()),
                            "out of bounds",
                        )
                        .example(place.example),
                    );
                }
            }
            (Shape::Form(form), DeValue::String(text)) => {
                if let Err(reason) = form.check(text) {
                    self.found.push(
                        Diagnostic::new(
                            Code::WrongValue,
                            value.span(),
                            format!("`{}` must be {}", place.key, form.describe()),
                            reason.label,
                        )
                        .help_all(reason.help)
                        .example(place.example),
                    );
                }
            }
            (Shape::Words(words), DeValue::String(text)) => {
                self.word(text, value.span(), words, place)
            }
            (Shape::Tagged(tagged), DeValue::String(text)) if !tagged.words.is_empty() => {
                self.tagged_word(text, value.span(), tagged, place)
            }
            (Shape::Tagged(tagged), DeValue::Table(table)) => {
                self.tagged(table, value.span(), tagged)
            }
            (Shape::List(of), DeValue::Array(items)) => {
                for item in items.iter() {
                    self.value(item, of, place);
                }
            }
            (Shape::OneOrMany(table), DeValue::Table(found)) => {
                self.table(found, value.span(), table)
            }
            (Shape::OneOrMany(table), DeValue::Array(items)) => {
                for item in items.iter() {
                    match item.get_ref() {
                        DeValue::Table(found) => self.table(found, item.span(), table),
                        _ => self.wrong_type(item, shape, place),
                    }
                }
            }
            (Shape::Table(table), DeValue::Table(found)) => self.table(found, value.span(), table),
            (Shape::Map(of), DeValue::Table(found)) => {
                for (_, inner) in found.iter() {
                    // Dotted keys make tables in tables.
                    let shape = match inner.get_ref() {
                        DeValue::Table(_) => shape,
                        _ => of,
                    };
                    self.value(inner, shape, place);
                }
            }
            _ => self.wrong_type(value, shape, place),
        }
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, shape: &Shape, place: Place<'_>) {
        let mut diagnostic = Diagnostic::new(
            Code::WrongValue,
            value.span(),
            format!("`{}` must be {}", place.key, shape.describe()),
            format!("this is {}", type_of(value.get_ref())),
        );
        // The commonest slips have an answer of their own.
        if let (DeValue::String(text), true) = (value.get_ref(), takes_type(shape, "integer"))
            && text.trim().parse::<i64>().is_ok()
        {
            diagnostic =
                diagnostic.help(format!("write it without quotation marks: {}", text.trim()));
        }
        self.found.push(diagnostic.example(place.example));
    }

    fn word(&mut self, text: &str, span: Span, words: &[Word], place: Place<'_>) {
        if words.iter().any(|w| w.word == text) {
            return;
        }
        let all: Vec<&str> = words.iter().map(|w| w.word).collect();
        self.found.push(
            Diagnostic::new(
                Code::UnknownWord,
                span,
                format!("`{}` cannot be `{}`", place.key, shorten(text)),
                "not one of its words",
            )
            .help_words(text, "it is", &all),
        );
    }
}

impl Diagnostic {
    /// Adds a way out if there is one.
    pub(super) fn help_all(mut self, help: Option<String>) -> Self {
        self.help.extend(help);
        self
    }

    /// The nearest word, and all of them unless they are many and one is near.
    pub(super) fn help_words(self, text: &str, are: &str, all: &[&str]) -> Self {
        let near = nearest(text, all.iter().copied());
        let list = near.is_none() || all.len() <= FEW;
        self.help_all(near)
            .help_all(list.then(|| format!("{are} {}", list_of(are, all))))
    }
}

fn list_of(are: &str, all: &[&str]) -> String {
    let words = all.iter().copied();
    if are.ends_with("are") {
        all_of(words)
    } else {
        one_of(words)
    }
}

/// Text short enough for a message.
pub fn shorten(text: &str) -> String {
    let mut out: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}

/// "did you mean `send`?", if a word is near enough.
pub fn nearest<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    // Comparing costs the product of the lengths.
    if text.chars().count() > 64 {
        return None;
    }
    let lower = text.to_lowercase().replace('_', "-");
    words
        .into_iter()
        .map(|w| {
            (
                strsim::damerau_levenshtein(&lower, &w.to_lowercase().replace('_', "-")),
                w,
            )
        })
        .filter(|(distance, w)| *distance <= 1.max(w.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, w)| format!("did you mean `{w}`?"))
}

/// Can a value of this type have that shape?
fn takes(shape: &Shape, value: &DeValue<'_>) -> bool {
    match (shape, value) {
        (Shape::True, DeValue::Boolean(b)) => *b,
        (Shape::False, DeValue::Boolean(b)) => !*b,
        (Shape::Tagged(tagged), DeValue::String(_)) => !tagged.words.is_empty(),
        _ => takes_type(
            shape,
            type_of(value)
                .trim_start_matches("an ")
                .trim_start_matches("a "),
        ),
    }
}

fn takes_type(shape: &Shape, name: &str) -> bool {
    match shape {
        Shape::Bool | Shape::True | Shape::False => name == "boolean",
        Shape::Int { .. } => name == "integer",
        Shape::Text | Shape::Form(_) | Shape::Words(_) => name == "text",
        Shape::List(_) => name == "list",
        Shape::OneOrMany(_) => name == "list" || name == "table",
        Shape::Table(_) | Shape::Map(_) => name == "table",
        Shape::Tagged(_) => name == "table" || name == "text",
        Shape::Any(shapes) => shapes.iter().any(|s| takes_type(s, name)),
    }
}

/// The type of a value in words.
fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
