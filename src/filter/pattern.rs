//! Regular expressions: PCRE2 in Wireshark, the `regex` crate here.
//!
//! What both understand alike is let through; what they understand differently is refused, so
//! that no filter silently means something else. `matches` ignores case and sees bytes.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::error::FilterError;

/// Compiles a pattern.
pub(super) fn compile(pattern: &[u8], span: Range<usize>) -> Result<Regex, FilterError> {
    let refuse = |what: &str| {
        let message = format!("{what} in a regular expression is not supported");
        Err(FilterError::new(span.clone(), message).help(
            "a pattern may use . [] () | * + ? {n,m} ^ and $ at the end, \\d \\w \\s \\b \\xNN",
        ))
    };
    let mut out = String::new();
    let mut bytes = pattern.iter().copied().enumerate().peekable();
    let mut in_class = false;
    let mut depth = 0usize;
    let mut after_quantifier = false;
    while let Some((at, byte)) = bytes.next() {
        let next = pattern.get(at + 1).copied();
        let quantified = std::mem::take(&mut after_quantifier);
        match byte {
            b'\\' => {
                let Some((_, escaped)) = bytes.next() else {
                    return refuse("a backslash at the end");
                };
                let known = match escaped {
                    b'd' | b'D' | b'w' | b'W' | b's' | b'S' | b't' | b'n' | b'r' | b'f' | b'a' => {
                        true
                    }
                    b'b' | b'B' => !in_class && pattern.get(at + 2) != Some(&b'{'),
                    b'x' => hex(&pattern[at + 2..]),
                    b'<' | b'>' => false,
                    // The space and the like are harmless, but not known to the regex crate.
                    other => other.is_ascii_punctuation() && other != b'_',
                };
                if !known {
                    return refuse(&format!("\\{}", char::from(escaped).escape_default()));
                }
                out.push('\\');
                out.push(char::from(escaped));
            }
            b'[' if in_class => {
                if next != Some(b':') {
                    return refuse("`[` within brackets");
                }
                out.push_str("[:");
                bytes.next();
                // The class's name up to its end.
                let rest = &pattern[at + 2..];
                let Some(len) = rest.windows(2).position(|w| w == b":]") else {
                    return refuse("`[:` without `:]`");
                };
                out.push_str(&String::from_utf8_lossy(&rest[..len + 2]));
                for _ in 0..len + 2 {
                    bytes.next();
                }
            }
            b'[' => {
                in_class = true;
                out.push('[');
                if next == Some(b'^') {
                    out.push('^');
                    bytes.next();
                }
                if bytes.peek().is_some_and(|(_, byte)| *byte == b']') {
                    out.push_str("\\]");
                    bytes.next();
                }
            }
            b']' if in_class => {
                in_class = false;
                out.push(']');
            }
            b'&' | b'~' | b'-' if in_class && next == Some(byte) => {
                return refuse("a doubled character within brackets");
            }
            _ if in_class => push(&mut out, byte),
            b'(' => {
                depth += 1;
                out.push('(');
                if next == Some(b'?') {
                    let rest = &pattern[at + 1..];
                    let Some(head) = [&b"?:"[..], b"?i)", b"?-i)", b"?s)", b"?i:", b"?-i:", b"?s:"]
                        .into_iter()
                        .find(|head| rest.starts_with(head))
                    else {
                        return refuse("this kind of group");
                    };
                    out.push_str(&String::from_utf8_lossy(head));
                    if head.ends_with(b")") {
                        depth -= 1;
                    }
                    for _ in head {
                        bytes.next();
                    }
                } else if next == Some(b'*') {
                    return refuse("(*");
                }
            }
            b')' => {
                depth = depth.saturating_sub(1);
                out.push(')');
            }
            b'$' => {
                // PCRE's matches before a final line end, too.
                let last = next.is_none() || (depth == 0 && next == Some(b'|'));
                if !last {
                    return refuse("`$` that is not at the end");
                }
                out.push_str("(?:\\n?\\z)");
            }
            b'*' | b'+' | b'?' => {
                if quantified && byte == b'+' {
                    return refuse("a possessive quantifier");
                }
                after_quantifier = true;
                out.push(char::from(byte));
            }
            b'{' => {
                let rest = &pattern[at + 1..];
                let len = rest.iter().position(|b| *b == b'}').unwrap_or(0);
                let inner = &rest[..len];
                let shape = inner.first().is_some_and(u8::is_ascii_digit)
                    && inner.iter().all(|b| b.is_ascii_digit() || *b == b',')
                    && inner.iter().filter(|b| **b == b',').count() <= 1;
                if !shape {
                    return refuse("`{` that is no repetition");
                }
                out.push('{');
                out.push_str(&String::from_utf8_lossy(inner));
                out.push('}');
                for _ in 0..=len {
                    bytes.next();
                }
                after_quantifier = true;
            }
            _ => push(&mut out, byte),
        }
    }
    RegexBuilder::new(&out)
        .unicode(false)
        .case_insensitive(true)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            let why = last.strip_prefix("error: ").unwrap_or(last);
            FilterError::new(span, format!("not a regular expression: {why}"))
        })
}

/// A byte that stands for itself.
fn push(out: &mut String, byte: u8) {
    if byte.is_ascii_graphic() || byte == b' ' {
        out.push(char::from(byte));
    } else {
        out.push_str(&format!("\\x{byte:02x}"));
    }
}

fn hex(rest: &[u8]) -> bool {
    rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &[u8]) -> bool {
        compile(pattern.as_bytes(), 0..0)
            .unwrap_or_else(|e| panic!("{pattern}: {e}"))
            .is_match(text)
    }

    #[test]
    fn bytes_without_case() {
        assert!(matches("HELLO", b"say hello"));
        assert!(!matches("(?-i)HELLO", b"say hello"));
        assert!(matches(r"^\w+\s\xff$", b"a \xff"));
        assert!(matches("end$", b"the end\n"));
        assert!(!matches("end$", b"the end\n\n"));
        assert!(matches("a$|b$", b"xa"));
        assert!(matches("[]a]", b"]"));
        assert!(matches("[[:digit:]]{2,3}", b"x12"));
        assert!(!matches("a.b", b"a\nb"));
        assert!(matches("(?s)a.b", b"a\nb"));
    }

    #[test]
    fn what_the_two_understand_differently_is_refused() {
        let refused = [
            r"\<a", r"\Qx\E", r"(a)\1", "a++", "[[a]b]", "[a&&b]", "(?x)a", "a{,3}", "$a", "(a$)b",
            "(?=a)", r"\h", r"\v", r"\pL", "(?P<n>a)", "a{", r"\", "(*UTF)a",
        ];
        for pattern in refused {
            assert!(compile(pattern.as_bytes(), 0..0).is_err(), "{pattern}");
        }
    }
}
