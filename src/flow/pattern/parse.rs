//! From text to patterns, with the place of every error.

use std::ops::Range;

use regex::bytes::RegexBuilder;

use super::group::{Group, Patterns};
use super::line::{BytesPattern, ContentPattern, Item, ResetPattern, RunPattern};
use super::token::{Token, spelled, tokens};
use crate::flow::types::{Handshake, ResetKind};
use crate::tcp::Side;

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Byte offsets into the pattern's text.
    pub span: Range<usize>,
    /// What is wrong with it.
    pub message: String,
}

impl Patterns {
    /// Reads a pattern; see the [module](super).
    ///
    /// # Errors
    /// The first line that is none, with its place.
    pub fn parse(text: &str) -> Result<Patterns, PatternError> {
        let mut patterns = Patterns::default();
        let mut current: Vec<Item> = vec![];
        // Where the heading and the lines of the current pattern stand.
        let mut places: (Range<usize>, Vec<Range<usize>>) = (0..0, vec![]);
        let mut group = Group::All;
        let mut any_order = false;
        let mut at = 0;
        let mut lines = text.split_inclusive('\n').peekable();
        while let Some(line) = lines.next() {
            let start = at;
            at += line.len();
            let code = line.trim();
            if code.is_empty() || code.starts_with('#') {
                continue;
            }
            let offset = start + line.find(code).unwrap_or(0);
            // A `-` begins a pattern of a group, whose lines are indented as well.
            let dash = code == "-" || any_order && code.starts_with('-');
            let printed = !dash && lines.peek().is_some_and(|next| is_name(line, next));
            if let Some(heading) = code
                .strip_suffix(':')
                .filter(|heading| !heading.contains('"'))
                .or_else(|| printed.then_some(code))
            {
                let heading_place = (offset..offset + code.len(), vec![]);
                let places = std::mem::replace(&mut places, heading_place);
                patterns.add(group, std::mem::take(&mut current), places);
                any_order = heading.trim() == "any order";
                group = if any_order {
                    Group::AnyOrder(0)
                } else {
                    names(heading)
                };
                continue;
            }
            if any_order && (code == "-" || code.starts_with("- ") || code.starts_with("-\t")) {
                let heading_place = (offset..offset + code.len(), vec![]);
                let places_before = std::mem::replace(&mut places, heading_place);
                patterns.add(group, std::mem::take(&mut current), places_before);
                let rest = code[1..].trim();
                let count = match rest.strip_prefix("for ") {
                    Some(n) => n.trim().parse().map_err(|_| PatternError {
                        span: offset..offset + code.len(),
                        message: "`- for N` takes the number of connections that show this flow"
                            .to_owned(),
                    })?,
                    None => 1,
                };
                group = Group::AnyOrder(count);
                if rest.is_empty() || rest.starts_with("for ") {
                    continue;
                }
                let begin = offset + code.find(rest).unwrap_or(0);
                add_line(&mut current, rest, begin)?;
                places.1.push(begin..begin + rest.len());
                continue;
            }
            add_line(&mut current, code, offset)?;
            if current.len() > places.1.len() {
                places.1.push(offset..offset + code.len());
            }
        }
        patterns.add(group, current, places);
        Ok(patterns)
    }
}

/// Is it the name above a flow as it is printed: alone, and `handshake` indented below it?
fn is_name(line: &str, next: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let begins = next.trim_start().starts_with("handshake ");
    let left_open = line.trim_start().starts_with(['.', '?', '|']);
    begins && indent(next) > indent(line) && !left_open && !line.trim().contains(' ')
}

fn names(heading: &str) -> Group {
    Group::Named(
        heading
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect(),
    )
}

fn add_line(items: &mut Vec<Item>, code: &str, offset: usize) -> Result<(), PatternError> {
    let tokens = tokens(code, offset)?;
    let whole = offset..offset + code.len();
    let (first, rest) = match tokens.split_first() {
        Some(((token, _), rest)) => (token, rest),
        None => return Ok(()),
    };
    if *first == Token::Concurrent {
        // The second half of a phase, on a line of its own as the text form prints it.
        let run = run(rest, &whole)?;
        match items.last_mut() {
            Some(Item::Phase(_, second @ None)) => *second = Some(run),
            _ => return Err(error(whole, "`||` must follow a line with one run")),
        }
        return Ok(());
    }
    items.push(match first {
        Token::Question => Item::Optional(Box::new(alternatives(rest, &whole)?)),
        Token::Dots if rest.is_empty() => Item::Anything,
        _ => alternatives(&tokens, &whole)?,
    });
    Ok(())
}

fn alternatives(
    tokens: &[(Token, Range<usize>)],
    whole: &Range<usize>,
) -> Result<Item, PatternError> {
    let parts: Vec<_> = tokens.split(|(token, _)| *token == Token::Or).collect();
    let mut items = vec![];
    for part in &parts {
        items.push(item(part, whole)?);
    }
    Ok(if items.len() == 1 {
        items.remove(0)
    } else {
        Item::OneOf(items)
    })
}

fn item(tokens: &[(Token, Range<usize>)], whole: &Range<usize>) -> Result<Item, PatternError> {
    let mut tokens = tokens;
    if let Some(((Token::Word(word), _), rest)) = tokens.split_first()
        && word == "then"
    {
        tokens = rest;
    }
    let Some((Token::Word(word), span)) = tokens.first() else {
        return Err(error(
            whole.clone(),
            "a line begins with client, server, handshake, close, or `...`",
        ));
    };
    match word.as_str() {
        "handshake" => handshake(&tokens[1..], whole),
        "close" => {
            let words: Vec<String> = tokens.iter().map(|(token, _)| spelled(token)).collect();
            Ok(Item::Close(words.join(" ").replace(" ,", ",")))
        }
        "client" | "server" => {
            let halves: Vec<_> = tokens
                .split(|(token, _)| *token == Token::Concurrent)
                .collect();
            match halves.as_slice() {
                [one] => Ok(Item::Phase(run(one, whole)?, None)),
                [one, two] => Ok(Item::Phase(run(one, whole)?, Some(run(two, whole)?))),
                _ => Err(error(
                    whole.clone(),
                    "there are two directions only: one `||`",
                )),
            }
        }
        other => {
            let known = ["client", "server", "handshake", "close", "then"];
            let near = known
                .iter()
                .find(|word| strsim::damerau_levenshtein(word, other) <= 2);
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            Err(error(
                span.clone(),
                &format!("`{other}` begins no line of a flow{hint}"),
            ))
        }
    }
}

fn handshake(tokens: &[(Token, Range<usize>)], whole: &Range<usize>) -> Result<Item, PatternError> {
    let kind = match tokens {
        [(Token::Dots, _)] => None,
        [(Token::Word(none), _), (Token::Word(udp), _)] if none == "none" && udp == "(UDP)" => {
            Some(Handshake::Udp)
        }
        [(Token::Word(word), span)] => Some(match word.as_str() {
            "complete" => Handshake::Complete,
            "refused" => Handshake::Refused,
            "unanswered" => Handshake::Unanswered,
            "partial" => Handshake::Partial,
            "unseen" => Handshake::Unseen,
            "none" => Handshake::Udp,
            other => {
                let message = format!(
                    "`{other}` is no handshake: complete, refused, unanswered, partial, unseen, none (UDP)"
                );
                return Err(error(span.clone(), &message));
            }
        }),
        _ => {
            return Err(error(
                whole.clone(),
                "a handshake is complete, refused, unanswered, partial, unseen or none (UDP)",
            ));
        }
    };
    Ok(Item::Handshake(kind))
}

fn run(tokens: &[(Token, Range<usize>)], whole: &Range<usize>) -> Result<RunPattern, PatternError> {
    let from = match tokens.first() {
        Some((Token::Word(word), _)) if word == "client" => Side::Client,
        Some((Token::Word(word), _)) if word == "server" => Side::Server,
        _ => return Err(error(whole.clone(), "a run begins with client or server")),
    };
    let mut pattern = RunPattern {
        from,
        bytes: BytesPattern::Empty,
        fin: Some(false),
        reset: ResetPattern::Absent,
    };
    let (mut len, mut at_least, mut content, mut dots) = (None, false, None, false);
    let mut rest = tokens[1..].iter().peekable();
    while let Some((token, span)) = rest.next() {
        match token {
            Token::Dots => dots = true,
            Token::Text(bytes) => content = Some(ContentPattern::Bytes(bytes.clone())),
            Token::Regex(text) => {
                let regex = RegexBuilder::new(text).unicode(false).build();
                let regex = regex
                    .map_err(|e| error(span.clone(), &format!("no regular expression: {e}")))?;
                content = Some(ContentPattern::Regex(regex));
            }
            Token::Word(word) => match word.as_str() {
                "fin" => pattern.fin = Some(true),
                "at" | "least" => at_least = true,
                "not" => {
                    rest.next_if(|(token, _)| *token == Token::Word("captured".to_owned()))
                        .ok_or_else(|| error(span.clone(), "`not` is followed by `captured`"))?;
                    content = Some(ContentPattern::NotCaptured);
                }
                "reset" => {
                    let kind = rest.next_if(
                        |(token, _)| matches!(token, Token::Word(word) if word.starts_with('(')),
                    );
                    pattern.reset = ResetPattern::Present(match kind {
                        Some((Token::Word(word), _)) if word == "(abort)" => Some(ResetKind::Abort),
                        Some((Token::Word(word), _)) if word == "(answer)" => {
                            Some(ResetKind::Answer)
                        }
                        _ => None,
                    });
                }
                word if word.starts_with("sha256:") => content = Some(digest(word, span)?),
                word => match word.parse() {
                    Ok(n) => len = Some(n),
                    Err(_) => return Err(error(span.clone(), &unknown(word))),
                },
            },
            Token::Or | Token::Concurrent | Token::Question => {
                return Err(error(span.clone(), "this sign has no meaning here"));
            }
        }
    }
    if dots && pattern.fin == Some(false) {
        pattern.fin = None;
    }
    if dots && pattern.reset == ResetPattern::Absent {
        pattern.reset = ResetPattern::Any;
    }
    pattern.bytes = match (len, &content, dots) {
        (None, None, true) => BytesPattern::Any,
        (None, None, false) => BytesPattern::Empty,
        _ => BytesPattern::Some {
            len,
            at_least,
            content,
        },
    };
    Ok(pattern)
}

fn unknown(word: &str) -> String {
    let known = ["fin", "reset", "at", "least", "client", "server"];
    let near = known
        .iter()
        .find(|known| strsim::damerau_levenshtein(known, word) <= 1);
    let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("`{word}` is no part of a run: a length, \"text\", /regex/, `...`, fin, reset{hint}")
}

fn digest(word: &str, span: &Range<usize>) -> Result<ContentPattern, PatternError> {
    let hex = &word["sha256:".len()..];
    let mut bytes = [0; 32];
    let wrong = || error(span.clone(), "a SHA-256 has 64 hexadecimal digits");
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(wrong());
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).map_err(|_| wrong())?;
    }
    Ok(ContentPattern::Sha256(bytes))
}

pub(super) fn error(span: Range<usize>, message: &str) -> PatternError {
    PatternError {
        span,
        message: message.to_owned(),
    }
}
