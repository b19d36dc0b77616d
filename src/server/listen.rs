//! Making the listening socket.

use std::io;

use socket2::Type;

use super::error::ServerError;
use crate::client::link::{bind, open, set_option};
use crate::client::script::ListenerSlot;
use crate::scenario::{Server, ServerKind, SocketOption};

/// `socket`, `setsockopt`, `bind`, `listen`. When this returns, connections are taken.
///
/// # Errors
/// [`ServerError::Bind`] names the call and the address.
pub fn listen(server: &Server) -> Result<ListenerSlot, ServerError> {
    let failed = |call| {
        move |source: io::Error| ServerError::Bind {
            server: server.name.clone(),
            call,
            address: server.listen,
            source,
        }
    };
    let datagram = server.kind == ServerKind::Udp;
    let kind = if datagram { Type::DGRAM } else { Type::STREAM };
    let socket = open(server.listen, kind).map_err(failed("socket"))?;
    // On a UDP socket SO_REUSEADDR would let two servers share the port.
    if !datagram {
        set_option(&socket, SocketOption::ReuseAddr(true)).map_err(failed("setsockopt"))?;
    }
    for option in &server.options {
        set_option(&socket, *option).map_err(failed("setsockopt"))?;
    }
    bind(&socket, server.listen).map_err(failed("bind"))?;
    if !datagram {
        socket.listen(server.backlog).map_err(failed("listen"))?;
    }
    let address = socket.local_addr().map_err(failed("getsockname"))?;
    let address = address.as_socket().unwrap_or(server.listen);
    Ok(ListenerSlot::new(socket, address))
}
