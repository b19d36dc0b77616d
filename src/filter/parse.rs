//! Tokens to a typed tree.
//!
//! `or` binds weaker than `and`, `and` weaker than `not`, as in Wireshark 4.0.

use std::ops::Range;

use super::ast::{Expr, Filter, Literal, Operand, Quantifier, Right};
use super::error::FilterError;
use super::field::{Field, Kind};
use super::lex::{Spanned, Token, lex};
use super::literal::{literal, unsigned};
use super::pattern;
use super::slice::slice;

/// Parentheses and `not` may be nested so deep.
const DEPTH: usize = 100;

/// So many tokens are enough.
const TOKENS: usize = 2000;

type Result<T> = std::result::Result<T, FilterError>;

impl Filter {
    /// Parses a filter; the empty one holds for every frame.
    ///
    /// # Errors
    /// What is not in the subset, by name and with its place.
    pub fn parse(text: &str) -> Result<Filter> {
        let whole = |mut error: FilterError| {
            error.text = text.to_owned();
            error
        };
        let tokens = lex(text).map_err(whole)?;
        if let Some((_, span)) = tokens.get(TOKENS) {
            return Err(whole(FilterError::new(
                span.clone(),
                "the filter is too long",
            )));
        }
        if tokens.is_empty() {
            return Ok(Filter {
                text: text.to_owned(),
                root: Expr::True,
            });
        }
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
            end: text.len(),
            depth: 0,
        };
        let root = parser.or().and_then(|root| parser.done().map(|()| root));
        Ok(Filter {
            text: text.to_owned(),
            root: root.map_err(whole)?,
        })
    }
}

struct Parser<'a> {
    tokens: &'a [Spanned],
    at: usize,
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// The place of the next token.
    fn span(&self) -> Range<usize> {
        let next = self.tokens.get(self.at);
        next.map_or(self.end..self.end, |(_, span)| span.clone())
    }

    fn next(&mut self) -> Option<&'a Spanned> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    fn take(&mut self, token: &Token) -> bool {
        let here = self.peek() == Some(token);
        self.at += usize::from(here);
        here
    }

    fn wanted(&self, what: &str) -> FilterError {
        let message = if self.peek().is_some() {
            format!("{what} is wanted here")
        } else {
            format!("the filter ends where {what} is wanted")
        };
        FilterError::new(self.span(), message)
    }

    fn done(&self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(Token::Close) => Err(FilterError::new(self.span(), "nothing was opened with `(`")),
            Some(Token::Word(word)) if matches!(word.as_str(), "AND" | "OR" | "NOT" | "IN") => {
                let help = format!("write `{}`", word.to_lowercase());
                Err(self.wanted("`and`, `or` or the end").help(help))
            }
            Some(_) => Err(self.wanted("`and`, `or` or the end")),
        }
    }

    fn or(&mut self) -> Result<Expr> {
        let mut left = self.and()?;
        while self.take(&Token::Or) {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr> {
        let mut left = self.not()?;
        while self.take(&Token::And) {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(FilterError::new(self.span(), "nested too deep"));
        }
        let expr = if self.take(&Token::Not) {
            Expr::Not(Box::new(self.not()?))
        } else if self.take(&Token::Open) {
            let inner = self.or()?;
            if !self.take(&Token::Close) {
                return Err(self.wanted("`)`"));
            }
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    /// One field, perhaps compared with something.
    fn test(&mut self) -> Result<Expr> {
        let quantifier = match self.peek() {
            Some(Token::Any) => Quantifier::Any,
            Some(Token::All) => Quantifier::All,
            _ => Quantifier::Default,
        };
        if quantifier != Quantifier::Default {
            self.at += 1;
        }
        let place = self.span();
        let left = self.operand()?;
        match self.peek() {
            Some(Token::Compare(op)) => {
                let op = *op;
                self.at += 1;
                self.comparable(&left, &place)?;
                let right = self.right(&left)?;
                Ok(Expr::Compare(quantifier, op, left, right))
            }
            Some(Token::Contains) => {
                self.at += 1;
                self.bytes(&left, &place, "contains")?;
                match self.right(&left)? {
                    Right::Literal(Literal::Bytes(bytes)) => {
                        Ok(Expr::Contains(quantifier, left, bytes))
                    }
                    _ => Err(FilterError::new(
                        self.tokens[self.at - 1].1.clone(),
                        "`contains` wants bytes or a string, no field",
                    )),
                }
            }
            Some(Token::Matches) => {
                self.at += 1;
                self.bytes(&left, &place, "matches")?;
                match self.next() {
                    Some((Token::Text(text), span)) => {
                        let regex = pattern::compile(text, span.clone())?;
                        Ok(Expr::Matches(quantifier, left, regex))
                    }
                    _ => {
                        self.at -= 1;
                        Err(self.wanted("a regular expression in double quotes"))
                    }
                }
            }
            Some(Token::In) => {
                self.at += 1;
                self.set(quantifier, left, &place)
            }
            Some(Token::Not) if self.tokens.get(self.at + 1).map(|t| &t.0) == Some(&Token::In) => {
                self.at += 2;
                // Wireshark 4.0 forgets `any` and `all` here.
                let set = self.set(Quantifier::Default, left, &place)?;
                Ok(Expr::Not(Box::new(set)))
            }
            _ if quantifier != Quantifier::Default => {
                Err(self.wanted("a comparison, which `any` and `all` are for,"))
            }
            Some(Token::Word(word)) if word == "=" => Err(self.wanted("`==`")),
            _ if left.mask.is_some() => Ok(Expr::NonZero(left)),
            _ => Ok(Expr::Exists(left)),
        }
    }

    /// A field with what cuts or masks it.
    fn operand(&mut self) -> Result<Operand> {
        let span = self.span();
        let name = match self.next() {
            Some((Token::Word(name), _)) => name,
            Some((Token::SetOpen, _)) => {
                return Err(FilterError::new(
                    span,
                    "braces for arithmetic are not supported",
                ));
            }
            _ => {
                self.at -= 1;
                return Err(self.wanted("a field"));
            }
        };
        let Some(field) = Field::named(name) else {
            return Err(self.unknown(name, span));
        };
        let mut operand = Operand {
            field,
            slice: None,
            mask: None,
        };
        if let Some(Token::Slice(text)) = self.peek() {
            let place = self.span();
            self.at += 1;
            if field.kind != Kind::Bytes {
                let message = format!("of `{}` no bytes can be taken", field.name);
                return Err(FilterError::new(place, message)
                    .help("`frame`, `tcp.payload` and `udp.payload` can be cut"));
            }
            operand.slice = Some(slice(text, place)?);
            if let Some(Token::Slice(_)) = self.peek() {
                return Err(FilterError::new(
                    self.span(),
                    "a second slice is not supported",
                ));
            }
        }
        if self.take(&Token::Mask) {
            if !matches!(field.kind, Kind::Number(_) | Kind::Signed) {
                let message = format!("`{}` is no number: `&` cannot mask it", field.name);
                return Err(FilterError::new(span, message));
            }
            let place = self.span();
            let mask = match self.next() {
                Some((Token::Word(word), _)) => unsigned(word),
                _ => None,
            };
            let max = match field.kind {
                Kind::Number(max) => max,
                _ => i32::MAX as u32,
            };
            let Some(mask) = mask.filter(|mask| *mask <= u64::from(max)) else {
                let message = format!("`&` wants a number here, at most {max}");
                return Err(FilterError::new(place, message));
            };
            operand.mask = Some(mask as i64);
        }
        Ok(operand)
    }

    fn unknown(&self, name: &str, span: Range<usize>) -> FilterError {
        let message = match name.split_once('.') {
            _ if unsigned(name).is_some() => {
                return FilterError::new(span, "a field is wanted here, not a number")
                    .help("write the field at the left: `tcp.port == 80`");
            }
            _ if self.peek() == Some(&Token::Open) => {
                return FilterError::new(span, format!("the function `{name}()` is not supported"));
            }
            Some((protocol @ ("tcp" | "udp" | "ip" | "ipv6" | "frame" | "icmp"), _)) => {
                format!("`{name}` is not one of the `{protocol}` fields that are supported")
            }
            _ => format!("`{name}` is not a field or protocol that is supported"),
        };
        let error = FilterError::new(span, message);
        match Field::nearest(name) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("docs/filters.md lists the fields"),
        }
    }

    fn comparable(&self, left: &Operand, place: &Range<usize>) -> Result<()> {
        if left.field.kind != Kind::Presence {
            return Ok(());
        }
        let message = format!("`{}` has no value to compare", left.field.name);
        Err(FilterError::new(place.clone(), message)
            .help("name it alone to ask whether it is there, or `not` it"))
    }

    fn bytes(&self, left: &Operand, place: &Range<usize>, word: &str) -> Result<()> {
        if left.field.kind == Kind::Bytes {
            return Ok(());
        }
        let message = format!(
            "`{word}` looks into bytes, and `{}` has none",
            left.field.name
        );
        Err(FilterError::new(place.clone(), message)
            .help("`frame`, `tcp.payload` and `udp.payload` have"))
    }

    /// The right side of a comparison: a field of the same type, or a literal.
    fn right(&mut self, left: &Operand) -> Result<Right> {
        let span = self.span();
        let Some((token, _)) = self.next() else {
            return Err(self.wanted("a value"));
        };
        match token {
            Token::Word(word) => {
                if let Some(field) = Field::named(word) {
                    self.at -= 1;
                    let right = self.operand()?;
                    if !alike(left, &right) {
                        let (a, b) = (left.field.name, field.name);
                        let message = format!("`{a}` and `{b}` have values of different types");
                        return Err(FilterError::new(span, message));
                    }
                    return Ok(Right::Field(right));
                }
                Ok(Right::Literal(literal(&left.field, token, span)?))
            }
            Token::Text(_) | Token::Char(_) => {
                Ok(Right::Literal(literal(&left.field, token, span)?))
            }
            _ => {
                self.at -= 1;
                Err(self.wanted("a value"))
            }
        }
    }

    /// `{1, 2, 5..9}`
    fn set(&mut self, quantifier: Quantifier, left: Operand, place: &Range<usize>) -> Result<Expr> {
        self.comparable(&left, place)?;
        if left.slice.is_some() || left.mask.is_some() {
            let message = "only a whole field can be looked up in a set";
            return Err(FilterError::new(place.clone(), message));
        }
        if !self.take(&Token::SetOpen) {
            return Err(self.wanted("a set such as `{1, 2, 5..9}`"));
        }
        let mut items = vec![];
        loop {
            let low = self.right(&left)?;
            let high = if self.take(&Token::DotDot) {
                Some(self.right(&left)?)
            } else {
                None
            };
            items.push((low, high));
            if self.take(&Token::SetClose) {
                return Ok(Expr::In(quantifier, left, items));
            }
            if !self.take(&Token::Comma) {
                return Err(self.wanted("`,` or `}`"));
            }
        }
    }
}

/// Can values of the two be compared? A whole frame is no byte string to Wireshark, a part is.
fn alike(a: &Operand, b: &Operand) -> bool {
    let whole = |operand: &Operand| operand.field.name == "frame" && operand.slice.is_none();
    match (a.field.kind, b.field.kind) {
        (Kind::Presence, _) => false,
        (Kind::Number(_), Kind::Number(_)) => true,
        (Kind::Bytes, Kind::Bytes) => whole(a) == whole(b),
        (a, b) => a == b,
    }
}
