//! The same scenario over IPv6.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::model::{Action, ClientKind, Handler, Program, Scenario, ServerKind, Step};

impl Scenario {
    /// Moves the scenario to IPv6: `127.0.0.1` becomes `::1`, `0.0.0.0` becomes `::`, everywhere, also in the
    /// arguments and environment of external programs (`127.0.0.1:5000` in them becomes `[::1]:5000`).
    /// Other addresses of 127.0.0.0/8 have no counterpart and stay.
    pub fn to_ipv6(&mut self) {
        // Clients of one table share their steps, and shall do so afterwards.
        let mut moved: HashMap<*const Vec<Step>, Moved> = HashMap::new();
        for server in &mut self.servers {
            address(&mut server.listen);
            if let ServerKind::Command(program) = &mut server.kind {
                self::program(program);
            }
            match &mut server.handler {
                Handler::Forward(to) => address(to),
                Handler::Steps(steps) => script(steps, &mut moved),
                _ => {}
            }
        }
        for client in &mut self.clients {
            address(&mut client.target);
            match &mut client.kind {
                ClientKind::Script(steps) | ClientKind::Udp(steps) => script(steps, &mut moved),
                ClientKind::Command(program) => self::program(program),
            }
        }
    }
}

/// A script before and after; holding both, so that the pointer to the first one names no other.
struct Moved {
    _before: Arc<Vec<Step>>,
    after: Arc<Vec<Step>>,
}

fn address(address: &mut SocketAddr) {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => Ipv6Addr::LOCALHOST,
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv6Addr::UNSPECIFIED,
        _ => return,
    };
    *address = SocketAddr::from((ip, address.port()));
}

fn script(steps: &mut Arc<Vec<Step>>, moved: &mut HashMap<*const Vec<Step>, Moved>) {
    let entry = moved.entry(Arc::as_ptr(steps)).or_insert_with(|| {
        let mut own = steps.as_ref().clone();
        let after = if self::steps(&mut own) {
            Arc::new(own)
        } else {
            steps.clone()
        };
        Moved {
            _before: steps.clone(),
            after,
        }
    });
    *steps = entry.after.clone();
}

/// Returns whether anything was moved.
fn steps(steps: &mut [Step]) -> bool {
    let mut changed = false;
    for step in steps {
        match &mut step.action {
            Action::Connect(Some(to)) => {
                address(to);
                changed = true;
            }
            Action::Repeat { steps: inner, .. } => changed |= self::steps(inner),
            _ => {}
        }
    }
    changed
}

fn program(program: &mut Program) {
    let texts = program
        .argv
        .iter_mut()
        .skip(1)
        .chain(program.env.iter_mut().map(|(_, value)| value));
    for text in texts {
        if text == "127.0.0.1" {
            *text = "::1".into();
        } else {
            *text = text.replace("127.0.0.1:", "[::1]:");
        }
    }
}
