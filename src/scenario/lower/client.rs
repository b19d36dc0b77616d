//! `[[client]]` tables.

use std::sync::Arc;

use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::{Client, ClientKind};
use super::script::{Role, Script};
use super::{Lower, Node};

const PROGRAM: &[&str] = &[
    "stdin",
    "keep-stdin",
    "env",
    "dir",
    "status",
    "stdout",
    "stderr",
];
const BUILT_IN: &[&str] = &["steps", "udp", "framing", "server"];

/// The names of a client table: `index` is the number of clients before it.
pub fn names(node: Node<'_>, index: usize) -> Vec<String> {
    let count: Option<usize> = node.get("count").and_then(Node::number);
    let name = node.get("name").and_then(Node::text);
    match (name, count) {
        (None, count) => (0..count.unwrap_or(1))
            .map(|i| format!("client-{}", index + i + 1))
            .collect(),
        (Some(name), None) => vec![name.to_owned()],
        (Some(name), Some(count)) => {
            // `client-1` with a count of 100 makes client-1 … client-100, as `client` does.
            let (base, first) = match name.rsplit_once('-') {
                Some((base, number)) if !base.is_empty() => match number.parse::<u32>() {
                    Ok(first) => (base, first as usize),
                    Err(_) => (name, 1),
                },
                _ => (name, 1),
            };
            (0..count)
                .map(|i| format!("{base}-{}", first + i))
                .collect()
        }
    }
}

impl Lower<'_> {
    /// The clients of one table.
    pub fn clients(&mut self, node: Node<'_>, names: &[String]) -> Vec<Client> {
        let command = node.get("command");
        self.alternatives(node, command.is_some(), PROGRAM, BUILT_IN, "steps");
        let kind = match (command, node.get("steps")) {
            (Some(argv), _) => ClientKind::Command(self.program(node, argv)),
            (None, Some(steps)) => {
                let steps = Arc::new(self.steps(steps));
                if node.bool("udp").unwrap_or(false) {
                    ClientKind::Udp(steps)
                } else {
                    ClientKind::Script(steps)
                }
            }
            (None, None) => {
                self.report(
                    Diagnostic::new(
                        Code::Missing,
                        node.span(),
                        "a client needs `steps` or `command`",
                        "what does it do?",
                    )
                    .example("steps = [\"connect\", { send = \"hello\" }, { recv = \"hello\" }, \"close\"]"),
                );
                return Vec::new();
            }
        };
        let framing = self.framing(node.get("framing"));
        let (role, script) = match &kind {
            ClientKind::Script(steps) => (Role::Client, Some(steps)),
            ClientKind::Udp(steps) => (Role::Udp, Some(steps)),
            ClientKind::Command(_) => (Role::Client, None),
        };
        if let (Some(steps), false) = (script, self.broken(&node.extent())) {
            let script = Script {
                role,
                actors: names,
                framing: framing.as_ref(),
            };
            self.script(steps, script);
        }
        let Some(target) = self.client_target(node) else {
            return Vec::new();
        };
        names
            .iter()
            .map(|name| Client {
                name: Arc::from(name.as_str()),
                target,
                kind: kind.clone(),
                framing: framing.clone(),
                span: node.span(),
            })
            .collect()
    }
}
