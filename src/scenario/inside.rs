//! From the inside of a TOML string to its place in the file: languages within strings (flow
//! patterns, display filters, regular expressions) have errors of their own, with carets of their own.

use std::ops::Range;

use super::model::Span;

/// For each byte of a string's value, where it stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inside {
    /// Offsets in the file, one for each byte of the value, and the place behind the last.
    at: Vec<usize>,
    whole: Span,
}

impl Inside {
    /// `span` is the string with its quotes in `file`, `value` what TOML makes of it. Where the two
    /// do not go together the places are those of the whole string.
    pub fn of(file: &str, span: Span, value: &str) -> Inside {
        let at = file
            .get(span.clone())
            .and_then(|raw| places(raw, span.start, value))
            .unwrap_or_default();
        Inside { at, whole: span }
    }

    /// The place in the file of a range of the value.
    pub fn place(&self, range: Range<usize>) -> Span {
        match (self.at.get(range.start), self.at.get(range.end)) {
            // An empty place is shown as the character at it.
            (Some(&start), Some(&end)) if start < end => start..end,
            (Some(&start), Some(_)) => start..start + 1,
            _ => self.whole.clone(),
        }
    }
}

fn places(raw: &str, start: usize, value: &str) -> Option<Vec<usize>> {
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let triple = quote.to_string().repeat(3);
    let many = raw.starts_with(&triple) && raw.len() >= 6;
    let mut at = if many { 3 } else { 1 };
    let end = raw.len().checked_sub(at)?;
    if many {
        // A line end right behind the quotes is no part of the value.
        at += match raw.get(at..)? {
            rest if rest.starts_with("\r\n") => 2,
            rest if rest.starts_with('\n') => 1,
            _ => 0,
        };
    }
    let mut all = Vec::with_capacity(value.len() + 1);
    let mut rest = value;
    while at < end {
        let source = raw.get(at..end)?;
        let c = source.chars().next()?;
        // How many bytes of the file, and of the value, belong together.
        let (length, made) = match c {
            '\\' if quote == '"' => escape(source)?,
            '\r' if source.starts_with("\r\n") && !rest.starts_with('\r') => (2, 1),
            c => (c.len_utf8(), c.len_utf8()),
        };
        if made > rest.len() || !rest.is_char_boundary(made) {
            return None;
        }
        if length == made {
            all.extend((0..made).map(|i| start + at + i));
        } else {
            all.extend(std::iter::repeat_n(start + at, made));
        }
        rest = &rest[made..];
        at += length;
    }
    all.push(start + end);
    rest.is_empty().then_some(all)
}

/// The lengths of an escape in the file and of what it makes.
fn escape(source: &str) -> Option<(usize, usize)> {
    let hex = |digits: usize| {
        let code = u32::from_str_radix(source.get(2..2 + digits)?, 16).ok()?;
        Some((2 + digits, char::from_u32(code)?.len_utf8()))
    };
    match source.as_bytes().get(1)? {
        b'x' => hex(2),
        b'u' => hex(4),
        b'U' => hex(8),
        b' ' | b'\t' | b'\r' | b'\n' => {
            // A line continued: the line end and the blanks of the next lines are nothing.
            let blank = source[1..].len() - source[1..].trim_start().len();
            Some((1 + blank, 0))
        }
        _ => Some((2, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::Inside;

    fn check(literal: &str, part: &str, shown: &str) {
        let file = format!("key = {literal}\n");
        let table: toml::Table = file.parse().unwrap();
        let value = table["key"].as_str().unwrap();
        let inside = Inside::of(&file, 6..6 + literal.len(), value);
        let start = value.find(part).unwrap();
        let place = inside.place(start..start + part.len());
        assert_eq!(&file[place], shown, "{literal}");
    }

    #[test]
    fn every_kind_of_string() {
        check("\"one two\"", "two", "two");
        check("'one \\two'", "\\two", "\\two");
        check("\"a \\\"b\\\" c\"", "c", "c");
        check("\"a \\\"b\\\" c\"", "\"b\"", "\\\"b\\\"");
        check("\"\"\"\none\n  two\n\"\"\"", "two", "two");
        check("'''\none\ntwo'''", "two", "two");
        check("\"\\u00e9\\x41 two\"", "two", "two");
        check("\"é two\"", "two", "two");
        check("\"\"\"one \\\n    two\"\"\"", "two", "two");
    }

    #[test]
    fn what_does_not_fit_is_the_whole() {
        let inside = Inside::of("key = \"abc\"", 6..11, "other");
        assert_eq!(inside.place(0..1), 6..11);
        assert_eq!(Inside::of("", 3..9, "x").place(0..1), 3..9);
    }
}
