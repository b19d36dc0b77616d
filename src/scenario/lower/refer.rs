//! Names in steps: do they mean somebody, and can that one do what is asked of it?

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::check;
use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::{
    Action, Client, ClientKind, EventMatch, Server, ServerKind, Span, Step, Wait,
};
use super::script::{Role, Script};
use super::{Lower, Node};

/// What the lab itself sees of an external program.
const PROGRAM_EVENTS: &[&str] = &["listen", "exit", "done"];

impl Lower<'_> {
    /// Reports names in a step that nobody has.
    pub(super) fn step_names(&mut self, step: &Step, script: Script<'_>) {
        let elsewhere = matches!(
            step.action,
            Action::Signal(..) | Action::Wait(Wait::Event(_) | Wait::Segment(_))
        );
        let apart = |s: &super::names::NamedServer| {
            s.process && script.actors.first().is_some_and(|a| **a == *s.name)
        };
        if elsewhere && script.role != Role::Client && self.names.servers.iter().any(apart) {
            self.report(
                Diagnostic::new(
                    Code::ImpossibleStep,
                    step.span.clone(),
                    "a server in a process of its own sees only its own sockets",
                    "it cannot know of this",
                )
                .help("let the client wait, or wait for the state of the own socket"),
            );
            return;
        }
        match &step.action {
            Action::Signal(_, name) => self.kill(name, step),
            Action::Wait(Wait::Event(event)) => self.event(event, step, script),
            Action::Wait(Wait::Segment(segment)) => {
                if let Some(name) = &segment.connection {
                    self.client_name(name, &step.span);
                }
            }
            _ => {}
        }
    }

    fn kill(&mut self, name: &str, step: &Step) {
        match self.names.servers.iter().find(|s| *s.name == *name) {
            None => {
                let names: Vec<Arc<str>> =
                    self.names.servers.iter().map(|s| s.name.clone()).collect();
                self.unknown_name("server", name, step.span.clone(), &names);
            }
            Some(server) if !server.process => {
                self.report(
                    Diagnostic::new(
                        Code::ImpossibleStep,
                        step.span.clone(),
                        format!("`{name}` cannot be killed alone"),
                        "it does not run in a process of its own",
                    )
                    .help("give the server `process = true`"),
                );
            }
            Some(_) => {}
        }
    }

    fn event(&mut self, event: &EventMatch, step: &Step, script: Script<'_>) {
        if script.actors.len() == 1 && script.actors[0] == event.actor {
            self.report(Diagnostic::new(
                Code::ImpossibleStep,
                step.span.clone(),
                format!("`{}` waits for itself", event.actor),
                "this would never happen",
            ));
        }
        self.reports(event, &step.span);
        if let Some(name) = &event.connection {
            self.client_name(name, &step.span);
        }
    }

    /// Can an expectation see this event at all?
    pub(super) fn can_report(&mut self, event: &EventMatch, actor: Node<'_>) {
        self.reports(event, &actor.span());
    }

    /// Reports an event that never comes: nobody has the name, or it is of a program.
    fn reports(&mut self, event: &EventMatch, span: &Span) {
        if !self.is_actor(&event.actor) {
            let names: Vec<Arc<str>> = self.names.all().map(Arc::from).collect();
            self.unknown_name("actor", &event.actor, span.clone(), &names);
        } else if self.names.programs.contains(&event.actor)
            && !PROGRAM_EVENTS.contains(&event.call.as_str())
        {
            self.report(
                Diagnostic::new(
                    Code::ImpossibleStep,
                    span.clone(),
                    format!(
                        "`{}` is an external program: its calls cannot be seen",
                        event.actor
                    ),
                    format!("`{}` would never be reported", event.call),
                )
                .help("wait for a segment, or for the state of the own socket"),
            );
        }
    }

    fn client_name(&mut self, name: &str, span: &Span) {
        if !self.names.clients.iter().any(|c| c == name) {
            let names: Vec<Arc<str>> = self.names.clients.iter().map(|c| Arc::from(&**c)).collect();
            self.unknown_name("client", name, span.clone(), &names);
        }
    }

    /// Reports barriers at which only one client arrives, and source ports that two clients want.
    pub(super) fn meeting_points(&mut self, clients: &[Client]) {
        let mut barriers: BTreeMap<String, (usize, Span)> = BTreeMap::new();
        let mut ports: BTreeMap<u16, (usize, Span)> = BTreeMap::new();
        for client in clients {
            let (ClientKind::Script(steps) | ClientKind::Udp(steps)) = &client.kind else {
                continue;
            };
            let mut own: BTreeMap<String, Span> = BTreeMap::new();
            let mut bound: BTreeMap<u16, Span> = BTreeMap::new();
            each(steps, &mut |step| match &step.action {
                Action::Barrier(name) => {
                    own.entry(name.clone()).or_insert_with(|| step.span.clone());
                }
                Action::Bind(port) if *port != 0 && step.fails.is_none() => {
                    bound.entry(*port).or_insert_with(|| step.span.clone());
                }
                _ => {}
            });
            for (name, span) in own {
                barriers.entry(name).or_insert((0, span)).0 += 1;
            }
            for (port, span) in bound {
                ports.entry(port).or_insert((0, span)).0 += 1;
            }
        }
        for (name, (count, span)) in &barriers {
            if *count == 1 {
                let others = barriers.keys().filter(|n| *n != name).map(String::as_str);
                self.report(
                    Diagnostic::new(
                        Code::UnknownName,
                        span.clone(),
                        format!("only one client comes to the barrier `{name}`"),
                        "it would wait for nobody",
                    )
                    .help_all(check::nearest(name, others)),
                );
            }
        }
        for (port, (count, span)) in ports {
            if count > 1 {
                self.report(Diagnostic::new(
                    Code::Conflict,
                    span,
                    format!("{count} clients want the source port {port}"),
                    "bind(2) would fail with EADDRINUSE",
                ));
            }
        }
    }

    /// Reports clients that speak UDP to a TCP server, or the other way round.
    pub(super) fn protocols(&mut self, servers: &[Server], clients: &[Client]) {
        let mut told: Vec<Span> = Vec::new();
        for client in clients {
            let udp = match client.kind {
                ClientKind::Udp(_) => true,
                ClientKind::Script(_) => false,
                ClientKind::Command(_) => continue,
            };
            let Some(server) = servers
                .iter()
                .find(|s| super::reach(s.listen) == client.target)
            else {
                continue;
            };
            let server_udp = match server.kind {
                ServerKind::Udp => true,
                ServerKind::Command(_) => continue,
                _ => false,
            };
            if udp == server_udp || told.contains(&client.span) {
                continue;
            }
            told.push(client.span.clone());
            let (message, help) = if udp {
                (
                    "this client speaks UDP, its server TCP",
                    "give the server kind = \"udp\"",
                )
            } else {
                (
                    "this client speaks TCP, its server UDP",
                    "give the client udp = true",
                )
            };
            self.report(
                Diagnostic::new(Code::Conflict, client.span.clone(), message, "the client")
                    .context(server.span.clone(), "its server")
                    .help(help),
            );
        }
    }
}

/// Calls `f` for every step, those in repetitions too.
pub(super) fn each(steps: &[Step], f: &mut impl FnMut(&Step)) {
    for step in steps {
        f(step);
        if let Action::Repeat { steps, .. } = &step.action {
            each(steps, f);
        }
    }
}
