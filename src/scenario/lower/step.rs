//! Steps.

use std::path::PathBuf;
use std::time::Duration;

use super::super::check;
use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::{Action, EventMatch, How, ProcessSignal, Recv, SegmentMatch, Step, Wait};
use super::values::{data, options};
use super::{Lower, Node};

/// Longest time that a step may take unless it says otherwise.
pub const STEP_LIMIT: Duration = Duration::from_secs(5);

impl Lower<'_> {
    /// A list of steps.
    pub fn steps(&mut self, list: Node<'_>) -> Vec<Step> {
        let mut out = Vec::new();
        for node in list.items() {
            let limit = node.get("limit").and_then(Node::duration);
            let fails = node
                .get("fails")
                .and_then(|f| Some((f.text()?.to_owned(), f.span())));
            for action in self.actions(node) {
                out.push(Step {
                    action,
                    limit: limit.unwrap_or(STEP_LIMIT),
                    fails: fails.clone(),
                    span: node.span(),
                });
            }
        }
        out
    }

    /// The actions of one step: several only for `set` with several options.
    fn actions(&mut self, node: Node<'_>) -> Vec<Action> {
        if let Some(word) = node.text() {
            return word_action(word).into_iter().collect();
        }
        let tags = super::super::words::STEP.tags;
        let Some((tag, value)) = tags.iter().find_map(|k| Some((k.name, node.get(k.name)?))) else {
            return Vec::new();
        };
        if tag == "set" {
            let options = options(Some(value));
            if options.is_empty() {
                self.report(
                    Diagnostic::new(
                        Code::Missing,
                        value.span(),
                        "`set` sets nothing",
                        "no option",
                    )
                    .example("{ set = { nodelay = true } }"),
                );
            }
            return options.into_iter().map(Action::Set).collect();
        }
        self.tagged_action(tag, value).into_iter().collect()
    }

    fn tagged_action(&mut self, tag: &str, value: Node<'_>) -> Option<Action> {
        Some(match tag {
            "connect" => match value.text() {
                Some(target) => Action::Connect(Some(self.target(target, value.span())?)),
                None => Action::Connect(None),
            },
            "bind" => Action::Bind(value.number()?),
            "send" => Action::Send(data(value)?),
            "send-message" => Action::SendMessage(data(value)?),
            "recv" => Action::Recv(recv(value)?),
            "recv-message" => Action::RecvMessage(match value.boolean() {
                Some(_) => None,
                None => Some(data(value)?),
            }),
            "recv-file" => {
                let path = |key| Some(PathBuf::from(value.get(key)?.text()?));
                Action::RecvFile {
                    into: path("into"),
                    equals: path("equals"),
                }
            }
            "shutdown" => Action::Shutdown(match value.text()? {
                "read" => How::Read,
                "write" => How::Write,
                _ => How::Both,
            }),
            "wait" => Action::Wait(self.wait(value)?),
            "barrier" => Action::Barrier(value.text()?.to_owned()),
            "repeat" => Action::Repeat {
                times: value.get("times")?.number()?,
                steps: self.steps(value.get("steps")?),
            },
            "kill" => Action::Signal(ProcessSignal::Kill, value.text()?.to_owned()),
            "stop" => Action::Signal(ProcessSignal::Stop, value.text()?.to_owned()),
            "continue" => Action::Signal(ProcessSignal::Continue, value.text()?.to_owned()),
            "deaf" => Action::Deaf(value.boolean()?),
            other => word_action(other)?,
        })
    }

    fn wait(&mut self, value: Node<'_>) -> Option<Wait> {
        if let Some(word) = value.text() {
            return Some(match word {
                "readable" => Wait::Readable,
                "peer-fin" => Wait::PeerFin,
                "peer-reset" => Wait::PeerReset,
                "acked" => Wait::Acked,
                _ => Wait::Stalled,
            });
        }
        let text = |key| value.get(key).and_then(Node::text).map(str::to_owned);
        let times = value.get("times").and_then(Node::number).unwrap_or(1);
        if let Some(queued) = value.get("queued") {
            self.only(value, "queued", &[]);
            return Some(Wait::Queued(queued.number()?));
        }
        if let Some(event) = value.get("event") {
            self.only(value, "event", &["actor", "times", "connection"]);
            let Some(actor) = text("actor") else {
                self.report(
                    Diagnostic::new(
                        Code::Missing,
                        value.span(),
                        "whose event?",
                        "`actor` is missing",
                    )
                    .example("{ wait = { actor = \"server\", event = \"accept\" } }"),
                );
                return None;
            };
            return Some(Wait::Event(EventMatch {
                actor,
                call: event.text()?.to_owned(),
                times,
                connection: text("connection"),
            }));
        }
        self.only(value, "segment", &["from", "times", "connection"]);
        Some(Wait::Segment(SegmentMatch {
            from: text("from"),
            flags: check::flags(value.get("segment")?.text()?).ok()?,
            times,
            connection: text("connection"),
        }))
    }

    /// Options that mean nothing beside this kind of wait.
    fn only(&mut self, value: Node<'_>, tag: &str, allowed: &[&str]) {
        for (key, _) in value.entries() {
            let name = key.get_ref().as_ref();
            if name != tag && !allowed.contains(&name) {
                self.report(
                    Diagnostic::new(
                        Code::Conflict,
                        key.span(),
                        format!("`{name}` means nothing beside `{tag}`"),
                        "cannot be here",
                    )
                    .help(if allowed.is_empty() {
                        format!("`{tag}` stands alone")
                    } else {
                        format!(
                            "beside `{tag}` may stand {}",
                            super::super::words::one_of(allowed.iter().copied())
                        )
                    }),
                );
            }
        }
    }
}

fn recv(value: Node<'_>) -> Option<Recv> {
    if let Some(count) = value.int() {
        return Some(Recv::Count(count.try_into().ok()?));
    }
    if let Some(count) = value.get("count") {
        return Some(Recv::Count(count.number()?));
    }
    if let Some(most) = value.get("up-to") {
        return Some(Recv::UpTo(most.number()?));
    }
    Some(Recv::Exact(data(value)?))
}

/// Steps that need no argument.
fn word_action(word: &str) -> Option<Action> {
    Some(match word {
        "connect" => Action::Connect(None),
        "close" => Action::Close,
        "reset" => Action::Reset,
        "recv-eof" => Action::Recv(Recv::Eof),
        "recv-message" => Action::RecvMessage(None),
        "shutdown-read" => Action::Shutdown(How::Read),
        "shutdown-write" => Action::Shutdown(How::Write),
        "shutdown-both" => Action::Shutdown(How::Both),
        "accept" => Action::Accept,
        "close-listener" => Action::CloseListener,
        _ => return None,
    })
}
