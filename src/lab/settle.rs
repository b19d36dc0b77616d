//! When is an exchange over? Known from what the actors did and from what the capture shows of it;
//! never from time.

use crate::check::naming::{self, Owned};
use crate::flow::atoms::Atoms;
use crate::flow::{Exchange, ResetKind};
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

/// What is still awaited before the recording can end; `None` when every connection has ended or
/// has been left open on purpose, with everything that was sent on the wire.
pub fn awaited(
    scenario: &Scenario,
    conversations: &[Conversation],
    events: &[Event],
    isolated: bool,
) -> Option<String> {
    let ownership = naming::own(scenario, conversations, events, isolated);
    if let Some((actor, _)) = ownership.unseen.first() {
        return Some(format!("the frames of {actor}'s connection"));
    }
    ownership.own.iter().find_map(|owned| {
        let conversation = &conversations[owned.index];
        let server = scenario
            .servers
            .iter()
            .find(|server| Some(&server.name) == owned.server.as_ref());
        let serving = Serving {
            server,
            accepted: owned.server_ops.is_some(),
            ended: events
                .iter()
                .any(|event| event.call == "exit" && Some(&event.actor) == owned.server.as_ref()),
            script_done: events.iter().any(|event| {
                matches!(event.call.as_str(), "done" | "killed")
                    && match event.ends {
                        Some(ends) => {
                            ends.peer == conversation.client && ends.local == conversation.server
                        }
                        // A script of the listening socket: one for all connections.
                        None => Some(&event.actor) == owned.server.as_ref(),
                    }
            }),
        };
        connection(owned, conversation, &serving).map(|what| format!("{}: {what}", owned.name))
    })
}

/// What is still awaited of datagrams: what was sent must be captured, and who sent what was
/// captured must have said so.
pub fn awaited_udp(
    scenario: &Scenario,
    exchanges: &[Exchange],
    events: &[Event],
) -> Option<String> {
    exchanges.iter().find_map(|exchange| {
        let [client, server] =
            naming::operations(scenario, (exchange.client, exchange.server), events);
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

fn connection(owned: &Owned, conversation: &Conversation, serving: &Serving<'_>) -> Option<String> {
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
    let ops = [owned.client_ops.as_deref(), owned.server_ops.as_deref()];
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
