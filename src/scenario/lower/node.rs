//! A value of the file with its place. The getters expect the right type, since the first pass has
//! reported wrong ones, and give nothing otherwise.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::super::check;
use super::super::model::Span;

/// A value with its place.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a>(pub &'a Spanned<DeValue<'a>>);

impl<'a> Node<'a> {
    /// Where it stands; of a `[table]`, its header.
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// Where it stands with all that belongs to it.
    pub fn extent(self) -> Span {
        fn grow(value: &Spanned<DeValue<'_>>, all: &mut Range<usize>) {
            all.start = all.start.min(value.span().start);
            all.end = all.end.max(value.span().end);
            match value.get_ref() {
                DeValue::Array(items) => items.iter().for_each(|v| grow(v, all)),
                DeValue::Table(table) => table.iter().for_each(|(k, v)| {
                    all.start = all.start.min(k.span().start);
                    all.end = all.end.max(k.span().end);
                    grow(v, all);
                }),
                _ => {}
            }
        }
        let mut all = self.span();
        grow(self.0, &mut all);
        all
    }

    /// As text.
    pub fn text(self) -> Option<&'a str> {
        self.0.get_ref().as_str()
    }

    /// As an integer.
    pub fn int(self) -> Option<i64> {
        let number = self.0.get_ref().as_integer()?;
        i64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    /// As an integer of another type.
    pub fn number<T: TryFrom<i64>>(self) -> Option<T> {
        T::try_from(self.int()?).ok()
    }

    /// As a boolean.
    pub fn boolean(self) -> Option<bool> {
        self.0.get_ref().as_bool()
    }

    /// As a duration.
    pub fn duration(self) -> Option<Duration> {
        check::duration(self.text()?).ok()
    }

    /// As a table.
    pub fn table(self) -> Option<&'a DeTable<'a>> {
        self.0.get_ref().as_table()
    }

    /// As a list; nothing otherwise.
    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        self.0
            .get_ref()
            .as_array()
            .into_iter()
            .flat_map(|a| a.iter())
            .map(Node)
    }

    /// Itself if it is a table, those of its items that are if it is a list.
    pub fn one_or_many(self) -> Vec<Node<'a>> {
        match self.0.get_ref() {
            DeValue::Table(_) => vec![self],
            _ => self.items().filter(|n| n.table().is_some()).collect(),
        }
    }

    /// The value of a key.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.table()?.get(key).map(Node)
    }

    /// The keys and values in the order of the file.
    pub fn entries(self) -> Vec<(&'a Spanned<DeString<'a>>, Node<'a>)> {
        let mut all: Vec<_> = self
            .table()
            .into_iter()
            .flat_map(|t| t.iter())
            .map(|(k, v)| (k, Node(v)))
            .collect();
        all.sort_by_key(|(k, _)| k.span().start);
        all
    }

    /// A boolean by its key.
    pub fn bool(self, key: &str) -> Option<bool> {
        self.get(key)?.boolean()
    }

    /// A list of texts by its key; empty if it is not there.
    pub fn texts(self, key: &str) -> Vec<String> {
        self.get(key)
            .into_iter()
            .flat_map(Node::items)
            .filter_map(|n| n.text().map(str::to_owned))
            .collect()
    }

    /// A table of texts, dotted keys joined again, in the order of the file.
    pub fn map(self) -> Vec<(String, String, Span)> {
        let mut out = Vec::new();
        self.flatten("", &mut out);
        out.sort_by_key(|(_, _, span): &(String, String, Span)| span.start);
        out
    }

    fn flatten(self, prefix: &str, out: &mut Vec<(String, String, Span)>) {
        for (key, value) in self.entries() {
            let name = if prefix.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{prefix}.{}", key.get_ref())
            };
            let text = value
                .text()
                .map(str::to_owned)
                .or_else(|| value.int().map(|n| n.to_string()));
            match text {
                Some(text) => out.push((name, text, key.span().start..value.span().end)),
                None => value.flatten(&name, out),
            }
        }
    }
}
