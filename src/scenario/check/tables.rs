//! Tables against their words: unknown keys, missing keys, exactly one action.

use toml::Spanned;
use toml::de::{DeString, DeTable};

use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::Span;
use super::super::words::{Key, Table, Tagged, one_of};
use super::{Checker, Place, shorten};

impl Checker {
    /// A table whose keys are known.
    pub fn table(&mut self, found: &DeTable<'_>, span: Span, table: &Table) {
        let mut unknown = false;
        for (key, value) in found.iter() {
            match table.keys.iter().find(|k| k.name == key.get_ref()) {
                Some(known) => self.value(value, known.shape, known.place()),
                None => {
                    unknown = true;
                    self.unknown_key(key, table.what, table.keys.iter());
                }
            }
        }
        // A misspelt key is not also a missing one.
        for key in table.keys.iter().filter(|k| k.required && !unknown) {
            if !found.contains_key(key.name) {
                self.found.push(
                    Diagnostic::new(
                        Code::Missing,
                        span.clone(),
                        format!("`{}` needs `{}`", table.what, key.name),
                        format!("`{}` is missing", key.name),
                    )
                    .example(table.example),
                );
            }
        }
    }

    /// A table with exactly one of the tags.
    pub(super) fn tagged(&mut self, found: &DeTable<'_>, span: Span, tagged: &Tagged) {
        let mut tags: Vec<&Spanned<DeString<'_>>> = Vec::new();
        let mut unknown = false;
        for (key, value) in found.iter() {
            let name = key.get_ref();
            if let Some(known) = tagged.tags.iter().find(|k| k.name == name) {
                tags.push(key);
                self.value(value, known.shape, known.place());
            } else if let Some(known) = tagged.options.iter().find(|k| k.name == name) {
                self.value(value, known.shape, known.place());
            } else {
                unknown = true;
                self.unknown_key(key, tagged.what, tagged.tags.iter().chain(tagged.options));
            }
        }
        tags.sort_by_key(|t| t.span().start);
        match tags.as_slice() {
            [_] => {}
            [] if unknown => {}
            [] => self.found.push(
                Diagnostic::new(
                    Code::Missing,
                    span,
                    format!("this table is no {}", tagged.what),
                    format!(
                        "needs one of {}",
                        one_of(tagged.tags.iter().map(|k| k.name))
                    ),
                )
                .example(tagged.example),
            ),
            [first, second, ..] => self.found.push(
                Diagnostic::new(
                    Code::Conflict,
                    second.span(),
                    format!(
                        "one {} cannot be both `{}` and `{}`",
                        tagged.what,
                        first.get_ref(),
                        second.get_ref()
                    ),
                    "the second",
                )
                .context(first.span(), "the first")
                .help(format!(
                    "write two: {{ {} = … }}, {{ {} = … }}",
                    first.get_ref(),
                    second.get_ref()
                )),
            ),
        }
    }

    /// The word form of a tagged value.
    pub(super) fn tagged_word(
        &mut self,
        text: &str,
        span: Span,
        tagged: &Tagged,
        place: Place<'_>,
    ) {
        if tagged.words.iter().any(|w| w.word == text) {
            return;
        }
        if let Some(tag) = tagged.tags.iter().find(|k| k.name == text) {
            self.found.push(
                Diagnostic::new(
                    Code::Missing,
                    span,
                    format!("the {} `{text}` needs to say what", tagged.what),
                    "a table is needed here",
                )
                .example(tag.example),
            );
            return;
        }
        let words = tagged.words.iter().map(|w| w.word);
        let tags = tagged.tags.iter().map(|k| k.name);
        let mut all: Vec<&str> = words.chain(tags).collect();
        all.sort_unstable();
        all.dedup();
        let diagnostic = Diagnostic::new(
            Code::UnknownWord,
            span,
            if place.key == tagged.what {
                format!("`{}` cannot be `{}`", place.key, shorten(text))
            } else {
                format!("there is no {} `{}`", tagged.what, shorten(text))
            },
            "unknown",
        )
        .help_words(text, "there are", &all);
        self.found.push(diagnostic.example(tagged.example));
    }

    fn unknown_key<'w>(
        &mut self,
        key: &Spanned<DeString<'_>>,
        what: &str,
        keys: impl Iterator<Item = &'w Key>,
    ) {
        let names: Vec<&str> = keys.map(|k| k.name).collect();
        self.found.push(
            Diagnostic::new(
                Code::UnknownWord,
                key.span(),
                format!("unknown key `{}` in `{what}`", shorten(key.get_ref())),
                "unknown key",
            )
            .help_words(key.get_ref(), "the keys are", &names),
        );
    }
}

impl Key {
    fn place(&self) -> Place<'_> {
        Place {
            key: self.name,
            example: self.example,
        }
    }
}
