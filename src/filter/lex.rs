//! Text to tokens, as Wireshark's scanner does.

use std::ops::Range;

use super::error::FilterError;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A name, a number, an address: what it is depends on its place.
    Word(String),
    /// A string in double quotes, escapes resolved.
    Text(Vec<u8>),
    /// A character in single quotes: a number.
    Char(u8),
    /// `[0:3]`: what stands between the brackets.
    Slice(String),
    /// A comparison.
    Compare(Compare),
    /// `contains`
    Contains,
    /// `matches`, `~`
    Matches,
    /// `in`
    In,
    /// `and`, `&&`
    And,
    /// `or`, `||`
    Or,
    /// `not`, `!`
    Not,
    /// `any`
    Any,
    /// `all`
    All,
    /// `&`, `bitwise_and`
    Mask,
    /// `..`
    DotDot,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `{`
    SetOpen,
    /// `}`
    SetClose,
    /// `,`
    Comma,
}

/// The comparison operators. `!=` holds if *all* values differ, `==` if *any* is equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `==`, `eq`, `any_eq`
    AnyEq,
    /// `===`, `all_eq`
    AllEq,
    /// `!==`, `~=`, `any_ne`
    AnyNe,
    /// `!=`, `ne`, `all_ne`
    AllNe,
    /// `<`, `lt`
    Less,
    /// `<=`, `le`
    LessEq,
    /// `>`, `gt`
    Greater,
    /// `>=`, `ge`
    GreaterEq,
}

/// A token and its place.
pub type Spanned = (Token, Range<usize>);

const SYMBOLS: [(&str, Token); 24] = [
    ("!==", Token::Compare(Compare::AnyNe)),
    ("===", Token::Compare(Compare::AllEq)),
    ("==", Token::Compare(Compare::AnyEq)),
    ("!=", Token::Compare(Compare::AllNe)),
    ("~=", Token::Compare(Compare::AnyNe)),
    ("<=", Token::Compare(Compare::LessEq)),
    (">=", Token::Compare(Compare::GreaterEq)),
    ("&&", Token::And),
    ("||", Token::Or),
    ("..", Token::DotDot),
    ("<", Token::Compare(Compare::Less)),
    (">", Token::Compare(Compare::Greater)),
    ("~", Token::Matches),
    ("!", Token::Not),
    ("&", Token::Mask),
    ("(", Token::Open),
    (")", Token::Close),
    ("{", Token::SetOpen),
    ("}", Token::SetClose),
    (",", Token::Comma),
    // Of Wireshark's, and not of this subset: named so that they can be refused by name.
    ("+", Token::Word(String::new())),
    ("*", Token::Word(String::new())),
    ("%", Token::Word(String::new())),
    ("$", Token::Word(String::new())),
];

fn keyword(word: &str) -> Option<Token> {
    Some(match word {
        "eq" | "any_eq" => Token::Compare(Compare::AnyEq),
        "all_eq" => Token::Compare(Compare::AllEq),
        "any_ne" => Token::Compare(Compare::AnyNe),
        "ne" | "all_ne" => Token::Compare(Compare::AllNe),
        "lt" => Token::Compare(Compare::Less),
        "le" => Token::Compare(Compare::LessEq),
        "gt" => Token::Compare(Compare::Greater),
        "ge" => Token::Compare(Compare::GreaterEq),
        "contains" => Token::Contains,
        "matches" => Token::Matches,
        "in" => Token::In,
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        "any" => Token::Any,
        "all" => Token::All,
        "bitwise_and" => Token::Mask,
        _ => return None,
    })
}

/// All tokens of `text`.
///
/// # Errors
/// What the language does not have, with its place.
pub fn lex(text: &str) -> Result<Vec<Spanned>, FilterError> {
    let mut tokens = vec![];
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let first = bytes[at];
        let (token, len) = if first.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if first == b'"' {
            string(rest, at, false)?
        } else if rest.starts_with("r\"") || rest.starts_with("R\"") {
            string(rest, at, true)?
        } else if first == b'\'' {
            character(rest, at)?
        } else if first == b'[' {
            let end = rest.find(']').ok_or_else(|| {
                FilterError::new(at..text.len(), "the slice is not closed").help("add `]`")
            })?;
            (Token::Slice(rest[1..end].to_owned()), end + 1)
        } else if let Some((symbol, token)) = symbol(rest) {
            if token == Token::Word(String::new()) {
                let message = format!("`{symbol}` is not supported");
                return Err(FilterError::new(at..at + symbol.len(), message)
                    .help("of arithmetic, only `&` is"));
            }
            (token, symbol.len())
        } else {
            let len = word(rest);
            if len == 0 {
                let c = rest.chars().next().unwrap_or_default();
                let span = at..at + c.len_utf8();
                let mut error = FilterError::new(span, format!("`{c}` has no meaning here"));
                if matches!(c, '=' | '|') {
                    error = error.help(format!("write `{c}{c}`"));
                }
                return Err(error);
            }
            let word = &rest[..len];
            let token = keyword(word).unwrap_or_else(|| Token::Word(word.to_owned()));
            (token, len)
        };
        tokens.push((token, at..at + len));
        at += len;
    }
    Ok(tokens)
}

fn symbol(rest: &str) -> Option<(&'static str, Token)> {
    // Two dots belong to a word such as ::1..::2 only behind it; see `word`.
    SYMBOLS
        .iter()
        .find(|(symbol, _)| rest.starts_with(symbol))
        .cloned()
}

/// Length of the word at the start of `rest`: letters, digits and `_ - : . /`, up to two dots.
fn word(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut len = 0;
    while let Some(&byte) = bytes.get(len) {
        let part = byte.is_ascii_alphanumeric() || b"_-:./".contains(&byte);
        if !part || rest[len..].starts_with("..") {
            break;
        }
        len += 1;
    }
    len
}

fn string(rest: &str, at: usize, raw: bool) -> Result<(Token, usize), FilterError> {
    let bytes = rest.as_bytes();
    let mut out = vec![];
    let mut i = if raw { 2 } else { 1 };
    loop {
        match bytes.get(i) {
            None => {
                let span = at..at + rest.len();
                return Err(FilterError::new(span, "the string is not closed").help("add `\"`"));
            }
            Some(b'"') => return Ok((Token::Text(out), i + 1)),
            Some(b'\\') if raw => {
                // A backslash keeps the quote behind it inside a raw string, and stays itself.
                out.push(b'\\');
                i += 1;
                if let Some(&next) = bytes.get(i) {
                    out.push(next);
                    i += 1;
                }
            }
            Some(b'\\') => {
                let (byte, len) = escape(&bytes[i..]).ok_or_else(|| {
                    let end = (i + 2).min(rest.len());
                    let end = (end..=rest.len()).find(|e| rest.is_char_boundary(*e));
                    let span = at + i..at + end.unwrap_or(rest.len());
                    FilterError::new(span, "no such escape sequence")
                        .help("write regular expressions as raw strings: r\"\\d\"")
                })?;
                out.push(byte);
                i += len;
            }
            Some(&byte) => {
                out.push(byte);
                i += 1;
            }
        }
    }
}

/// The byte that an escape sequence stands for, and its length.
fn escape(bytes: &[u8]) -> Option<(u8, usize)> {
    let simple = match bytes.get(1)? {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\'' => b'\'',
        b'\\' => b'\\',
        b'"' => b'"',
        b'x' => {
            let digits = bytes[2..].iter().take(2);
            let len = digits.take_while(|b| b.is_ascii_hexdigit()).count();
            let text = std::str::from_utf8(&bytes[2..2 + len]).ok()?;
            return Some((u8::from_str_radix(text, 16).ok()?, 2 + len));
        }
        b'0'..=b'7' => {
            let digits = bytes[1..].iter().take(3);
            let len = digits.take_while(|b| (b'0'..=b'7').contains(b)).count();
            let text = std::str::from_utf8(&bytes[1..=len]).ok()?;
            return Some((u8::from_str_radix(text, 8).ok()?, 1 + len));
        }
        _ => return None,
    };
    Some((simple, 2))
}

fn character(rest: &str, at: usize) -> Result<(Token, usize), FilterError> {
    let bytes = rest.as_bytes();
    let (byte, len) = match bytes.get(1) {
        Some(b'\\') => escape(&bytes[1..]).unwrap_or((0, usize::MAX / 2)),
        Some(&byte) if byte.is_ascii() && byte != b'\'' => (byte, 1),
        _ => (0, usize::MAX / 2),
    };
    if bytes.get(len + 1) != Some(&b'\'') {
        let span = at..at + rest.len();
        return Err(FilterError::new(span, "not a character constant")
            .help("one character stands in single quotes, text in double ones"));
    }
    Ok((Token::Char(byte), len + 2))
}
