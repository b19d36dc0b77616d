//! Text from the wire, from programs and from files, made safe to print.
//!
//! A payload may hold a terminal's escape sequences; nothing of it reaches a terminal unescaped.

use std::fmt::Write as _;

/// The bytes between double quotes: printable ASCII as it is, the rest as `\r`, `\n`, `\t`, `\xNN`.
pub fn quoted(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    bytes.iter().for_each(|byte| push(&mut out, *byte));
    out.push('"');
    out
}

/// As [`quoted`], but at most `columns` wide: what does not fit is replaced by `…` after the
/// closing quote. At least one byte is shown.
pub fn preview(bytes: &[u8], more: bool, columns: usize) -> String {
    let mut out = String::from("\"");
    let mut cut = more;
    for (index, byte) in bytes.iter().enumerate() {
        let before = out.len();
        push(&mut out, *byte);
        let last = index + 1 == bytes.len() && !more;
        // A closing quote, and an ellipsis if anything follows.
        if index > 0 && out.len() + if last { 1 } else { 2 } > columns {
            out.truncate(before);
            cut = true;
            break;
        }
    }
    out.push('"');
    if cut {
        out.push('…');
    }
    out
}

fn push(out: &mut String, byte: u8) {
    match byte {
        b'\r' => out.push_str("\\r"),
        b'\n' => out.push_str("\\n"),
        b'\t' => out.push_str("\\t"),
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        0x20..=0x7e => out.push(char::from(byte)),
        _ => {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// One line of text for a terminal: control characters, line breaks and what changes the
/// direction of writing become `\u{NN}`; everything else stays.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if dangerous(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

pub(super) fn dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_sequence_survives() {
        assert_eq!(quoted(b"\x1b[31mred\x9b"), r#""\x1b[31mred\x9b""#);
        assert_eq!(quoted(b"a\r\n\t\"\\"), r#""a\r\n\t\"\\""#);
        assert_eq!(
            line("a\x1b]0;t\x07b\u{9b}\u{202e}"),
            r"a\u{1b}]0;t\u{7}b\u{9b}\u{202e}"
        );
        assert_eq!(line("h\u{e9}llo → ok"), "h\u{e9}llo → ok");
    }

    #[test]
    fn a_preview_never_breaks_an_escape() {
        assert_eq!(preview(b"hello", false, 7), "\"hello\"");
        assert_eq!(preview(b"hello", false, 6), "\"hel\"…");
        assert_eq!(preview(b"a\r\nb", false, 7), "\"a\\r\"…");
        assert_eq!(preview(b"hello", true, 20), "\"hello\"…");
        assert_eq!(preview(b"", true, 20), "\"\"…");
        for columns in 4..20 {
            let text = preview(&[0x1b; 30], false, columns);
            assert!(text.chars().count() <= columns.max(7), "{text}");
        }
    }
}
