//! One line of a pattern, and what it matches.

use regex::bytes::Regex;

use crate::flow::types::*;
use crate::tcp::Side;

/// An element of a flow: what one pattern line stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element<'a> {
    /// How the connection began.
    Handshake(Handshake),
    /// A phase.
    Phase(&'a Phase),
    /// How it ended, as a line of the text form.
    Close(String),
}

/// A line of a pattern.
#[derive(Debug, Clone)]
pub enum Item {
    /// `...`: any lines.
    Anything,
    /// One of these.
    OneOf(Vec<Item>),
    /// `?`: may be missing.
    Optional(Box<Item>),
    /// `handshake complete`; `None` is any.
    Handshake(Option<Handshake>),
    /// One run, or two that are concurrent.
    Phase(RunPattern, Option<RunPattern>),
    /// `close client first`: the line must be this, or begin with it.
    Close(String),
}

/// A run with parts left open.
#[derive(Debug, Clone)]
pub struct RunPattern {
    /// The sender.
    pub from: Side,
    /// Its bytes.
    pub bytes: BytesPattern,
    /// Must its FIN follow? `None` is any.
    pub fin: Option<bool>,
    /// Must its RST follow?
    pub reset: ResetPattern,
}

/// Whether a RST follows a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetPattern {
    /// Perhaps.
    Any,
    /// No.
    Absent,
    /// Yes, of this kind if one is named.
    Present(Option<ResetKind>),
}

/// Bytes with parts left open.
#[derive(Debug, Clone)]
pub enum BytesPattern {
    /// None at all.
    Empty,
    /// Any, also none.
    Any,
    /// Some of them known.
    Some {
        /// Their number.
        len: Option<u64>,
        /// Only a lower bound is asked for.
        at_least: bool,
        /// What they are.
        content: Option<ContentPattern>,
    },
}

/// Content, or what it must match.
#[derive(Debug, Clone)]
pub enum ContentPattern {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Bytes with this digest.
    Sha256([u8; 32]),
    /// Bytes that this matches somewhere.
    Regex(Regex),
    /// Bytes that the capture does not hold: `not captured`.
    NotCaptured,
}

impl Item {
    /// Does this line stand for this element? [`Item::Anything`] and [`Item::Optional`] are the
    /// matcher's business.
    pub fn matches(&self, element: &Element<'_>) -> bool {
        match (self, element) {
            (Item::OneOf(items), _) => items.iter().any(|item| item.matches(element)),
            (Item::Optional(item), _) => item.matches(element),
            (Item::Handshake(wanted), Element::Handshake(actual)) => {
                wanted.is_none_or(|wanted| wanted == *actual)
            }
            (Item::Phase(one, None), Element::Phase(phase)) => {
                phase.concurrent.is_none() && one.matches(&phase.first)
            }
            (Item::Phase(one, Some(other)), Element::Phase(phase)) => {
                phase.concurrent.as_ref().is_some_and(|second| {
                    (one.matches(&phase.first) && other.matches(second))
                        || (other.matches(&phase.first) && one.matches(second))
                })
            }
            (Item::Close(wanted), Element::Close(actual)) => {
                actual == wanted
                    || (wanted == "close ...")
                    || actual
                        .strip_prefix(wanted.as_str())
                        .is_some_and(|rest| rest.starts_with([' ', ',']))
            }
            _ => false,
        }
    }
}

impl RunPattern {
    fn matches(&self, run: &Run) -> bool {
        self.from == run.from
            && self.fin.is_none_or(|fin| fin == run.fin)
            && match self.reset {
                ResetPattern::Any => true,
                ResetPattern::Absent => run.reset.is_none(),
                ResetPattern::Present(None) => run.reset.is_some(),
                ResetPattern::Present(kind) => run.reset == kind,
            }
            && self.bytes.matches(&run.bytes)
    }
}

impl BytesPattern {
    fn matches(&self, bytes: &Bytes) -> bool {
        let (content, bound) = match bytes {
            Bytes::None => return matches!(self, BytesPattern::Empty | BytesPattern::Any),
            Bytes::Exact(content) => (content, false),
            Bytes::AtLeast(content) => (content, true),
        };
        match self {
            BytesPattern::Empty => false,
            BytesPattern::Any => true,
            BytesPattern::Some {
                len,
                at_least,
                content: wanted,
            } => {
                let length = match (len, at_least) {
                    (None, _) => true,
                    (Some(len), true) => content.len >= *len,
                    (Some(len), false) => content.len == *len && !bound,
                };
                length
                    && wanted
                        .as_ref()
                        .is_none_or(|wanted| wanted.matches(content, *at_least))
            }
        }
    }
}

impl ContentPattern {
    fn matches(&self, content: &Content, prefix: bool) -> bool {
        match (self, &content.what) {
            (ContentPattern::Bytes(wanted), What::Bytes(actual) | What::Redacted(actual))
                if prefix =>
            {
                actual.starts_with(wanted)
            }
            (ContentPattern::Bytes(wanted), What::Bytes(actual) | What::Redacted(actual)) => {
                wanted == actual
            }
            (ContentPattern::Bytes(wanted), What::Sha256(actual)) => {
                use sha2::{Digest, Sha256};
                wanted.len() as u64 == content.len && Sha256::digest(wanted)[..] == actual[..]
            }
            (ContentPattern::Sha256(wanted), What::Sha256(actual)) => wanted == actual,
            (ContentPattern::Sha256(wanted), What::Bytes(actual) | What::Redacted(actual)) => {
                use sha2::{Digest, Sha256};
                Sha256::digest(actual)[..] == wanted[..]
            }
            (ContentPattern::Regex(regex), What::Bytes(actual) | What::Redacted(actual)) => {
                regex.is_match(actual)
            }
            // Only the digest of longer runs is kept in a flow; `payload` expectations see all bytes.
            (ContentPattern::Regex(_), What::Sha256(_)) => false,
            (ContentPattern::NotCaptured, What::Unknown) => true,
            (ContentPattern::NotCaptured, _) | (_, What::Unknown) => false,
        }
    }
}
