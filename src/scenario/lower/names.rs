//! Who is called what, and who is meant by a name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::super::check;
use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::Span;
use super::super::words::{all_of, one_of};
use super::{Lower, Node, client, default_address, reach, server};

/// Most clients in one scenario.
const MAX_CLIENTS: usize = 20_000;

/// A server as its table names it.
#[derive(Debug, Clone)]
pub struct NamedServer {
    /// Its name.
    pub name: Arc<str>,
    /// Where it listens, or would.
    pub listen: SocketAddr,
    /// It runs in a process of its own.
    pub process: bool,
}

/// The names of the file.
#[derive(Debug, Default)]
pub struct Names {
    /// Every `[server]` table, those of kind `none` too.
    pub servers: Vec<NamedServer>,
    /// Every client's name.
    pub clients: Vec<String>,
    /// Those of external programs.
    pub programs: BTreeSet<String>,
}

impl Names {
    /// Every actor's name.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.servers
            .iter()
            .map(|s| s.name.as_ref())
            .chain(self.clients.iter().map(String::as_str))
    }
}

impl Lower<'_> {
    /// Learns all names, reports those that come twice, and gives the names of each client table.
    pub fn collect_names(
        &mut self,
        servers: &[Node<'_>],
        clients: &[Node<'_>],
    ) -> Vec<Vec<String>> {
        let mut seen: BTreeMap<String, (Span, &'static str)> = BTreeMap::new();
        let mut listening: BTreeMap<SocketAddr, Span> = BTreeMap::new();
        for (index, node) in servers.iter().enumerate() {
            let name = match node.get("name").and_then(Node::text) {
                Some(name) => name.to_owned(),
                None if index == 0 => "server".to_owned(),
                None => format!("server-{}", index + 1),
            };
            let listen = server::listen(*node);
            self.once(&mut seen, &name, *node, "servers");
            let span = node.get("listen").map_or_else(|| node.span(), Node::span);
            if let Some(first) = listening.insert(listen, span.clone()) {
                self.report(
                    Diagnostic::new(
                        Code::Conflict,
                        span,
                        format!("two servers listen on {listen}"),
                        "the second: bind(2) would fail with EADDRINUSE",
                    )
                    .context(first, "the first"),
                );
            }
            if node.get("command").is_some() {
                self.names.programs.insert(name.clone());
            }
            let forking = node.get("kind").and_then(Node::text) == Some("forking");
            self.names.servers.push(NamedServer {
                name: name.into(),
                listen,
                process: forking
                    || node.get("command").is_some()
                    || node.bool("process").unwrap_or(false),
            });
        }
        let mut tables = Vec::new();
        for node in clients {
            let names = client::names(*node, self.names.clients.len());
            if self.names.clients.len() + names.len() > MAX_CLIENTS {
                self.report(Diagnostic::new(
                    Code::WrongValue,
                    node.get("count").unwrap_or(*node).span(),
                    "too many clients",
                    format!("more than {MAX_CLIENTS} in all"),
                ));
                tables.push(Vec::new());
                continue;
            }
            for name in &names {
                if !self.once(&mut seen, name, *node, "clients") {
                    break;
                }
            }
            if node.get("command").is_some() {
                self.names.programs.extend(names.iter().cloned());
            }
            self.names.clients.extend(names.iter().cloned());
            tables.push(names);
        }
        if servers.is_empty() && !clients.is_empty() && self.file.get("server").is_none() {
            self.no_server(clients);
        }
        if servers.is_empty() && clients.is_empty() {
            self.nobody();
        }
        tables
    }

    fn once(
        &mut self,
        seen: &mut BTreeMap<String, (Span, &'static str)>,
        name: &str,
        node: Node<'_>,
        what: &'static str,
    ) -> bool {
        let span = node.get("name").unwrap_or(node).span();
        match seen.get(name) {
            None => {
                seen.insert(name.to_owned(), (span, what));
                true
            }
            Some((first, of)) => {
                let first = first.clone();
                let what = if *of == what { what } else { "actors" };
                self.report(
                    Diagnostic::new(
                        Code::Conflict,
                        span,
                        format!("two {what} are called `{name}`"),
                        "the second",
                    )
                    .context(first, "the first")
                    .help("flows, waits and snapshots tell connections by the client's name: give another one"),
                );
                false
            }
        }
    }

    fn no_server(&mut self, clients: &[Node<'_>]) {
        // A misspelt `[server]` has been reported.
        if self.file_has_unknown_keys() || clients.iter().all(|c| c.get("command").is_some()) {
            return;
        }
        self.report(
            Diagnostic::new(
                Code::Missing,
                clients[0].span(),
                "there is no server to connect to",
                "this client needs one",
            )
            .help("where nothing is meant to listen, say so: kind = \"none\"")
            .example("[server]\nkind = \"select\"\nlisten = \"127.0.0.1:5000\""),
        );
    }

    fn nobody(&mut self) {
        if self.file_has_unknown_keys() || !self.found.is_empty() {
            return;
        }
        self.report(
            Diagnostic::new(
                Code::Missing,
                0..0,
                "there is no server and no client",
                "nobody would do anything",
            )
            .example(super::super::words::FILE.example),
        );
    }

    fn file_has_unknown_keys(&self) -> bool {
        self.file.entries().iter().any(|(key, _)| {
            !super::super::words::FILE
                .keys
                .iter()
                .any(|k| k.name == key.get_ref())
        })
    }

    /// The address that a client's `server` key means, or the only server's.
    pub fn client_target(&mut self, node: Node<'_>) -> Option<SocketAddr> {
        if let Some(server) = node.get("server") {
            return self.target(server.text()?, server.span());
        }
        match self.names.servers.as_slice() {
            [] => Some(default_address()),
            [only] => Some(reach(only.listen)),
            several => {
                if node.get("command").is_some() {
                    return Some(reach(several[0].listen));
                }
                let names = one_of(several.iter().map(|s| s.name.as_ref()));
                let first = several[0].name.clone();
                self.report(
                    Diagnostic::new(
                        Code::Missing,
                        node.span(),
                        "which server does this client talk to?",
                        format!("there are {}", several.len()),
                    )
                    .help(format!("say which: {names}"))
                    .example(format!("server = \"{first}\"")),
                );
                None
            }
        }
    }

    /// The address that a server's name or an address in the text means.
    pub fn target(&mut self, text: &str, span: Span) -> Option<SocketAddr> {
        if text.contains(':') {
            return check::address(text).ok().map(reach);
        }
        if let Some(server) = self.names.servers.iter().find(|s| *s.name == *text) {
            return Some(reach(server.listen));
        }
        let names: Vec<Arc<str>> = self.names.servers.iter().map(|s| s.name.clone()).collect();
        self.unknown_name("server", text, span, &names);
        None
    }

    /// Reports a name that nobody has.
    pub fn unknown_name(&mut self, what: &str, text: &str, span: Span, names: &[Arc<str>]) {
        let words = names.iter().map(Arc::as_ref);
        let mut diagnostic = Diagnostic::new(
            Code::UnknownName,
            span,
            format!("there is no {what} `{}`", check::shorten(text)),
            "unknown name",
        )
        .help_all(check::nearest(text, words.clone()));
        if !names.is_empty() && names.len() <= 12 {
            diagnostic = diagnostic.help(format!("known: {}", all_of(words)));
        }
        self.report(diagnostic);
    }

    /// Is there an actor of this name?
    pub fn is_actor(&self, name: &str) -> bool {
        self.names.all().any(|n| n == name)
    }
}
