//! What the rooms behind need to know of a scenario's actors to tell whose connection is whose.

use super::model::{ClientKind, Scenario, ServerKind};
use crate::flow::Cast;

impl Scenario {
    /// Who serves, and who speaks UDP.
    pub fn cast(&self) -> Cast {
        let udp_servers = self.servers.iter().filter(|s| s.kind == ServerKind::Udp);
        let udp_clients = self.clients.iter();
        let udp_clients = udp_clients.filter(|c| matches!(c.kind, ClientKind::Udp(_)));
        Cast {
            servers: self.servers.iter().map(|s| s.name.clone()).collect(),
            datagrams: udp_clients
                .map(|client| client.name.clone())
                .chain(udp_servers.map(|server| server.name.clone()))
                .collect(),
        }
    }
}
