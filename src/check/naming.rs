//! Which conversation is whose: conversations get the names of the clients that made them, and the
//! operations of both programs, by the addresses of the actors' own sockets.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::scenario::{ClientKind, Scenario, ServerKind};
use crate::tcp::Conversation;
use crate::timeline::{Event, Op};

/// Client's and server's address.
pub type Pair = (SocketAddr, SocketAddr);

/// A conversation with its name and what both programs did on it.
#[derive(Debug, Clone)]
pub struct Owned {
    /// `client-1`, or `client-1#2` for its second connection.
    pub name: String,
    /// The server's actor.
    pub server: Option<Arc<str>>,
    /// Index into the conversations.
    pub index: usize,
    /// The client's operations, if it reports any.
    pub client_ops: Option<Vec<Op>>,
    /// The server's operations, if it reports any.
    pub server_ops: Option<Vec<Op>>,
}

/// The conversations of the run's own actors, in the order of their names, and the foreign ones.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    /// Ours.
    pub own: Vec<Owned>,
    /// Indices of conversations that none of our actors took part in.
    pub foreign: Vec<usize>,
    /// Connections that an actor reports and the capture does not hold: the actor, its addresses.
    pub unseen: Vec<(Arc<str>, Pair)>,
}

/// One connection as one actor lived it.
#[derive(Debug, Clone)]
pub struct Life {
    /// Who.
    pub actor: Arc<str>,
    /// What it did, in its order.
    pub ops: Vec<Op>,
    /// It began with a `connect` or `accept` that succeeded.
    pub connected: bool,
}

/// What actors of one side did, by address pair, one entry for each time the pair was used.
#[derive(Debug, Default)]
struct Lives(HashMap<Pair, Vec<Life>>);

impl Lives {
    fn add(&mut self, pair: Pair, event: &Event, opens: bool) {
        let lives = self.0.entry(pair).or_default();
        if opens || lives.is_empty() {
            let connected = event.errno.is_none();
            lives.push(Life {
                actor: event.actor.clone(),
                ops: vec![],
                connected,
            });
        }
        if let (Some(life), Some(op)) = (lives.last_mut(), event.op) {
            life.ops.push(op);
        }
    }

    fn of(&self, pair: Pair) -> &[Life] {
        self.0.get(&pair).map_or(&[], Vec::as_slice)
    }
}

/// What both sides did on which connection; fed with events one by one, as they come.
#[derive(Debug)]
pub struct Book {
    servers: HashSet<Arc<str>>,
    /// Actors that speak UDP.
    datagrams: HashSet<Arc<str>>,
    clients: Lives,
    serving: Lives,
}

impl Book {
    /// Nothing happened yet.
    pub fn new(scenario: &Scenario) -> Self {
        let servers = scenario.servers.iter();
        let udp_servers = servers.clone().filter(|s| s.kind == ServerKind::Udp);
        let udp_clients = scenario.clients.iter();
        let udp_clients = udp_clients.filter(|c| matches!(c.kind, ClientKind::Udp(_)));
        Book {
            servers: servers.map(|server| server.name.clone()).collect(),
            datagrams: udp_clients
                .map(|client| client.name.clone())
                .chain(udp_servers.map(|server| server.name.clone()))
                .collect(),
            clients: Lives::default(),
            serving: Lives::default(),
        }
    }

    /// Takes the next event; the connection that it was on, if it was on one.
    pub fn add(&mut self, event: &Event) -> Option<Pair> {
        let ends = event.ends?;
        if self.datagrams.contains(&event.actor) {
            return None;
        }
        let opens = matches!(event.call.as_str(), "connect" | "accept");
        let outwards = (ends.local, ends.peer);
        // A forwarding server is the client of its second connection.
        let accepted = self.servers.contains(&event.actor)
            && event.call != "connect"
            && !(self.clients.of(outwards).iter()).any(|life| life.actor == event.actor);
        if accepted {
            let pair = (ends.peer, ends.local);
            self.serving.add(pair, event, opens);
            Some(pair)
        } else {
            self.clients.add(outwards, event, opens);
            Some(outwards)
        }
    }

    /// What the client and the server did on the `nth` connection of an address pair, from 0.
    pub fn lives(&self, pair: Pair, nth: usize) -> [Option<&Life>; 2] {
        [&self.clients, &self.serving].map(|lives| lives.of(pair).get(nth))
    }

    /// The connections of an address pair that a client reports.
    pub fn made(&self, pair: Pair) -> &[Life] {
        self.clients.of(pair)
    }
}

/// How conversations get their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Roles {
    /// By the actors' own sockets: a run of ours.
    #[default]
    Actors,
    /// By addresses and ports: a capture that came from elsewhere.
    Addresses {
        /// The server's address in the capture, where it is not the scenario's.
        server: Option<SocketAddr>,
    },
}

/// Names the conversations of a capture from elsewhere. A conversation belongs to the scenario if
/// its server's end is the given address, or else has the address, or failing that the port, of one
/// of the scenario's servers or of a client's target. Clients are named in the order of their first
/// segments, as the scenario lists them.
pub fn by_address(
    scenario: &Scenario,
    conversations: &[Conversation],
    server: Option<SocketAddr>,
) -> Ownership {
    let servers = scenario.servers.iter().map(|server| server.listen);
    let targets = scenario.clients.iter().map(|client| client.target);
    let known: Vec<SocketAddr> = match server {
        Some(server) => vec![server],
        None => servers.chain(targets).collect(),
    };
    let exact = conversations
        .iter()
        .any(|conversation| known.contains(&conversation.server));
    let ours = |address: SocketAddr| match exact {
        true => known.contains(&address),
        false => server.is_none() && known.iter().any(|known| known.port() == address.port()),
    };
    let mut names = scenario
        .clients
        .iter()
        .map(|client| client.name.to_string());
    let mut ownership = Ownership::default();
    for (index, conversation) in conversations.iter().enumerate() {
        if !ours(conversation.server) {
            ownership.foreign.push(index);
            continue;
        }
        let count = ownership.own.len() + 1;
        let named = scenario.servers.first().map(|server| server.name.clone());
        ownership.own.push(Owned {
            name: names.next().unwrap_or_else(|| format!("client#{count}")),
            server: named,
            index,
            client_ops: None,
            server_ops: None,
        });
    }
    ownership.own.sort_by_cached_key(|own| natural(&own.name));
    ownership
}

/// The operations of client and server on one address pair, for datagrams; `None` where nobody
/// reports any.
pub fn operations(scenario: &Scenario, pair: Pair, events: &[Event]) -> [Option<Vec<Op>>; 2] {
    let mut ops = [None, None];
    for event in events {
        let Some(ends) = event.ends else { continue };
        let served = scenario
            .servers
            .iter()
            .any(|server| server.name == event.actor);
        let (side, of) = if served {
            (1, (ends.peer, ends.local))
        } else {
            (0, (ends.local, ends.peer))
        };
        if of == pair {
            ops[side].get_or_insert_with(Vec::new).extend(event.op);
        }
    }
    ops
}

/// The client's name for an address pair: who reports to have used it.
pub fn client_of(pair: Pair, events: &[Event]) -> Option<Arc<str>> {
    let uses = |event: &&Event| {
        event
            .ends
            .is_some_and(|ends| (ends.local, ends.peer) == pair)
    };
    events.iter().find(uses).map(|event| event.actor.clone())
}

/// Names the conversations of a run. `isolated`: nobody else can have used the interface.
pub fn own(
    scenario: &Scenario,
    conversations: &[Conversation],
    events: &[Event],
    isolated: bool,
) -> Ownership {
    let mut book = Book::new(scenario);
    for event in events {
        book.add(event);
    }
    let reporting = |kind: &ClientKind| !matches!(kind, ClientKind::Command(_));
    let strangers: Vec<&str> = scenario
        .clients
        .iter()
        .filter(|client| !reporting(&client.kind))
        .map(|client| &*client.name)
        .collect();
    // An external server reports nothing either, but nobody else can listen where it does.
    let programs: Vec<SocketAddr> = (scenario.servers.iter())
        .filter(|server| !strangers.is_empty() && matches!(server.kind, ServerKind::Command(_)))
        .map(|server| server.listen)
        .collect();
    let mut ownership = Ownership::default();
    let mut used: HashMap<Pair, usize> = HashMap::new();
    let mut named: HashMap<String, usize> = HashMap::new();
    for (index, conversation) in conversations.iter().enumerate() {
        let pair = (conversation.client, conversation.server);
        let nth = used.entry(pair).or_default();
        let [client, server] = book.lives(pair, *nth);
        *nth += 1;
        let base = match client {
            Some(life) => life.actor.to_string(),
            // The client reports nothing: an external program, or a caller from outside.
            None if server.is_some() || isolated || programs.contains(&conversation.server) => {
                match strangers.as_slice() {
                    [only] => (*only).to_owned(),
                    [] => "client".to_owned(),
                    _ => "program".to_owned(),
                }
            }
            None => {
                ownership.foreign.push(index);
                continue;
            }
        };
        let count = named.entry(base.clone()).or_default();
        *count += 1;
        let name = if *count == 1 {
            base
        } else {
            format!("{base}#{count}")
        };
        let listening = scenario
            .servers
            .iter()
            .find(|server| server.listen == conversation.server);
        ownership.own.push(Owned {
            name,
            server: server
                .map(|life| life.actor.clone())
                .or(listening.map(|s| s.name.clone())),
            index,
            client_ops: client.map(|life| life.ops.clone()),
            server_ops: server.map(|life| life.ops.clone()),
        });
    }
    for (pair, lives) in &book.clients.0 {
        let seen = used.get(pair).copied().unwrap_or(0);
        for life in lives.iter().skip(seen).filter(|life| life.connected) {
            ownership.unseen.push((life.actor.clone(), *pair));
        }
    }
    ownership.unseen.sort();
    ownership
        .own
        .sort_by_cached_key(|owned| natural(&owned.name));
    ownership
}

/// A sort key in which `client-10` follows `client-9`.
pub fn natural(name: &str) -> Vec<(String, u64)> {
    let mut key = vec![];
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(end);
        key.push((text.to_owned(), number.parse().unwrap_or(u64::MAX)));
        rest = tail;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = ["client-10", "client-9", "client-1#2", "client-1", "alice"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(
            names,
            ["alice", "client-1", "client-1#2", "client-9", "client-10"]
        );
    }
}
