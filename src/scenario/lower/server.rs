//! `[server]` tables.

use std::net::SocketAddr;
use std::sync::Arc;

use super::super::check;
use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::{Handler, Server, ServerKind, SocketOption};
use super::script::{Role, Script};
use super::values::{known_bytes, options};
use super::{Lower, Node, default_address};

/// Keys that only an external program understands.
const PROGRAM: &[&str] = &[
    "stdin",
    "keep-stdin",
    "env",
    "dir",
    "status",
    "stdout",
    "stderr",
];
/// Keys that an external program does not understand.
const BUILT_IN: &[&str] = &[
    "kind",
    "handler",
    "backlog",
    "options",
    "framing",
    "process",
    "descriptors",
];

/// Where a server table says that something listens, or would.
pub fn listen(node: Node<'_>) -> SocketAddr {
    node.get("listen")
        .and_then(Node::text)
        .and_then(|t| check::address(t).ok())
        .unwrap_or_else(default_address)
}

impl Lower<'_> {
    /// A server; `None` for `kind = "none"`.
    pub fn server(&mut self, node: Node<'_>, name: Arc<str>) -> Option<Server> {
        let command = node.get("command");
        self.alternatives(node, command.is_some(), PROGRAM, BUILT_IN, "kind");
        let kind = match (command, node.get("kind").and_then(Node::text)) {
            (Some(argv), _) => ServerKind::Command(self.program(node, argv)),
            (None, Some(kind)) => built_in(kind)?,
            (None, None) => {
                self.missing_kind(node);
                return None;
            }
        };
        let framing = self.framing(node.get("framing"));
        let mut options = options(node.get("options"));
        if !options
            .iter()
            .any(|o| matches!(o, SocketOption::ReuseAddr(_)))
        {
            options.insert(0, SocketOption::ReuseAddr(true));
        }
        let process = node.bool("process");
        if let (Some(false), ServerKind::Forking) = (process, &kind) {
            self.conflict(
                node,
                "process",
                "a forking server always runs in a process of its own",
                "fork(2) in a process with threads is unsafe",
            );
        }
        let process = process.unwrap_or(matches!(kind, ServerKind::Forking));
        if !process && node.get("descriptors").is_some() {
            self.conflict(
                node,
                "descriptors",
                "`descriptors` needs `process = true`",
                "the limit is one of a whole process",
            );
        }
        let handler = self.handler(node, &kind);
        if let (Handler::Steps(steps), false) = (&handler, self.broken(&node.extent())) {
            let role = match kind {
                ServerKind::Listen => Role::Listener,
                _ => Role::Connection,
            };
            let script = Script {
                role,
                actors: &[name.to_string()],
                framing: framing.as_ref(),
            };
            self.script(steps, script);
        }
        Some(Server {
            name,
            listen: listen(node),
            handler,
            kind,
            backlog: node.get("backlog").and_then(Node::number).unwrap_or(5),
            options,
            framing,
            process,
            descriptors: node.get("descriptors").and_then(Node::number),
            span: node.span(),
        })
    }

    fn handler(&mut self, node: Node<'_>, kind: &ServerKind) -> Handler {
        let Some(value) = node.get("handler") else {
            return match kind {
                ServerKind::Listen => Handler::Steps(Arc::default()),
                _ => Handler::Echo,
            };
        };
        if let Some(word) = value.text() {
            if matches!(kind, ServerKind::Listen) {
                self.conflict(
                    node,
                    "handler",
                    "a server of kind `listen` accepts no connections",
                    "it may have steps, but no handler of connections",
                );
            }
            if let (ServerKind::Udp, "chat") = (kind, word) {
                self.conflict(
                    node,
                    "handler",
                    "a UDP server has no connections",
                    "it can be `echo` or `sink`",
                );
            }
            if let (ServerKind::Forking, "chat") = (kind, word) {
                self.conflict(
                    node,
                    "handler",
                    "a forking server cannot chat",
                    "its connections live in different processes: take another kind",
                );
            }
            return match word {
                "sink" => Handler::Sink,
                "chat" => Handler::Chat,
                _ => Handler::Echo,
            };
        }
        if let (ServerKind::Udp, None) = (kind, value.text()) {
            self.conflict(
                node,
                "handler",
                "a UDP server has no connections",
                "it can be `echo` or `sink`",
            );
        }
        if let Some(bytes) = value.get("greet").and_then(known_bytes) {
            return Handler::Greet(bytes);
        }
        if let Some(bytes) = value.get("http").and_then(known_bytes) {
            return Handler::Http(bytes);
        }
        if let Some(to) = value.get("forward") {
            let address = to.text().and_then(|t| check::address(t).ok());
            let address = address.unwrap_or_else(default_address);
            if address == listen(node) {
                self.report(Diagnostic::new(
                    Code::Conflict,
                    to.span(),
                    "a forwarder cannot forward to itself",
                    "this is where it listens",
                ));
            }
            return Handler::Forward(address);
        }
        Handler::Steps(Arc::new(self.steps(value)))
    }

    fn missing_kind(&mut self, node: Node<'_>) {
        self.report(
            Diagnostic::new(
                Code::Missing,
                node.span(),
                "a server needs `kind` or `command`",
                "which server is it?",
            )
            .example("[server]\nkind = \"select\"\nlisten = \"127.0.0.1:5000\""),
        );
    }

    /// A program and a built-in actor have different keys.
    pub fn alternatives(
        &mut self,
        node: Node<'_>,
        program: bool,
        of_program: &[&str],
        of_built_in: &[&str],
        instead: &str,
    ) {
        let wrong = if program { of_built_in } else { of_program };
        for (key, _) in node.entries() {
            let name = key.get_ref().as_ref();
            if wrong.contains(&name) {
                let message = if program {
                    format!("`{name}` means nothing to an external program")
                } else {
                    format!("`{name}` is for external programs")
                };
                let help = if program {
                    format!("take `command` or `{name}` away")
                } else {
                    format!("give `command` instead of `{instead}`, or take `{name}` away")
                };
                self.report(
                    Diagnostic::new(Code::Conflict, key.span(), message, "cannot be here")
                        .help(help),
                );
            }
        }
    }

    pub(super) fn conflict(&mut self, node: Node<'_>, key: &str, message: &str, label: &str) {
        let span = node.get(key).map_or_else(|| node.span(), Node::span);
        self.report(Diagnostic::new(Code::Conflict, span, message, label));
    }
}

/// The kind by its word; `None` for `none` and for what is not a kind.
fn built_in(word: &str) -> Option<ServerKind> {
    Some(match word {
        "select" => ServerKind::Select,
        "poll" => ServerKind::Poll,
        "epoll" => ServerKind::Epoll,
        "threaded" => ServerKind::Threaded,
        "forking" => ServerKind::Forking,
        "sequential" => ServerKind::Sequential,
        "udp" => ServerKind::Udp,
        "listen" => ServerKind::Listen,
        _ => return None,
    })
}
