//! The few styles that the terminal report uses, and how to measure and cut plain text.

use anstyle::{AnsiColor, Color, Style};

use crate::tcp::{Analysis, Seg};
use crate::wire::Flags;

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

pub(super) const PLAIN: Style = Style::new();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = colour(AnsiColor::Green);
pub(super) const BAD: Style = colour(AnsiColor::Red);
pub(super) const ODD: Style = colour(AnsiColor::Yellow);
pub(super) const DATA: Style = colour(AnsiColor::Cyan);
pub(super) const END: Style = colour(AnsiColor::Magenta);

/// `text` between the style's codes; plain text gets none.
pub(super) fn paint(style: Style, text: &str) -> String {
    if style.is_plain() || text.is_empty() {
        return text.to_owned();
    }
    format!("{style}{text}{style:#}")
}

/// Opening green, closing magenta, RST red, oddities yellow, data cyan, pure ACKs dim.
pub(super) fn of(seg: &Seg) -> Style {
    let quiet = Analysis::WINDOW_UPDATE | Analysis::KEEP_ALIVE_ACK;
    if seg.flags.contains(Flags::RST) {
        BAD
    } else if !(seg.analysis - quiet).is_empty() {
        ODD
    } else if seg.flags.contains(Flags::SYN) {
        GOOD
    } else if seg.flags.contains(Flags::FIN) {
        END
    } else if seg.len > 0 {
        DATA
    } else {
        DIM
    }
}

/// Columns that `text` takes; the reports print one column a character.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// At most `limit` columns, the cut shown by `…`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    if limit > 0 {
        short.push('…');
    }
    short
}

/// `text` and the spaces that bring it to `columns`.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(
        ' ',
        columns.saturating_sub(width(text)),
    ));
    padded
}

/// Breaks at spaces so that no line is longer than `columns`, unless a single word is.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![];
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_and_wrap_keep_to_their_columns() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello!", 5), "hell…");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable word", 4), ["unbreakable", "word"]);
        assert_eq!(pad("ab", 4), "ab  ");
        assert_eq!(paint(PLAIN, "x"), "x");
    }
}
