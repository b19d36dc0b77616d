//! What each actor did on which connection, by the addresses of its own sockets.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::timeline::{Event, Op};

/// Client's and server's address.
pub type Pair = (SocketAddr, SocketAddr);

/// The part of an actor: all that must be known of it to tell whose connection an event is about.
#[derive(Debug, Clone, Default)]
pub struct Cast {
    /// Actors that serve.
    pub servers: HashSet<Arc<str>>,
    /// Actors that speak UDP.
    pub datagrams: HashSet<Arc<str>>,
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
    cast: Cast,
    clients: Lives,
    serving: Lives,
}

impl Book {
    /// Nothing happened yet.
    pub fn new(cast: Cast) -> Self {
        Book {
            cast,
            clients: Lives::default(),
            serving: Lives::default(),
        }
    }

    /// Who takes part.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// Takes the next event; the connection that it was on, if it was on one.
    pub fn add(&mut self, event: &Event) -> Option<Pair> {
        let ends = event.ends?;
        if self.cast.datagrams.contains(&event.actor) {
            return None;
        }
        let opens = matches!(event.call.as_str(), "connect" | "accept");
        let outwards = (ends.local, ends.peer);
        // A forwarding server is the client of its second connection.
        let accepted = self.cast.servers.contains(&event.actor)
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

    /// Every address pair that a client reports, with its connections.
    pub fn all(&self) -> impl Iterator<Item = (Pair, &[Life])> {
        let pairs = self.clients.0.iter();
        pairs.map(|(pair, lives)| (*pair, lives.as_slice()))
    }

    /// The connections of an address pair that a client reports.
    pub fn made(&self, pair: Pair) -> &[Life] {
        self.clients.of(pair)
    }
}

/// The operations of client and server on one address pair, for datagrams; `None` where nobody
/// reports any.
pub fn operations(cast: &Cast, pair: Pair, events: &[Event]) -> [Option<Vec<Op>>; 2] {
    let mut ops = [None, None];
    for event in events {
        let Some(ends) = event.ends else { continue };
        let served = cast.servers.contains(&event.actor);
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
