//! `--ipv6`: the same scenario over `::1`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::scenario::{Action, ClientKind, Handler, Scenario, Step};

/// `::1` wherever the scenario says `127.0.0.1`.
pub(super) fn over_ipv6(mut scenario: Scenario) -> Scenario {
    for server in &mut scenario.servers {
        swap(&mut server.listen);
        match &mut server.handler {
            Handler::Forward(target) => swap(target),
            Handler::Steps(steps) => swap_steps(Arc::<Vec<Step>>::make_mut(steps)),
            _ => {}
        }
    }
    for client in &mut scenario.clients {
        swap(&mut client.target);
        match &mut client.kind {
            ClientKind::Script(steps) | ClientKind::Udp(steps) => {
                swap_steps(Arc::<Vec<Step>>::make_mut(steps))
            }
            ClientKind::Command(_) => {}
        }
    }
    scenario
}

fn swap_steps(steps: &mut [Step]) {
    for step in steps {
        match &mut step.action {
            Action::Connect(Some(target)) => swap(target),
            Action::Repeat { steps, .. } => swap_steps(steps),
            _ => {}
        }
    }
}

fn swap(address: &mut SocketAddr) {
    if address.ip() == IpAddr::from([127, 0, 0, 1]) {
        address.set_ip(Ipv6Addr::LOCALHOST.into());
    }
}
