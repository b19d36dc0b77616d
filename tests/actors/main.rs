//! Servers against script clients, on real sockets of the loopback interface.

mod by_hand;
mod data;
mod handlers;
mod kinds;
mod misbehaviour;
mod process;
mod steps;
mod waits;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lab_capture::client::{Context, Finished, run_script};
use lab_capture::platform::Cancel;
use lab_capture::scenario::*;
use lab_capture::server::{Running, spawn};
use lab_capture::timeline::{Event, Timeline};

pub(crate) fn context() -> Context {
    let mut context = Context::new(Timeline::new(), Cancel::new().unwrap());
    context.program = env!("CARGO_BIN_EXE_lab-capture").into();
    context
}

pub(crate) fn server(kind: ServerKind, handler: Handler) -> Server {
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

pub(crate) fn step(action: Action) -> Step {
    Step {
        action,
        limit: Duration::from_secs(20),
        fails: None,
        span: 1..2,
    }
}

pub(crate) fn fails(action: Action, errno: &str) -> Step {
    Step {
        fails: Some((errno.into(), 3..4)),
        ..step(action)
    }
}

pub(crate) fn text(text: &str) -> Data {
    Data::Bytes(text.as_bytes().to_vec())
}

pub(crate) fn send(bytes: &str) -> Step {
    step(Action::Send(text(bytes)))
}

pub(crate) fn recv(bytes: &str) -> Step {
    step(Action::Recv(Recv::Exact(text(bytes))))
}

pub(crate) fn connect() -> Step {
    step(Action::Connect(None))
}

pub(crate) fn eof() -> Step {
    step(Action::Recv(Recv::Eof))
}

pub(crate) fn close() -> Step {
    step(Action::Close)
}

pub(crate) fn wait(what: Wait) -> Step {
    step(Action::Wait(what))
}

pub(crate) fn saw(actor: &str, call: &str, times: u32) -> Step {
    wait(Wait::Event(EventMatch {
        actor: actor.into(),
        call: call.into(),
        times,
        connection: None,
    }))
}

pub(crate) fn client(name: &str, target: SocketAddr, steps: Vec<Step>) -> Client {
    Client {
        name: name.into(),
        target,
        kind: ClientKind::Script(Arc::new(steps)),
        framing: None,
        span: 0..0,
    }
}

pub(crate) fn play(context: &Context, running: &Running, steps: Vec<Step>) -> Finished {
    run_script(&client("client-1", running.address(), steps), context).unwrap()
}

/// Runs one client against one server and stops both.
pub(crate) fn scene(server: &Server, steps: Vec<Step>) -> (Finished, Vec<Event>) {
    let context = context();
    let running = spawn(server, &context).unwrap();
    let finished = play(&context, &running, steps);
    running.stop().unwrap();
    (finished, context.timeline.snapshot())
}

/// What an actor did on its connections: call, result, op.
pub(crate) fn story(events: &[Event], actor: &str) -> Vec<String> {
    let of_connection = events
        .iter()
        .filter(|e| *e.actor == *actor && e.ends.is_some());
    of_connection
        .filter(|e| !matches!(&*e.call, "accept" | "connect" | "fork"))
        .map(|e| match &e.op {
            Some(op) => format!("{} {} {op:?}", e.call, e.result),
            None => format!("{} {}", e.call, e.result),
        })
        .collect()
}
