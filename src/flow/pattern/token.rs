//! Lines of a pattern, taken apart.

use std::ops::Range;

use super::parse::{PatternError, error};

/// A word, string or sign of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(Vec<u8>),
    Regex(String),
    Or,
    Concurrent,
    Question,
    Dots,
}

/// Tokens, each with its place in the pattern's text.
pub(super) type Tokens = Vec<(Token, Range<usize>)>;

/// The token as it was written.
pub(super) fn spelled(token: &Token) -> String {
    match token {
        Token::Word(word) => word.clone(),
        Token::Dots => "...".to_owned(),
        Token::Text(bytes) => format!("\"{}\"", crate::flow::escape(bytes)),
        Token::Regex(text) => format!("/{text}/"),
        Token::Or => "|".to_owned(),
        Token::Concurrent => "||".to_owned(),
        Token::Question => "?".to_owned(),
    }
}

/// Takes a line apart; `offset` is its place in the pattern's text.
pub(super) fn tokens(code: &str, offset: usize) -> Result<Tokens, PatternError> {
    let bytes = code.as_bytes();
    let mut tokens = vec![];
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let rest = &code[at..];
        let token = match bytes[at] {
            b' ' | b'\t' => {
                at += 1;
                continue;
            }
            b'"' => {
                let (text, len) = quoted(rest).ok_or_else(|| {
                    error(
                        offset + at..offset + code.len(),
                        "the text has no closing `\"`, or a wrong escape",
                    )
                })?;
                at += len;
                Token::Text(text)
            }
            b'/' => {
                let close = closing_slash(rest);
                let len = close.ok_or_else(|| {
                    error(
                        offset + at..offset + code.len(),
                        "the expression has no closing `/`",
                    )
                })?;
                at += len + 1;
                Token::Regex(rest[1..len].replace("\\/", "/"))
            }
            b'|' if rest.starts_with("||") => {
                at += 2;
                Token::Concurrent
            }
            b'|' => {
                at += 1;
                Token::Or
            }
            b'?' => {
                at += 1;
                Token::Question
            }
            _ if rest.starts_with("...") => {
                at += 3;
                Token::Dots
            }
            _ => {
                let len = rest.find([' ', '\t', '|', '"']).unwrap_or(rest.len());
                at += len;
                Token::Word(rest[..len].to_owned())
            }
        };
        tokens.push((token, offset + start..offset + at));
    }
    Ok(tokens)
}

fn closing_slash(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    (1..bytes.len()).find(|&at| bytes[at] == b'/' && bytes[at - 1] != b'\\')
}

/// The bytes of a quoted text as [`crate::flow::escape`] writes it, and its length with quotes.
fn quoted(text: &str) -> Option<(Vec<u8>, usize)> {
    let mut out = vec![];
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, at + 1)),
            '\\' => match chars.next()?.1 {
                'n' => out.push(b'\n'),
                'r' => out.push(b'\r'),
                't' => out.push(b'\t'),
                '0' => out.push(0),
                'x' => {
                    let (start, _) = chars.next()?;
                    chars.next()?;
                    out.push(u8::from_str_radix(text.get(start..start + 2)?, 16).ok()?);
                }
                c @ ('\\' | '"' | '/') => out.push(c as u8),
                _ => return None,
            },
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    None
}
