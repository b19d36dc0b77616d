//! A filter as a tree, its types already checked.

use regex::bytes::Regex;

use super::field::Field;
use super::lex::Compare;

/// A filter, ready to be asked about frames.
#[derive(Debug, Clone)]
pub struct Filter {
    pub(super) text: String,
    pub(super) root: Expr,
}

impl Filter {
    /// The text that it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[derive(Debug, Clone)]
pub(super) enum Expr {
    /// Every frame: the empty filter.
    True,
    /// The field is there.
    Exists(Operand),
    /// Some value under the mask is not zero.
    NonZero(Operand),
    /// `left` compared with `right`.
    Compare(Quantifier, Compare, Operand, Right),
    /// `left` contains these bytes.
    Contains(Quantifier, Operand, Vec<u8>),
    /// `left` matches.
    Matches(Quantifier, Operand, Regex),
    /// `left` is in the set.
    In(Quantifier, Operand, Vec<(Right, Option<Right>)>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
}

/// For which values of the left side a test must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// The operator's own: any, but all for `!=` and `===`.
    Default,
    Any,
    All,
}

/// A field, perhaps cut or masked.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub field: Field,
    pub slice: Option<Slice>,
    pub mask: Option<i64>,
}

/// A part of a field's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    /// From here; from the end if negative.
    pub start: i64,
    /// So many; `None` is to the end.
    pub len: Option<usize>,
}

/// What a field is compared with.
#[derive(Debug, Clone)]
pub(super) enum Right {
    Literal(Literal),
    Field(Operand),
}

/// A value that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Number(i64),
    Bool(bool),
    Ipv4(u32, u8),
    Ipv6(u128, u8),
    Time(i64),
    Bytes(Vec<u8>),
}

impl Literal {
    pub fn value(&self) -> super::value::Value<'_> {
        use super::value::Value;
        match self {
            Literal::Number(n) => Value::Number(*n),
            Literal::Bool(b) => Value::Bool(*b),
            Literal::Ipv4(a, bits) => Value::Ipv4(*a, *bits),
            Literal::Ipv6(a, bits) => Value::Ipv6(*a, *bits),
            Literal::Time(ns) => Value::Time(*ns),
            Literal::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}
