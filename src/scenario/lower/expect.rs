//! `[expect]`: facts of connections.

use super::super::check;
use super::super::diagnostic::{Code, Diagnostic};
use super::super::expectation::*;
use super::super::model::Source;
use super::super::words::one_of;
use super::{Lower, Node};
use crate::flow::Handshake;
use crate::tcp::Side;

/// Facts that are numbers.
const COUNTS: &[Count] = &[
    Count::Syns,
    Count::Resets,
    Count::Retransmissions,
    Count::DuplicateAcks,
    Count::ZeroWindow,
    Count::Segments,
    Count::Bytes,
];

const SIDES: [(&str, Side); 2] = [("client", Side::Client), ("server", Side::Server)];

impl Lower<'_> {
    /// `[expect]`, and what `[server]` and `[[client]]` say of their programs' output.
    pub(super) fn expect(&mut self, source: &Source, programs: &[(Node<'_>, String)]) -> Expect {
        let mut expect = Expect {
            output: self.outputs(programs),
            ..Expect::default()
        };
        let Some(table) = self.file.get("expect") else {
            return expect;
        };
        expect.snapshot = table.bool("snapshot");
        expect.variants = table.texts("variants");
        expect.fails = table.texts("fails");
        expect.fails_span = table.get("fails").unwrap_or(table).span();
        expect.connections = table
            .get("connections")
            .and_then(|node| self.asked_bound(node));
        let all = self.of_connections(source, table);
        if !all.is_empty() {
            expect.of.push(all);
        }
        let many = |key| table.get(key).map(Node::one_or_many).unwrap_or_default();
        for node in many("connection") {
            let mut some = self.of_connections(source, node);
            if some.is_empty() {
                self.says_nothing(node, "what is expected of it?", "closed-by = \"client\"");
            }
            some.name = node.get("name").and_then(|name| self.connection_name(name));
            expect.of.push(some);
        }
        for node in many("order") {
            expect.order.extend(self.order(node));
        }
        for node in many("time") {
            expect.time.extend(self.time(node));
        }
        for node in many("packets") {
            expect.packets.extend(self.packets(source, node));
        }
        for node in many("redact") {
            expect.redact.extend(self.redaction(source, node));
        }
        expect
    }

    fn of_connections(&mut self, source: &Source, table: Node<'_>) -> OfConnections {
        let word = |key| {
            table
                .get(key)
                .and_then(|node| Some((node.text()?, node.span())))
        };
        OfConnections {
            name: None,
            flow: table.get("flow").and_then(|node| self.flow(source, node)),
            closed_by: word("closed-by").and_then(|(word, span)| {
                let value = match word {
                    "client" => ClosedBy::Client,
                    "server" => ClosedBy::Server,
                    "both" => ClosedBy::Both,
                    "nobody" => ClosedBy::Nobody,
                    _ => return None,
                };
                Some(Asked { value, span })
            }),
            close: word("close").and_then(|(word, span)| {
                let value = match word {
                    "fin" => CloseKind::Fin,
                    "crossed" => CloseKind::Crossed,
                    "reset" => CloseKind::Reset,
                    "half" => CloseKind::Half,
                    "open" => CloseKind::Open,
                    "none" => CloseKind::None,
                    _ => return None,
                };
                Some(Asked { value, span })
            }),
            handshake: word("handshake").and_then(|(word, span)| {
                let value = match word {
                    "complete" => Handshake::Complete,
                    "refused" => Handshake::Refused,
                    "unanswered" => Handshake::Unanswered,
                    "partial" => Handshake::Partial,
                    _ => return None,
                };
                Some(Asked { value, span })
            }),
            numbers: self.numbers(table),
            payload: self.payloads(source, table),
            options: self.tcp_options(table),
        }
    }

    fn numbers(&mut self, table: Node<'_>) -> Vec<Number> {
        let mut numbers = vec![];
        for &what in COUNTS {
            let Some(node) = table.get(what.key()) else {
                continue;
            };
            let sides = SIDES.map(|(key, side)| (node.get(key), side));
            let together = node.get("min").or(node.get("max"));
            let by_side = sides.iter().find_map(|(node, _)| *node);
            match (by_side, together) {
                (Some(one), Some(both)) => self.report(
                    Diagnostic::new(
                        Code::Conflict,
                        both.span(),
                        format!("`{}` is of both sides together or of each", what.key()),
                        "of both",
                    )
                    .context(one.span(), "of one")
                    .example(format!(
                        "{} = {{ client = 0, server = {{ min = 1 }} }}",
                        what.key()
                    )),
                ),
                (Some(_), None) => {
                    for (node, side) in sides {
                        let bound = node.and_then(|node| self.asked_bound(node));
                        numbers.extend(bound.map(|asked| Number {
                            what,
                            side: Some(side),
                            bound: asked.value,
                            span: asked.span,
                        }));
                    }
                }
                (None, _) => numbers.extend(self.asked_bound(node).map(|asked| Number {
                    what,
                    side: None,
                    bound: asked.value,
                    span: asked.span,
                })),
            }
        }
        numbers
    }

    /// A number or a range; `None` for `any`, and where it is wrong.
    pub(super) fn asked_bound(&mut self, node: Node<'_>) -> Option<Asked<Bound>> {
        let span = node.span();
        if let Some(n) = node.number::<u64>() {
            let value = Bound::exactly(n);
            return Some(Asked { value, span });
        }
        node.table()?;
        let [min, max] = ["min", "max"].map(|key| node.get(key).and_then(Node::number::<u64>));
        if let (Some(least), Some(most)) = (min, max)
            && least > most
        {
            self.report(Diagnostic::new(
                Code::Conflict,
                span,
                format!("no number is at least {least} and at most {most}"),
                "`min` is above `max`",
            ));
            return None;
        }
        if min.is_none() && max.is_none() {
            self.says_nothing(node, "neither `min` nor `max`", "{ min = 1 }");
            return None;
        }
        let value = Bound { min, max };
        Some(Asked { value, span })
    }

    fn payloads(&mut self, source: &Source, table: Node<'_>) -> Vec<Payload> {
        let Some(node) = table.get("payload") else {
            return vec![];
        };
        if node.table().is_some_and(|table| table.is_empty()) {
            self.says_nothing(node, "whose?", "payload = { client = \"hello\" }");
        }
        let mut payloads = vec![];
        for (key, side) in SIDES {
            let Some(node) = node.get(key) else { continue };
            payloads.extend(self.wanted(source, node).map(|wanted| Payload {
                side,
                wanted,
                span: node.span(),
            }));
        }
        payloads
    }

    fn tcp_options(&mut self, table: Node<'_>) -> Vec<TcpOption> {
        let Some(node) = table.get("options") else {
            return vec![];
        };
        if node.table().is_some_and(|table| table.is_empty()) {
            self.says_nothing(node, "which?", "options = { timestamps = true }");
        }
        let mut options = vec![];
        self.syn_options(node, None, &mut options);
        for (key, side) in SIDES {
            if let Some(node) = node.get(key) {
                self.syn_options(node, Some(side), &mut options);
            }
        }
        options
    }

    fn syn_options(&mut self, table: Node<'_>, side: Option<Side>, options: &mut Vec<TcpOption>) {
        for (key, node) in table.entries() {
            let wanted = match key.get_ref().as_ref() {
                "mss" => self
                    .asked_bound(node)
                    .map(|asked| OptionValue::Mss(asked.value)),
                "window-scale" => {
                    let bound = self.asked_bound(node);
                    bound.map(|asked| OptionValue::WindowScale(asked.value))
                }
                "sack-permitted" => node.boolean().map(OptionValue::SackPermitted),
                "timestamps" => node.boolean().map(OptionValue::Timestamps),
                _ => None,
            };
            options.extend(wanted.map(|wanted| TcpOption {
                side,
                wanted,
                span: node.span(),
            }));
        }
    }

    fn outputs(&mut self, programs: &[(Node<'_>, String)]) -> Vec<Output> {
        let mut outputs = vec![];
        for (table, actor) in programs {
            for (key, stderr) in [("stdout", false), ("stderr", true)] {
                let Some(node) = table.get(key) else { continue };
                let source = self.source.clone();
                outputs.extend(self.wanted(&source, node).map(|wanted| Output {
                    actor: actor.clone(),
                    stderr,
                    wanted,
                    span: node.span(),
                }));
            }
        }
        outputs
    }

    /// A connection's name, `*` at its end for any rest: somebody must be able to have it.
    pub(super) fn connection_name(&mut self, node: Node<'_>) -> Option<Asked<String>> {
        let text = node.text()?;
        let base = text.split('#').next().unwrap_or(text);
        let names: Vec<std::sync::Arc<str>> = self.names.all().map(std::sync::Arc::from).collect();
        // What connections of external programs are called is not known before the run.
        let programs = ["client", "program"];
        let known = match base.strip_suffix('*') {
            Some(start) => {
                let all = names.iter().map(AsRef::as_ref).chain(programs);
                all.into_iter().any(|name| name.starts_with(start))
            }
            None => {
                names.iter().any(|name| **name == *base)
                    || (!self.names.programs.is_empty() && programs.contains(&base))
            }
        };
        if !known {
            self.unknown_name("connection", text, node.span(), &names);
            return None;
        }
        Some(Asked {
            value: text.to_owned(),
            span: node.span(),
        })
    }

    pub(super) fn says_nothing(&mut self, node: Node<'_>, label: &str, example: &str) {
        self.report(
            Diagnostic::new(Code::Missing, node.span(), "this expects nothing", label)
                .example(example),
        );
    }

    /// Keys that mean nothing beside another.
    pub(super) fn beside(&mut self, node: Node<'_>, tag: &str, allowed: &[&str]) {
        for (key, _) in node.entries() {
            let name = key.get_ref().as_ref();
            if name != tag && !allowed.contains(&name) {
                self.report(
                    Diagnostic::new(
                        Code::Conflict,
                        key.span(),
                        format!("`{}` means nothing beside `{tag}`", check::shorten(name)),
                        "cannot be here",
                    )
                    .help(format!(
                        "beside `{tag}` may stand {}",
                        one_of(allowed.iter().copied())
                    )),
                );
            }
        }
    }
}
