//! `[expect]`: order, time, packets, redactions.

use super::super::check;
use super::super::diagnostic::{Code, Diagnostic};
use super::super::expectation::*;
use super::super::inside::Inside;
use super::super::model::{EventMatch, Source};
use super::{Lower, Node};
use crate::filter::Filter;
use crate::flow::Redaction;
use crate::tcp::Side;

impl Lower<'_> {
    pub(super) fn order(&mut self, table: Node<'_>) -> Option<Order> {
        let first = table.get("first").and_then(|node| self.moment(node));
        let then = table.get("then").and_then(|node| self.moment(node));
        let (first, then) = (first?, then?);
        if first.what == then.what {
            self.report(
                Diagnostic::new(
                    Code::Conflict,
                    then.span,
                    "nothing comes before itself",
                    "the same as `first`",
                )
                .context(first.span, "the first")
                .help("a later one of its kind: times = 2"),
            );
            return None;
        }
        Some(Order {
            first,
            then,
            span: table.span(),
        })
    }

    fn moment(&mut self, node: Node<'_>) -> Option<Moment> {
        let span = node.span();
        let times = node.get("times").and_then(Node::number).unwrap_or(1);
        let connection = match node.get("connection") {
            Some(name) => Some(self.connection_name(name)?.value),
            None => None,
        };
        let what = if let Some(event) = node.get("event") {
            self.beside(node, "event", &["actor", "connection", "times"]);
            let Some(actor) = node.get("actor") else {
                self.report(
                    Diagnostic::new(Code::Missing, span, "whose event?", "`actor` is missing")
                        .example("{ actor = \"server\", event = \"accept\" }"),
                );
                return None;
            };
            let event = EventMatch {
                actor: actor.text()?.to_owned(),
                call: event.text()?.to_owned(),
                times,
                connection,
            };
            self.can_report(&event, actor);
            Happening::Event(event)
        } else {
            let data = node.get("data").is_some();
            let tag = if data { "data" } else { "segment" };
            self.beside(node, tag, &["connection", "from", "times"]);
            Happening::Segment {
                connection,
                from: side(node),
                flags: match node.get("segment") {
                    Some(flags) => check::flags(flags.text()?).ok()?,
                    None if data => String::new(),
                    None => return None,
                },
                data,
                times,
            }
        };
        Some(Moment { what, span })
    }

    pub(super) fn time(&mut self, table: Node<'_>) -> Option<Time> {
        let measure = match table.get("measure")?.text()? {
            "handshake" => Measure::Handshake,
            "answer" => Measure::Answer,
            "gap" => Measure::Gap,
            _ => return None,
        };
        if let (Some(from), true) = (table.get("from"), measure != Measure::Gap) {
            self.report(
                Diagnostic::new(
                    Code::Conflict,
                    from.span(),
                    format!("`from` means nothing beside `{}`", measure.word()),
                    "cannot be here",
                )
                .help("it is for `gap`: between the segments of one side"),
            );
        }
        let connection = match table.get("connection") {
            Some(name) => Some(self.connection_name(name)?),
            None => None,
        };
        let [min, max] = ["min", "max"].map(|key| table.get(key).and_then(Node::duration));
        let range = table.get("max").or(table.get("min"));
        let Some(range) = range else {
            self.says_nothing(table, "neither `min` nor `max`", "max = \"40ms\"");
            return None;
        };
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            self.report(Diagnostic::new(
                Code::Conflict,
                range.span(),
                "no time is that long and that short",
                "`min` is above `max`",
            ));
            return None;
        }
        Some(Time {
            measure,
            connection,
            from: side(table),
            min,
            max,
            tolerance: table
                .get("tolerance")
                .and_then(Node::duration)
                .unwrap_or_default(),
            span: range.span(),
        })
    }

    pub(super) fn packets(&mut self, source: &Source, table: Node<'_>) -> Option<Packets> {
        let node = table.get("filter")?;
        let text = node.text()?;
        let count = table.get("count");
        let bound = match count {
            Some(count) => self.asked_bound(count).map(|asked| asked.value),
            None => Some(Bound::at_least(1)),
        };
        if text.trim().is_empty() {
            self.says_nothing(
                node,
                "every packet passes",
                "filter = \"tcp.flags.reset == 1\"",
            );
            return None;
        }
        match Filter::parse(text) {
            Ok(filter) => Some(Packets {
                filter,
                count: bound?,
                span: count.unwrap_or(node).span(),
            }),
            Err(error) => {
                let inside = Inside::of(&source.text, node.span(), text);
                let diagnostic = Diagnostic::new(
                    Code::WrongValue,
                    inside.place(error.span.clone()),
                    "this display filter is refused",
                    error.message.clone(),
                );
                self.report(diagnostic.help_all(error.help));
                None
            }
        }
    }

    pub(super) fn redaction(&mut self, source: &Source, table: Node<'_>) -> Option<Redaction> {
        let pattern = table.get("pattern")?;
        let regex = self.regex(source, pattern)?;
        if regex.is_match(b"") {
            self.report(
                Diagnostic::new(
                    Code::WrongValue,
                    pattern.span(),
                    "what is redacted must be at least a byte long",
                    "this matches where nothing stands",
                )
                .help("`+` instead of `*`"),
            );
            return None;
        }
        Some(Redaction {
            name: table.get("name")?.text()?.to_owned(),
            pattern: regex,
            with: table.get("with")?.text()?.as_bytes().to_vec(),
        })
    }
}

fn side(node: Node<'_>) -> Option<Side> {
    match node.get("from")?.text()? {
        "client" => Some(Side::Client),
        _ => Some(Side::Server),
    }
}
