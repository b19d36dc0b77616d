//! What stands between the brackets of a slice.

use std::ops::Range;

use super::ast::Slice;
use super::error::FilterError;
use super::literal::unsigned;

type Result<T> = std::result::Result<T, FilterError>;

/// `0:3` (start and length), `1-3` (first and last), `:3`, `3:`, `3`; negative starts count from
/// the end.
pub(super) fn slice(text: &str, span: Range<usize>) -> Result<Slice> {
    let wrong = |message: &str| {
        let help = "[start:length], [first-last], [:length], [start:] or [index]";
        FilterError::new(span.clone(), message).help(help)
    };
    let text = text.trim();
    if text.contains(',') {
        return Err(wrong("a slice of several parts is not supported"));
    }
    let number = |text: &str| -> Result<i64> {
        let text = text.trim();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        let n = unsigned(digits).and_then(|n| i32::try_from(n).ok());
        n.map(|n| i64::from(n) * sign)
            .ok_or_else(|| wrong("not a slice"))
    };
    let length = |text: &str| -> Result<usize> {
        match number(text)? {
            n if n > 0 => Ok(n as usize),
            _ => Err(wrong("the length of a slice is 1 or more")),
        }
    };
    if let Some((start, len)) = text.split_once(':') {
        let start = if start.trim().is_empty() {
            0
        } else {
            number(start)?
        };
        let len = if len.trim().is_empty() {
            None
        } else {
            Some(length(len)?)
        };
        return Ok(Slice { start, len });
    }
    // A minus at the start is a sign, a later one stands between first and last.
    if let Some((first, last)) = text.get(1..).and_then(|rest| rest.split_once('-')) {
        let first = number(&text[..1 + first.len()])?;
        let last = number(last)?;
        if (first < 0) != (last < 0) || last <= first {
            return Err(wrong("the last byte must come after the first"));
        }
        return Ok(Slice {
            start: first,
            len: Some((last - first) as usize + 1),
        });
    }
    Ok(Slice {
        start: number(text)?,
        len: Some(1),
    })
}
