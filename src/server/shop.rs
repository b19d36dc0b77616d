//! What every kind of server has, and the trait that they share.

use std::io;
use std::sync::Arc;

use super::handler::Hub;
use crate::client::script::ListenerSlot;
use crate::client::{Context, Reporter};
use crate::scenario::{Action, Handler, Server, ServerKind, Step, Wait};

/// A server that is open: its listener and all that its handlers need.
#[derive(Clone)]
pub struct Shop {
    /// What was asked for.
    pub server: Arc<Server>,
    /// The run around it.
    pub context: Context,
    /// The server's pen.
    pub reporter: Reporter,
    /// The listening socket.
    pub listener: Arc<ListenerSlot>,
    /// All connections that chat.
    pub hub: Arc<Hub>,
}

impl Shop {
    /// A shop around this listener.
    pub fn new(server: &Server, context: &Context, listener: ListenerSlot) -> Self {
        Shop {
            server: Arc::new(server.clone()),
            context: context.clone(),
            reporter: context.reporter(&server.name),
            listener: Arc::new(listener),
            hub: Arc::default(),
        }
    }
}

/// A kind of server: how it waits.
pub trait Serve: Send {
    /// Serves until the run is cancelled.
    ///
    /// # Errors
    /// A system call that leaves no way to go on.
    fn serve(self: Box<Self>, shop: &Shop) -> io::Result<()>;
}

/// What a server cannot do, in words; `None` if it can do all that is asked of it.
pub fn unsupported(server: &Server) -> Option<String> {
    use Handler::{Chat, Echo, Sink, Steps};
    let Server { kind, handler, .. } = server;
    let steps = match handler {
        Steps(steps) => &steps[..],
        _ => &[],
    };
    let listener = |a: &Action| matches!(a, Action::CloseListener | Action::Accept);
    let others = |a: &Action| {
        matches!(
            a,
            Action::Wait(Wait::Event(_) | Wait::Segment(_))
                | Action::Barrier(_)
                | Action::Signal(..)
        )
    };
    let text = match kind {
        ServerKind::Command(_) => {
            "an external program is started by the lab, not as a server of ours"
        }
        ServerKind::Udp if !matches!(handler, Echo | Sink) => {
            "a udp server can echo or sink; other handlers need a connection"
        }
        ServerKind::Forking if *handler == Chat => {
            "a forking server cannot chat, its connections live in different processes; use select"
        }
        ServerKind::Forking | ServerKind::Threaded if any(steps, &listener) => {
            "accept and close-listener need a server whose listener and connections share a thread; use select or listen"
        }
        _ if is_process(server) && any(steps, &others) => {
            "a server in a process of its own cannot wait for other actors' events, segments or barriers; only for its own socket's state"
        }
        _ => return None,
    };
    Some(text.to_string())
}

/// Does it run in a process of its own?
pub fn is_process(server: &Server) -> bool {
    server.process || server.kind == ServerKind::Forking
}

/// Is there such an action among these steps?
fn any(steps: &[Step], such: &impl Fn(&Action) -> bool) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Repeat { steps, .. } => any(steps, such),
        action => such(action),
    })
}
