//! What expectations are held against.

use std::collections::HashSet;

use crate::capture::Recording;
use crate::check::Finding;
use crate::check::naming::Owned;
use crate::flow::Flow;
use crate::flow::atoms::Atoms;
use crate::scenario::{Asked, OfConnections, Scenario};
use crate::tcp::{Conversation, Seg, Side};
use crate::timeline::{Event, Nanos, Op};

/// A run as expectations see it.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What was asked.
    pub scenario: &'a Scenario,
    /// Frames and events.
    pub recording: &'a Recording,
    /// The run's own TCP connections, by name.
    pub subjects: Vec<Subject<'a>>,
    /// The flows of UDP exchanges, by name.
    pub datagrams: &'a [Flow],
    /// Frames of connections of others.
    pub foreign: HashSet<u64>,
}

/// A connection under judgement.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Its name and its programs' operations.
    pub owned: &'a Owned,
    /// Its segments.
    pub conversation: &'a Conversation,
    /// Its atoms.
    pub atoms: Atoms<'a>,
    /// Its canonical flow.
    pub flow: &'a Flow,
}

/// What did not hold, and what cannot be told.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What did not hold.
    pub findings: Vec<Finding>,
    /// Why the recording cannot prove something.
    pub doubts: Vec<String>,
}

impl<'a> Subject<'a> {
    /// The connection's name.
    pub fn name(&self) -> &'a str {
        &self.owned.name
    }

    /// What a side's program did, if it reports it.
    pub fn ops(&self, side: Side) -> Option<&'a [Op]> {
        match side {
            Side::Client => self.owned.client_ops.as_deref(),
            Side::Server => self.owned.server_ops.as_deref(),
        }
    }

    /// A segment by the number of its frame.
    pub fn segment(&self, frame: u64) -> Option<&'a Seg> {
        self.conversation
            .segments
            .iter()
            .find(|segment| segment.frame == frame)
    }

    /// When a frame was sent.
    pub fn time(&self, frame: u64) -> Option<Nanos> {
        Some(self.segment(frame)?.time)
    }

    /// Is the event one of a socket of this connection?
    pub fn owns(&self, event: &Event) -> bool {
        let pair = (self.conversation.client, self.conversation.server);
        event
            .ends
            .is_some_and(|ends| pair == (ends.local, ends.peer) || pair == (ends.peer, ends.local))
    }

    /// Whose end of it the event's socket is.
    pub fn side_of(&self, event: &Event) -> Option<Side> {
        let ends = event.ends.filter(|_| self.owns(event))?;
        Some(if ends.local == self.conversation.client {
            Side::Client
        } else {
            Side::Server
        })
    }

    /// A finding of this connection.
    pub fn finding(&self, code: &'static str, message: String) -> Finding {
        Finding {
            code,
            message,
            connection: Some(self.name().to_owned()),
            ..Finding::default()
        }
    }
}

impl<'a> Evidence<'a> {
    /// The connections that a name means; all of them without one.
    pub fn named(&self, name: Option<&Asked<String>>) -> Vec<&Subject<'a>> {
        self.subjects
            .iter()
            .filter(|subject| name.is_none_or(|name| means(&name.value, subject.name())))
            .collect()
    }

    /// Something is expected of connections that there are not.
    pub fn nobody(&self, of: &OfConnections, outcome: &mut Outcome) {
        let span = of.first_span();
        outcome.findings.push(match &of.name {
            Some(name) => self.no_such(name),
            None => Finding {
                code: "no-such-connection",
                message: "there is no TCP connection of which this could hold".to_owned(),
                span,
                expected: Some("a connection".to_owned()),
                actual: Some("none".to_owned()),
                ..Finding::default()
            },
        });
    }

    /// No connection has the name.
    pub fn no_such(&self, name: &Asked<String>) -> Finding {
        let names: Vec<&str> = self.subjects.iter().map(Subject::name).collect();
        Finding {
            code: "no-such-connection",
            message: format!("no connection is called `{}`", name.value),
            span: Some(name.span.clone()),
            expected: Some(name.value.clone()),
            actual: Some(if names.is_empty() {
                "no connection at all".to_owned()
            } else {
                shorten_list(&names)
            }),
            ..Finding::default()
        }
    }
}

/// A name, or one that begins so if the pattern ends in `*`.
pub fn means(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

/// At most ten names.
pub fn shorten_list(names: &[&str]) -> String {
    let shown = names.len().min(10);
    let mut text = names[..shown].join(", ");
    if names.len() > shown {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}

impl OfConnections {
    /// The first place where something is asked.
    fn first_span(&self) -> Option<crate::scenario::Span> {
        let spans = [
            self.closed_by.as_ref().map(|asked| &asked.span),
            self.close.as_ref().map(|asked| &asked.span),
            self.handshake.as_ref().map(|asked| &asked.span),
        ];
        let more = self.numbers.iter().map(|asked| &asked.span);
        let more = more.chain(self.payload.iter().map(|asked| &asked.span));
        let more = more.chain(self.options.iter().map(|asked| &asked.span));
        let all = spans.into_iter().flatten().chain(more);
        all.min_by_key(|span| span.start).cloned()
    }
}
