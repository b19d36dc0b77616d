//! Data, framing, socket options and programs.

use std::path::PathBuf;

use super::super::check;
use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::{Data, Framing, Program, SocketOption};
use super::{Lower, Node};

/// Longest message accepted unless the file says otherwise.
const MAX_MESSAGE: u64 = 1 << 20;

/// Text or hex.
pub fn known_bytes(node: Node<'_>) -> Option<Vec<u8>> {
    match node.text() {
        Some(text) => Some(text.as_bytes().to_vec()),
        None => check::hex(node.get("hex")?.text()?).ok(),
    }
}

/// Text, hex, a file or a pattern.
pub fn data(node: Node<'_>) -> Option<Data> {
    if let Some(bytes) = known_bytes(node) {
        return Some(Data::Bytes(bytes));
    }
    if let Some(file) = node.get("file") {
        return Some(Data::File(PathBuf::from(file.text()?)));
    }
    Some(Data::Pattern(node.get("pattern")?.number()?))
}

/// Each option of the table.
pub fn options(node: Option<Node<'_>>) -> Vec<SocketOption> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|(key, value)| {
            Some(match key.get_ref().as_ref() {
                "nodelay" => SocketOption::NoDelay(value.boolean()?),
                "linger" => SocketOption::Linger(value.number()),
                "rcvbuf" => SocketOption::RcvBuf(value.number()?),
                "sndbuf" => SocketOption::SndBuf(value.number()?),
                "keepalive" => SocketOption::KeepAlive(value.boolean()?),
                "reuseaddr" => SocketOption::ReuseAddr(value.boolean()?),
                "quickack" => SocketOption::QuickAck(value.boolean()?),
                "cork" => SocketOption::Cork(value.boolean()?),
                _ => return None,
            })
        })
        .collect()
}

impl Lower<'_> {
    /// How messages are told apart.
    pub fn framing(&mut self, node: Option<Node<'_>>) -> Option<Framing> {
        let node = node?;
        match node.text() {
            Some("close") => return Some(Framing::Close),
            Some("stream") => return Some(Framing::Stream),
            _ => {}
        }
        if let Some(length) = node.get("fixed") {
            return Some(Framing::Fixed(length.number()?));
        }
        if let Some(delimiter) = node.get("delimiter") {
            let bytes = known_bytes(delimiter)?;
            if bytes.is_empty() {
                self.report(
                    Diagnostic::new(
                        Code::WrongValue,
                        delimiter.span(),
                        "a delimiter cannot be empty",
                        "every message would end before it began",
                    )
                    .example("framing = { delimiter = \"\\n\" }"),
                );
            }
            return Some(Framing::Delimiter(bytes));
        }
        let prefix = node.get("prefix")?;
        let width_node = prefix.get("width").unwrap_or(prefix);
        let width: u8 = width_node.number()?;
        if ![1, 2, 4, 8].contains(&width) {
            self.report(
                Diagnostic::new(
                    Code::WrongValue,
                    width_node.span(),
                    format!("a length prefix cannot have {width} bytes"),
                    "not 1, 2, 4 or 8",
                )
                .example("framing = { prefix = 4 }"),
            );
        }
        let signed = prefix.bool("signed").unwrap_or(false);
        let bits = u32::from(width.min(8)) * 8 - u32::from(signed);
        let widest = u64::MAX >> (64 - bits);
        let max_node = prefix.get("max");
        let max = max_node
            .and_then(Node::number)
            .unwrap_or(MAX_MESSAGE.min(widest));
        if let Some(node) = max_node
            && max > widest
        {
            self.report(Diagnostic::new(
                Code::WrongValue,
                node.span(),
                format!("a prefix of {width} bytes cannot say {max}"),
                format!("at most {widest}"),
            ));
        }
        Some(Framing::Prefix {
            width,
            big_endian: prefix.get("order").and_then(Node::text) != Some("little"),
            signed,
            max,
        })
    }

    /// An external program: `table` is the server's or client's, `argv` its `command`.
    pub fn program(&mut self, table: Node<'_>, argv: Node<'_>) -> Program {
        let words = table.texts("command");
        if words.first().is_none_or(String::is_empty) {
            self.report(
                Diagnostic::new(
                    Code::WrongValue,
                    argv.span(),
                    "`command` names no program",
                    "empty",
                )
                .example("command = [\"python3\", \"server.py\"]"),
            );
        }
        let env = table.get("env").map(Node::map).unwrap_or_default();
        for (name, value, span) in &env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                self.report(Diagnostic::new(
                    Code::WrongValue,
                    span.clone(),
                    "no environment variable can be like this",
                    "a name has no `=`, and neither has a NUL",
                ));
            }
        }
        if let Some(at) = words.iter().position(|w| w.contains('\0')) {
            self.report(Diagnostic::new(
                Code::WrongValue,
                argv.items().nth(at).unwrap_or(argv).span(),
                "no argument can be like this",
                "it holds a NUL",
            ));
        }
        Program {
            inherit: false,
            argv: words,
            stdin: table.texts("stdin"),
            keep_stdin: table.bool("keep-stdin").unwrap_or(false),
            env: env.into_iter().map(|(k, v, _)| (k, v)).collect(),
            dir: table.get("dir").and_then(Node::text).map(PathBuf::from),
            status: table.get("status").and_then(Node::number),
            span: argv.span(),
        }
    }
}
