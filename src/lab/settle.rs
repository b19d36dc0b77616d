//! When is an exchange over? Known from what the actors did and from what the capture shows of it;
//! never from time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::flow::atoms::Atoms;
use crate::flow::{self, Book, Exchange, Pair, ResetKind};
use crate::scenario::{Handler, Scenario, Server, ServerKind};
use crate::tcp::{Conversation, Side};
use crate::timeline::{Event, Op};

/// What one side's program did to its socket, as far as its operations tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Socket {
    /// Not closed (so far).
    Open,
    /// `shutdown(SHUT_WR)`, or nothing more to send.
    WriteShut,
    /// Closed, reset or killed.
    Closed,
    /// Its program reports nothing.
    Unknown,
}

/// Follows a run to the point where nothing more is to be expected of it. Looks at each event once,
/// and at a connection again only when something new is known of it: a run may have ten thousand.
pub struct Settler<'a> {
    servers: HashMap<&'a str, &'a Server>,
    by_address: HashMap<SocketAddr, &'a Server>,
    isolated: bool,
    book: Book,
    /// Events looked at.
    looked: usize,
    /// Scripts that have ended: of a connection, and of a listening socket, by its actor.
    done: HashSet<Pair>,
    done_actors: HashSet<Arc<str>>,
    /// Servers that were processes, and are no more.
    ended: HashSet<Arc<str>>,
    /// The conversations of an address pair, in their order.
    of_pair: HashMap<Pair, Vec<usize>>,
    /// Of each conversation: its addresses, and which of theirs it is.
    known: Vec<(Pair, usize)>,
    /// Conversations that something may still be awaited of.
    open: BTreeSet<usize>,
    /// Pairs of which a client reports a connection that has not been captured.
    unseen: BTreeSet<Pair>,
}

impl<'a> Settler<'a> {
    /// Nothing happened yet. `isolated`: nobody else can use the interface.
    pub fn new(scenario: &'a Scenario, isolated: bool) -> Self {
        let servers = scenario.servers.iter();
        Settler {
            servers: servers.clone().map(|s| (&*s.name, s)).collect(),
            // The first of those that listen at one address.
            by_address: servers.rev().map(|s| (s.listen, s)).collect(),
            isolated,
            book: Book::new(scenario.cast()),
            looked: 0,
            done: HashSet::new(),
            done_actors: HashSet::new(),
            ended: HashSet::new(),
            of_pair: HashMap::new(),
            known: vec![],
            open: BTreeSet::new(),
            unseen: BTreeSet::new(),
        }
    }

    /// Takes what is new: events beyond those looked at, conversations beyond those known, and
    /// the indices of those that had new segments.
    pub fn update(
        &mut self,
        events: &[Event],
        conversations: &[Conversation],
        changed: impl IntoIterator<Item = u32>,
    ) {
        for event in &events[self.looked..] {
            self.event(event);
        }
        self.looked = events.len();
        for (index, conversation) in conversations.iter().enumerate().skip(self.known.len()) {
            let pair = (conversation.client, conversation.server);
            let those = self.of_pair.entry(pair).or_default();
            self.known.push((pair, those.len()));
            those.push(index);
            self.open.insert(index);
            self.find_unseen(pair);
        }
        let changed = changed.into_iter().map(|stream| stream as usize);
        self.open
            .extend(changed.filter(|&index| index < conversations.len()));
    }

    fn event(&mut self, event: &Event) {
        let over = matches!(event.call.as_str(), "done" | "killed");
        match event.ends {
            Some(ends) if over => {
                self.done.insert((ends.peer, ends.local));
                self.reopen((ends.peer, ends.local));
            }
            None if over || event.call == "exit" => {
                // A script of the listening socket is one for all connections, and so is a process.
                let actors = if over {
                    &mut self.done_actors
                } else {
                    &mut self.ended
                };
                let news = actors.insert(event.actor.clone());
                if news && self.servers.contains_key(&*event.actor) {
                    self.open.extend(0..self.known.len());
                }
            }
            _ => {}
        }
        if let Some(pair) = self.book.add(event) {
            self.reopen(pair);
            self.find_unseen(pair);
        }
    }

    fn reopen(&mut self, pair: Pair) {
        self.open
            .extend(self.of_pair.get(&pair).into_iter().flatten());
    }

    fn find_unseen(&mut self, pair: Pair) {
        let captured = self.of_pair.get(&pair).map_or(0, Vec::len);
        let mut beyond = self.book.made(pair).iter().skip(captured);
        if beyond.any(|life| life.connected) {
            self.unseen.insert(pair);
        } else {
            self.unseen.remove(&pair);
        }
    }

    /// What is still awaited before the recording can end; `None` when every connection has ended
    /// or has been left open on purpose, with everything that was sent on the wire.
    pub fn awaited(&mut self, conversations: &[Conversation]) -> Option<String> {
        if let Some(pair) = self.unseen.first() {
            let who = self.book.made(*pair).last();
            let who = who.map_or("a client", |life| &*life.actor);
            return Some(format!("the frames of {who}'s connection"));
        }
        while let Some(index) = self.open.first().copied() {
            if let Some(what) = self.awaited_of(index, &conversations[index]) {
                return Some(what);
            }
            self.open.remove(&index);
        }
        None
    }

    fn awaited_of(&self, index: usize, conversation: &Conversation) -> Option<String> {
        let (pair, nth) = self.known[index];
        let [client, server] = self.book.lives(pair, nth);
        if client.is_none() && server.is_none() && !self.isolated {
            return None;
        }
        let listening = self.by_address.get(&pair.1).copied();
        let named = match server {
            Some(life) => self.servers.get(&*life.actor).copied(),
            None => listening,
        };
        let actor = server
            .map(|life| &life.actor)
            .or(listening.map(|s| &s.name));
        let serving = Serving {
            server: named,
            accepted: server.is_some(),
            ended: actor.is_some_and(|actor| self.ended.contains(actor)),
            script_done: self.done.contains(&pair)
                || actor.is_some_and(|actor| self.done_actors.contains(actor)),
        };
        let ops = [client, server].map(|life| life.map(|life| life.ops.as_slice()));
        let what = connection(ops, conversation, &serving)?;
        let name = client.map_or("client", |life| &*life.actor);
        Some(format!("{name}: {what}"))
    }

    /// What is still awaited of datagrams: what was sent must be captured, and who sent what was
    /// captured must have said so.
    pub fn awaited_udp(&self, exchanges: &[Exchange], events: &[Event]) -> Option<String> {
        let cast = self.book.cast();
        exchanges.iter().find_map(|exchange| {
            let [client, server] =
                flow::operations(cast, (exchange.client, exchange.server), events);
            for (side, ops) in [(Side::Client, client), (Side::Server, server)] {
                let Some(ops) = ops else { continue };
                let (told, seen) = (sent(&ops), exchange.bytes(side));
                if told > seen {
                    return Some(format!("datagrams that the {side} sent"));
                } else if told < seen {
                    return Some(format!("the {side}'s send() to return"));
                }
            }
            None
        })
    }
}

/// The server's end of a connection, as far as the scenario and the events tell.
struct Serving<'a> {
    server: Option<&'a Server>,
    accepted: bool,
    /// It was a process, and is no more.
    ended: bool,
    script_done: bool,
}

impl Serving<'_> {
    /// Built-in handlers close when their peer has closed.
    fn closes_after_peer(&self) -> bool {
        self.server.is_some_and(|server| {
            !matches!(server.kind, ServerKind::Listen | ServerKind::Udp)
                && !matches!(server.handler, Handler::Steps(_))
        })
    }

    fn echoes(&self) -> bool {
        let handler = self.server.map(|server| &server.handler);
        self.closes_after_peer() && handler == Some(&Handler::Echo)
    }

    /// The connection stands in the queue, and the server will take it.
    fn will_accept(&self) -> bool {
        let accepts = |server: &Server| {
            !matches!(
                server.kind,
                ServerKind::Listen | ServerKind::Udp | ServerKind::Command(_)
            )
        };
        !self.accepted && !self.ended && self.server.is_some_and(accepts)
    }

    /// Its list of steps is still being worked through.
    fn script_runs(&self) -> bool {
        let handler = self.server.map(|server| &server.handler);
        matches!(handler, Some(Handler::Steps(_))) && self.accepted && !self.script_done
    }
}

fn connection(
    ops: [Option<&[Op]>; 2],
    conversation: &Conversation,
    serving: &Serving<'_>,
) -> Option<String> {
    let atoms = Atoms::of(conversation);
    if !atoms.established {
        // A SYN that nobody answered: the client's script ended all the same.
        return None;
    }
    if serving.will_accept() {
        return Some("the server to accept it".to_owned());
    }
    if serving.script_runs() {
        return Some("the server's script".to_owned());
    }
    let sides = [Side::Client, Side::Server];
    for side in sides {
        if let Some(ops) = ops[side.index()]
            && let Some(what) = unreported(&atoms, side, ops)
        {
            return Some(what);
        }
    }
    let mut sockets = ops.map(socket);
    for side in sides {
        // A program that reports nothing has closed when its FIN is on the wire.
        if sockets[side.index()] == Socket::Unknown && atoms.side(side).fin.is_some() {
            sockets[side.index()] = Socket::WriteShut;
        }
    }
    if sides.iter().any(|side| atoms.side(*side).rst.is_some()) {
        let closing = serving.accepted && serving.closes_after_peer();
        let open = sockets[Side::Server.index()] == Socket::Open;
        return (closing && open).then(|| "the server to close its socket".to_owned());
    }
    for side in sides {
        if let Some(what) = unseen(&atoms, side, ops[side.index()], sockets[side.index()]) {
            return Some(what);
        }
    }
    match (sockets[0], sockets[1]) {
        (Socket::Closed | Socket::WriteShut, Socket::Open | Socket::Unknown)
            if serving.closes_after_peer() && atoms.side(Side::Server).fin.is_none() =>
        {
            Some("the server's FIN".to_owned())
        }
        (Socket::Open, Socket::Open) if serving.echoes() => {
            let received = atoms.side(Side::Client).len();
            let echoed = atoms.side(Side::Server).len();
            let more = echoed < received && !atoms.window_closed(Side::Client);
            more.then(|| "the echo".to_owned())
        }
        _ => None,
    }
}

/// On the wire already, but its program has not yet said that it did it.
fn unreported(atoms: &Atoms<'_>, side: Side, ops: &[Op]) -> Option<String> {
    let own = atoms.side(side);
    let socket = socket(Some(ops));
    let aborted = own.rst.is_some_and(|rst| rst.kind == ResetKind::Abort);
    // A killed process may not have told of its last send.
    if sent(ops) < own.len() && !ops.contains(&Op::Killed) {
        Some(format!("the {side}'s send() to return"))
    } else if (own.fin.is_some() && socket == Socket::Open) || (aborted && socket != Socket::Closed)
    {
        Some(format!("the {side}'s close() to return"))
    } else {
        None
    }
}

/// Done by its program already, but not yet on the wire.
fn unseen(atoms: &Atoms<'_>, side: Side, ops: Option<&[Op]>, socket: Socket) -> Option<String> {
    let own = atoms.side(side);
    if atoms.window_closed(side.other()) {
        // What it sent cannot leave.
        return None;
    }
    if sent(ops.unwrap_or_default()) > own.len() {
        return Some(format!("bytes that the {side} sent"));
    }
    if matches!(socket, Socket::Open | Socket::Unknown) {
        return None;
    }
    if own.fin.is_none() {
        Some(format!("the {side}'s FIN"))
    } else if own.acked < own.sequence_end() {
        Some(format!("the acknowledgement of the {side}'s FIN"))
    } else {
        None
    }
}

/// Bytes that the kernel took from the program.
fn sent(ops: &[Op]) -> u64 {
    let ends = ops.iter().map(|op| match *op {
        Op::Sent { end, .. } => end,
        _ => 0,
    });
    ends.max().unwrap_or(0)
}

fn socket(ops: Option<&[Op]>) -> Socket {
    let Some(ops) = ops else {
        return Socket::Unknown;
    };
    let closes = |op: &Op| matches!(op, Op::Close { .. } | Op::Reset | Op::Killed);
    if ops.iter().any(closes) {
        Socket::Closed
    } else if ops.contains(&Op::Shutdown) {
        Socket::WriteShut
    } else {
        Socket::Open
    }
}
