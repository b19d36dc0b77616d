//! When is an exchange over? Known from what the actors did and from what the capture shows of it;
//! never from time.

use crate::check::naming::{self, Owned};
use crate::flow::atoms::Atoms;
use crate::scenario::{ClientKind, Handler, Scenario, Server, ServerKind};
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
        let server = scenario.servers.iter().find(|server| Some(&server.name) == owned.server.as_ref());
        connection(owned, conversation, server, programs_only(scenario))
            .map(|what| format!("{}: {what}", owned.name))
    })
}

/// All clients are external programs: when they have exited, their sockets are closed.
fn programs_only(scenario: &Scenario) -> bool {
    scenario.clients.iter().all(|client| matches!(client.kind, ClientKind::Command(_)))
}

fn connection(
    owned: &Owned,
    conversation: &Conversation,
    server: Option<&Server>,
    exited: bool,
) -> Option<String> {
    let atoms = Atoms::of(conversation);
    if atoms.directions.iter().any(|direction| direction.rst.is_some()) {
        return None;
    }
    if !atoms.established {
        // A SYN that nobody answered: the client's script ended all the same.
        return None;
    }
    let ops = [owned.client_ops.as_deref(), owned.server_ops.as_deref()];
    let mut sockets = ops.map(socket);
    if exited && sockets[0] == Socket::Unknown {
        sockets[0] = Socket::Closed;
    }
    for side in [Side::Client, Side::Server] {
        let own = atoms.side(side);
        let sent = ops[side.index()].unwrap_or_default().iter().map(|op| match *op {
            Op::Sent { end, .. } => end,
            _ => 0,
        });
        let stuck = blocked(&atoms, side);
        if !stuck && sent.max().unwrap_or(0) > own.len() {
            return Some(format!("bytes that the {side} sent"));
        }
        if !stuck && sockets[side.index()] != Socket::Open && sockets[side.index()] != Socket::Unknown {
            if own.fin.is_none() {
                return Some(format!("the {side}'s FIN"));
            }
            if own.acked < own.sequence_end() {
                return Some(format!("the acknowledgement of the {side}'s FIN"));
            }
        }
    }
    match (sockets[0], sockets[1]) {
        (Socket::Closed | Socket::WriteShut, Socket::Open | Socket::Unknown)
            if server.is_some_and(closes_after_peer) && atoms.side(Side::Server).fin.is_none() =>
        {
            Some("the server's FIN".to_owned())
        }
        (Socket::Open, Socket::Open) if server.is_some_and(echoes) => {
            let received = atoms.side(Side::Client).len();
            let echoed = atoms.side(Side::Server).len();
            (echoed < received && !blocked(&atoms, Side::Server)).then(|| "the echo".to_owned())
        }
        _ => None,
    }
}

/// Its peer's window is closed: what it sent cannot leave.
fn blocked(atoms: &Atoms<'_>, side: Side) -> bool {
    atoms.window_closed(side.other())
}

fn socket(ops: Option<&[Op]>) -> Socket {
    let Some(ops) = ops else { return Socket::Unknown };
    if ops.iter().any(|op| matches!(op, Op::Close { .. } | Op::Reset | Op::Killed)) {
        Socket::Closed
    } else if ops.contains(&Op::Shutdown) {
        Socket::WriteShut
    } else {
        Socket::Open
    }
}

/// Built-in handlers close when their peer has closed.
fn closes_after_peer(server: &Server) -> bool {
    let accepts = !matches!(server.kind, ServerKind::Listen | ServerKind::Command(_));
    accepts && !matches!(server.handler, Handler::Steps(_))
}

fn echoes(server: &Server) -> bool {
    closes_after_peer(server) && server.handler == Handler::Echo
}
