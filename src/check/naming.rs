//! Which conversation is whose: conversations get the names of the clients that made them, and the
//! operations of both programs.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::flow::{Book, Pair};
use crate::scenario::{ClientKind, Scenario, ServerKind};
use crate::tcp::Conversation;
use crate::timeline::{Event, Op};

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

/// Names the conversations of a run. `isolated`: nobody else can have used the interface.
pub fn own(
    scenario: &Scenario,
    conversations: &[Conversation],
    events: &[Event],
    isolated: bool,
) -> Ownership {
    let mut book = Book::new(scenario.cast());
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
    for (pair, lives) in book.all() {
        let seen = used.get(&pair).copied().unwrap_or(0);
        for life in lives.iter().skip(seen).filter(|life| life.connected) {
            ownership.unseen.push((life.actor.clone(), pair));
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
