//! Servers against script clients, on real sockets of the loopback interface.

mod kinds;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Running, spawn};
use crate::client::{Context, Finished, run_script};
use crate::platform::Cancel;
use crate::scenario::*;
use crate::timeline::{Event, Timeline};

pub fn context() -> Context {
    Context::new(Timeline::new(), Cancel::new().unwrap())
}

pub fn server(kind: ServerKind, handler: Handler) -> Server {
    Server {
        name: "server".into(),
        kind,
        listen: "127.0.0.1:0".parse().unwrap(),
        handler,
        backlog: 5,
        options: Vec::new(),
        framing: None,
        process: false,
        descriptors: None,
        span: 0..0,
    }
}

pub fn step(action: Action) -> Step {
    Step {
        action,
        limit: Duration::from_secs(20),
        fails: None,
        span: 1..2,
    }
}

pub fn fails(action: Action, errno: &str) -> Step {
    Step {
        fails: Some((errno.into(), 3..4)),
        ..step(action)
    }
}

pub fn text(text: &str) -> Data {
    Data::Bytes(text.as_bytes().to_vec())
}

pub fn send(bytes: &str) -> Step {
    step(Action::Send(text(bytes)))
}

pub fn recv(bytes: &str) -> Step {
    step(Action::Recv(Recv::Exact(text(bytes))))
}

pub fn connect() -> Step {
    step(Action::Connect(None))
}

pub fn eof() -> Step {
    step(Action::Recv(Recv::Eof))
}

pub fn close() -> Step {
    step(Action::Close)
}

pub fn wait(what: Wait) -> Step {
    step(Action::Wait(what))
}

pub fn saw(actor: &str, call: &str, times: u32) -> Step {
    wait(Wait::Event(EventMatch {
        actor: actor.into(),
        call: call.into(),
        times,
        connection: None,
    }))
}

pub fn client(name: &str, target: SocketAddr, steps: Vec<Step>) -> Client {
    Client {
        name: name.into(),
        target,
        kind: ClientKind::Script(Arc::new(steps)),
        framing: None,
        span: 0..0,
    }
}

pub fn play(context: &Context, running: &Running, steps: Vec<Step>) -> Finished {
    run_script(&client("client-1", running.address(), steps), context).unwrap()
}

/// Runs one client against one server and stops both.
pub fn scene(server: &Server, steps: Vec<Step>) -> (Finished, Vec<Event>) {
    let context = context();
    let running = spawn(server, &context).unwrap();
    let finished = play(&context, &running, steps);
    running.stop().unwrap();
    (finished, context.timeline.snapshot())
}

/// What an actor did on its connections: call, result, op.
pub fn story(events: &[Event], actor: &str) -> Vec<String> {
    let of_connection = events
        .iter()
        .filter(|e| *e.actor == *actor && e.ends.is_some());
    of_connection
        .filter(|e| !matches!(&*e.call, "accept" | "connect"))
        .map(|e| match &e.op {
            Some(op) => format!("{} {} {op:?}", e.call, e.result),
            None => format!("{} {}", e.call, e.result),
        })
        .collect()
}
