//! The second pass: from the file's values, whose shapes are known to be right or have been
//! reported, to the model. Reports what only the whole file shows: names, contradictions, steps
//! that cannot be.

mod client;
mod expect;
mod expect_more;
mod expect_text;
mod frame;
mod limit;
mod names;
mod node;
mod outside;
mod refer;
mod script;
mod server;
mod step;
mod values;

pub use node::Node;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::model::{CaptureSpec, Link, Scenario, Source, Span};
use names::Names;

/// `127.0.0.1:5000`
pub fn default_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 5000))
}

/// Collects the model and what is wrong with it.
pub struct Lower<'a> {
    file: Node<'a>,
    /// The text itself, for the places within its strings.
    source: Arc<Source>,
    /// Where files are looked for; `None` when the text came from nowhere.
    folder: Option<&'a Path>,
    names: Names,
    /// What the first pass and this one have found.
    found: Vec<Diagnostic>,
}

/// The model of a file, or everything that is wrong with it; `found` is what the first pass has reported.
pub fn lower(
    source: &Arc<Source>,
    file: Node<'_>,
    folder: Option<&Path>,
    found: Vec<Diagnostic>,
) -> Result<Scenario, Vec<Diagnostic>> {
    let mut lower = Lower {
        file,
        source: source.clone(),
        folder,
        names: Names::default(),
        found,
    };
    let scenario = lower.scenario(source);
    if lower.found.is_empty() {
        Ok(scenario)
    } else {
        lower.found.sort_by_key(|d| (d.span.start, d.span.end));
        lower.found.dedup();
        Err(lower.found)
    }
}

impl Lower<'_> {
    fn scenario(&mut self, source: &Arc<Source>) -> Scenario {
        let file = self.file;
        let server_nodes = file
            .get("server")
            .map(Node::one_or_many)
            .unwrap_or_default();
        let client_nodes = file
            .get("client")
            .map(Node::one_or_many)
            .unwrap_or_default();
        let client_names = self.collect_names(&server_nodes, &client_nodes);

        let mut servers = Vec::new();
        for (node, name) in server_nodes.iter().zip(self.names.servers.clone()) {
            servers.extend(self.server(*node, name.name));
        }
        let mut clients = Vec::new();
        for (node, names) in client_nodes.iter().zip(&client_names) {
            clients.extend(self.clients(*node, names));
        }
        self.sysctl();
        self.files(self.folder);
        let actors = (server_nodes.iter().zip(self.names.servers.iter()))
            .map(|(node, server)| (*node, server.name.to_string()));
        let of_clients = client_nodes
            .iter()
            .zip(&client_names)
            .flat_map(|(node, names)| names.iter().map(|name| (*node, name.clone())));
        let actors: Vec<_> = actors.chain(of_clients).collect();
        let expect = self.expect(source, &actors);
        if self.found.is_empty() {
            self.meeting_points(&clients);
            self.protocols(&servers, &clients);
        }
        let name = source
            .path
            .file_stem()
            .map_or_else(|| "scenario".into(), |s| s.to_string_lossy().into_owned());
        let text = |key| file.get(key).and_then(Node::text);
        Scenario {
            title: text("title").unwrap_or(&name).to_owned(),
            name,
            source: source.clone(),
            explain: text("explain").map(str::to_owned),
            limit: file
                .get("limit")
                .and_then(Node::duration)
                .unwrap_or_else(|| limit::of(&servers, &clients)),
            servers,
            clients,
            link: link(file.get("link")),
            sysctl: file.get("sysctl").map(Node::map).unwrap_or_default(),
            capture: CaptureSpec {
                snaplen: file.get("capture").and_then(|c| c.get("snaplen")?.number()),
                buffer: file.get("capture").and_then(|c| c.get("buffer")?.number()),
            },
            expect,
        }
    }

    /// Adds what is wrong.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// How much is wrong so far.
    pub fn found_len(&self) -> usize {
        self.found.len()
    }

    /// Has anything within this span been reported? Then what follows from it is not worth a word.
    pub fn broken(&self, span: &Span) -> bool {
        self.found
            .iter()
            .any(|d| d.span.start >= span.start && d.span.end <= span.end)
    }
}

fn link(node: Option<Node<'_>>) -> Link {
    let Some(node) = node else {
        return Link::default();
    };
    Link {
        mtu: node.get("mtu").and_then(Node::number),
        offload: node.bool("offload").unwrap_or(true),
        span: node.span(),
    }
}

/// Where one connects to reach a server that listens here: an unspecified address is reached on the loopback one.
pub fn reach(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
