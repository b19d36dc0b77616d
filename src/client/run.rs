//! Running a client: in the caller's thread, or in one of its own.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use socket2::Socket;

use super::context::Context;
use super::link::Link;
use super::script::{Role, Script};
use super::task::drive;
use crate::scenario::{Client, ClientKind};

/// A script that has ended. Its sockets stay open until this is dropped: teardown emits FIN and RST of its own, so it must
/// come after the capture has been closed.
#[derive(Debug)]
pub struct Finished {
    /// The client.
    pub name: Arc<str>,
    /// `Err`: the step that failed, in words; its event has the span.
    pub result: Result<(), String>,
    /// What the script left open.
    pub sockets: Vec<Socket>,
}

/// Runs a client's script to its end in this thread (and its network namespace). The last event is `done`.
///
/// # Errors
/// EINVAL for a client that is an external program; what `poll(2)` says.
pub fn run_script(client: &Client, context: &Context) -> io::Result<Finished> {
    let (steps, datagram) = match &client.kind {
        ClientKind::Script(steps) => (steps.clone(), false),
        ClientKind::Udp(steps) => (steps.clone(), true),
        ClientKind::Command(_) => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let role = Role {
        target: Some(client.target),
        datagram,
        listener: None,
        framing: client.framing.clone(),
    };
    let reporter = context.reporter(&client.name);
    let link = Link::unconnected(reporter.clone());
    let mut script = Script::new(steps, context.clone(), role, link);
    let driven = drive(&mut script, &context.cancel);
    context.barriers.leave(&client.name);
    let result = match (&driven, script.result()) {
        (Err(e), _) => Err(format!("poll: {e}")),
        (Ok(_), Some(result)) => result.clone(),
        (Ok(_), None) => Err("cancelled".to_string()),
    };
    let text = result.as_ref().err().cloned();
    reporter
        .event("done", text.unwrap_or_else(|| "ok".to_string()))
        .push();
    Ok(Finished {
        name: client.name.clone(),
        result,
        sockets: script.into_sockets(),
    })
}

/// Stack of a client's thread: scripts are shallow, and there may be thousands of them.
const STACK: usize = 256 * 1024;

/// [`run_script`] in a thread of its own, which inherits this thread's network namespace.
///
/// # Errors
/// EAGAIN when the system has no room for a thread.
pub fn spawn(client: &Client, context: &Context) -> io::Result<JoinHandle<io::Result<Finished>>> {
    let (client, context) = (client.clone(), context.clone());
    Builder::new()
        .name(thread_name(&client.name))
        .stack_size(STACK)
        .spawn(move || run_script(&client, &context))
}

/// The kernel keeps 15 bytes of a thread's name; a NUL would end it.
pub(crate) fn thread_name(actor: &str) -> String {
    actor.chars().filter(|c| *c != '\0').take(15).collect()
}
