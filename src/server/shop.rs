//! What every kind of server has, and the trait that they share.

use std::io;
use std::sync::Arc;

use super::handler::Hub;
use crate::client::script::ListenerSlot;
use crate::client::{Context, Reporter};
use crate::scenario::{Handler, Server, ServerKind};

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

/// What a kind cannot do, in words; `None` if it can do all that this server asks.
pub fn unsupported(server: &Server) -> Option<String> {
    let kind = match &server.kind {
        ServerKind::Forking => "forking",
        ServerKind::Udp => "udp",
        ServerKind::Command(_) => {
            return Some("an external program is started by the lab, not by this room".into());
        }
        _ => return None,
    };
    let able = match &server.handler {
        Handler::Chat => false,
        Handler::Echo | Handler::Sink => true,
        _ => kind != "udp",
    };
    (!able).then(|| match kind {
        "udp" => "a udp server can echo or sink; other handlers need a connection".to_string(),
        _ => {
            "a forking server cannot chat: its connections live in different processes; use select"
                .to_string()
        }
    })
}
