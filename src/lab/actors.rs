//! The actors of one run: servers first, then clients; stopped after the recording has ended.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::LabError;
use super::options::RunOptions;
use super::powers::Powers;
use super::program::{Launch, RunningProgram};
use super::watch::Wire;
use crate::capture::Printed;
use crate::client::{self, Barriers, Context, Finished};
use crate::platform::Cancel;
use crate::scenario::{ClientKind, Program, Scenario, Server, ServerKind};
use crate::server::{self, Running};
use crate::timeline::Timeline;

/// Servers and clients of a run, started.
pub struct Actors {
    context: Context,
    /// Servers of ours, and the power to kill those that are processes.
    powers: Arc<Powers>,
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
        let powers = Arc::new(Powers::default());
        let context = Context {
            folder: folder.to_owned(),
            output: options.output.clone(),
            barriers: Barriers::of(&scenario.clients),
            wire: Some(wire.clone()),
            control: Some(powers.clone()),
            ..Context::new(timeline.clone(), cancel)
        };
        let launch = Launch {
            isolation: options.isolation,
            folder,
            timeline,
        };
        let mut actors = Actors {
            powers,
            servers: vec![],
            clients: vec![],
            pending: HashSet::new(),
            looked: 0,
            context,
        };
        for server in &scenario.servers {
            match &server.kind {
                ServerKind::Command(program) => {
                    actors.program_server(server, program, &launch, (options, scenario.limit))?;
                }
                _ => {
                    let running = server::spawn(server, &actors.context)?;
                    if let Some(killer) = running.killer() {
                        actors.powers.servers.add(&server.name, killer);
                    }
                    actors.servers.push(running);
                }
            }
        }
        // All of them are awaited before the first one runs: a fast one must not end the run.
        actors.pending = scenario
            .clients
            .iter()
            .map(|client| client.name.clone())
            .collect();
        for client in &scenario.clients {
            match &client.kind {
                ClientKind::Script(_) | ClientKind::Udp(_) => {
                    let thread = client::spawn(client, &actors.context)
                        .map_err(|e| LabError::system("start a thread for", &client.name, e))?;
                    actors.clients.push(thread);
                }
                ClientKind::Command(program) => {
                    let running = launch.start(&client.name, program, &[])?;
                    actors.powers.add(running);
                }
            }
        }
        Ok(actors)
    }

    /// Starts an external server and waits until it listens.
    fn program_server(
        &mut self,
        server: &Server,
        program: &Program,
        launch: &Launch<'_>,
        (options, limit): (&RunOptions, Duration),
    ) -> Result<(), LabError> {
        let running = launch.start(&server.name, program, &[])?;
        let interrupted = || options.interrupt.is_cancelled();
        let listening = running.wait_listening(server.listen, limit, &interrupted);
        if let Err(source) = listening {
            let output = running.stop();
            return Err(LabError::NotReady {
                source,
                said: last_lines(&output.stderr, 10),
            });
        }
        self.powers.add(running);
        Ok(())
    }

    /// Is a client still running: its script, or its program?
    pub fn client_runs(&mut self) -> bool {
        let pending = &mut self.pending;
        self.looked = self.context.timeline.with(|events| {
            for event in &events[self.looked..] {
                // A script says `done`, a program's supervisor how it ended.
                if matches!(event.call.as_str(), "done" | "exit" | "killed") && event.ends.is_none()
                {
                    pending.remove(&event.actor);
                }
            }
            events.len()
        });
        !pending.is_empty()
    }

    /// Which client was still running when [`Actors::client_runs`] was asked.
    pub fn awaited(&self) -> Option<String> {
        let first = self.pending.iter().min();
        first.map(|name| format!("{name} to finish its script"))
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
    pub fn stop(self) -> Vec<Printed> {
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
        let programs = self.powers.take_programs();
        programs.into_iter().flat_map(output_of).collect()
    }
}

/// What a program printed, each stream under the actor's name.
fn output_of(program: RunningProgram) -> impl Iterator<Item = Printed> {
    let name = program.name().clone();
    let output = program.stop();
    let streams = [(false, output.stdout), (true, output.stderr)];
    streams
        .into_iter()
        .filter(|(_, bytes)| !bytes.is_empty())
        .map(move |(stderr, bytes)| Printed {
            actor: name.clone(),
            stderr,
            bytes,
        })
}

/// The end of what a program said, for an error message.
fn last_lines(bytes: &[u8], count: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(count)..];
    shown.iter().map(|line| format!("\n  | {line}")).collect()
}
