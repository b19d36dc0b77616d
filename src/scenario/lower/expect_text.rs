//! `[expect]`: languages within strings, each error at its own place. Flow patterns, regular
//! expressions, bytes.

use regex::bytes::{Regex, RegexBuilder};

use super::super::diagnostic::{Code, Diagnostic};
use super::super::expectation::{FlowText, Wanted};
use super::super::inside::Inside;
use super::super::model::Source;
use super::values::known_bytes;
use super::{Lower, Node};
use crate::flow::pattern::{PatternError, Patterns};

/// Most errors told of one flow pattern.
const MAX_PATTERN_ERRORS: usize = 20;

impl Lower<'_> {
    /// A flow pattern; all of its lines that are none are told.
    pub(super) fn flow(&mut self, source: &Source, node: Node<'_>) -> Option<FlowText> {
        let text = node.text()?;
        let inside = Inside::of(&source.text, node.span(), text);
        let mut rest = text.to_owned();
        for _ in 0..MAX_PATTERN_ERRORS {
            match Patterns::parse(&rest) {
                Ok(patterns) if rest == text => {
                    if patterns.is_empty() {
                        self.says_nothing(node, "no line of a flow", "flow = \"client 5 ...\"");
                        return None;
                    }
                    return Some(FlowText {
                        text: text.to_owned(),
                        patterns,
                        inside,
                    });
                }
                Ok(_) => return None,
                Err(error) => {
                    self.pattern_error(&error, &inside);
                    // The other lines may have errors of their own.
                    rest = without_line(&rest, error.span.start)?;
                }
            }
        }
        None
    }

    fn pattern_error(&mut self, error: &PatternError, inside: &Inside) {
        let (label, help) = match error.message.split_once("; ") {
            Some((label, help)) => (label, Some(help.to_owned())),
            None => (error.message.as_str(), None),
        };
        self.report(
            Diagnostic::new(
                Code::WrongValue,
                inside.place(error.span.clone()),
                "this is no line of a flow",
                label,
            )
            .help_all(help)
            .example("client 5 \"hello\"\nthen server ...\nclose client first"),
        );
    }

    /// Bytes, or a rule for them.
    pub(super) fn wanted(&mut self, source: &Source, node: Node<'_>) -> Option<Wanted> {
        if let Some(bytes) = known_bytes(node) {
            return Some(Wanted::Bytes(bytes));
        }
        if let Some(file) = node.get("file") {
            let folder = self.folder;
            self.there(file, folder, false);
            return Some(Wanted::File(file.text()?.into()));
        }
        if let Some(length) = node.get("pattern") {
            return Some(Wanted::Pattern(length.number()?));
        }
        if let Some(part) = node.get("contains") {
            let bytes = known_bytes(part)?;
            if bytes.is_empty() {
                self.says_nothing(part, "everything contains nothing", "{ contains = \"OK\" }");
                return None;
            }
            return Some(Wanted::Contains(bytes));
        }
        let regex = node.get("regex")?;
        self.regex(source, regex).map(Wanted::Regex)
    }

    /// A regular expression over bytes; `.` is any byte but a line end.
    pub(super) fn regex(&mut self, source: &Source, node: Node<'_>) -> Option<Regex> {
        let text = node.text()?;
        match RegexBuilder::new(text).unicode(false).build() {
            Ok(regex) => Some(regex),
            Err(error) => {
                let (range, label) = explained(text, &error);
                let inside = Inside::of(&source.text, node.span(), text);
                self.report(Diagnostic::new(
                    Code::WrongValue,
                    inside.place(range),
                    "this is no regular expression",
                    label,
                ));
                None
            }
        }
    }
}

/// Where an expression is wrong, and why: the crate draws both, with a caret below a line indented by four.
fn explained(text: &str, error: &regex::Error) -> (std::ops::Range<usize>, String) {
    let drawn = error.to_string();
    let reason = drawn.lines().find_map(|line| line.strip_prefix("error: "));
    let mut caret = drawn
        .lines()
        .filter(|line| line.contains('^') && line.trim_matches(['^', ' ']).is_empty());
    let place = caret
        .next_back()
        .filter(|_| !text.contains('\n'))
        .map(|line| {
            let column = |at: Option<usize>| at.unwrap_or(4).saturating_sub(4);
            let (start, end) = (column(line.find('^')), column(line.rfind('^')) + 1);
            let offset = |column| {
                text.char_indices()
                    .nth(column)
                    .map_or(text.len(), |(at, _)| at)
            };
            offset(start)..offset(end)
        });
    let reason = reason.unwrap_or("it cannot be compiled").to_owned();
    (place.unwrap_or(0..text.len()), reason)
}

/// The text with the line at `at` made a comment of the same length, so that places stay.
fn without_line(text: &str, at: usize) -> Option<String> {
    let at = at.min(text.len());
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    if start == end {
        return None;
    }
    let blank = "#".repeat(end - start);
    let left = format!("{}{blank}{}", &text[..start], &text[end..]);
    (left != text).then_some(left)
}
