//! The actors of one run: servers first, then clients; stopped after the recording has ended.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::LabError;
use super::run::RunOptions;
use super::watch::Wire;
use crate::client::{self, Barriers, Context, Finished};
use crate::platform::Cancel;
use crate::scenario::{ClientKind, Scenario};
use crate::server::{self, Running};
use crate::timeline::Timeline;

/// Servers and clients of a run, started.
pub struct Actors {
    context: Context,
    servers: Vec<Running>,
    clients: Vec<JoinHandle<io::Result<Finished>>>,
    /// Clients whose `done` has not been seen yet.
    pending: HashSet<Arc<str>>,
    /// Events looked at so far.
    looked: usize,
}

impl Actors {
    /// Starts the servers, which listen when this returns, then the clients. All of them live in
    /// the calling thread's network namespace.
    ///
    /// # Errors
    /// A server that cannot start; the ones before it are stopped again.
    pub fn start(
        scenario: &Scenario,
        options: &RunOptions,
        timeline: &Arc<Timeline>,
        wire: &Arc<Wire>,
    ) -> Result<Actors, LabError> {
        let cancel =
            Cancel::new().map_err(|e| LabError::system("make an eventfd for", "the run", e))?;
        let folder = scenario
            .source
            .path
            .parent()
            .unwrap_or(std::path::Path::new("."));
        let context = Context {
            folder: folder.to_owned(),
            output: options.output.clone(),
            barriers: Barriers::of(&scenario.clients),
            wire: Some(wire.clone()),
            ..Context::new(timeline.clone(), cancel)
        };
        let mut actors = Actors {
            servers: vec![],
            clients: vec![],
            pending: HashSet::new(),
            looked: 0,
            context,
        };
        for server in &scenario.servers {
            actors.servers.push(server::spawn(server, &actors.context)?);
        }
        for client in &scenario.clients {
            match &client.kind {
                ClientKind::Script(_) | ClientKind::Udp(_) => {
                    let thread = client::spawn(client, &actors.context)
                        .map_err(|e| LabError::system("start a thread for", &client.name, e))?;
                    actors.clients.push(thread);
                    actors.pending.insert(client.name.clone());
                }
                ClientKind::Command(_) => todo!(),
            }
        }
        Ok(actors)
    }

    /// Which client's script is still running?
    pub fn awaited(&mut self) -> Option<String> {
        let pending = &mut self.pending;
        self.looked = self.context.timeline.with(|events| {
            for event in &events[self.looked..] {
                if event.call == "done" && event.ends.is_none() {
                    pending.remove(&event.actor);
                }
            }
            events.len()
        });
        pending
            .iter()
            .min()
            .map(|name| format!("{name} to finish its script"))
    }

    /// The run's time is up: says so as a failed event, once for each client still running.
    pub fn report_late(&self, limit: Duration) {
        let mut late: Vec<&Arc<str>> = self.pending.iter().collect();
        late.sort();
        for name in late {
            let reporter = self.context.reporter(name);
            let text = format!("the run's limit of {limit:?} has passed");
            reporter.event("timeout", text).failed(true).push();
        }
    }

    /// Ends everything, in the order clients, servers; what it prints on the wire is not recorded.
    pub fn stop(self) -> Vec<(Arc<str>, Vec<u8>)> {
        self.context.cancel.cancel();
        self.context.timeline.wake();
        for client in self.clients {
            // A panic in a client's thread is a defect of ours, not of the program under test.
            match client.join() {
                Ok(finished) => drop(finished),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        for server in self.servers {
            // Why it ended early is in its events.
            let _ = server.stop();
        }
        vec![]
    }
}
