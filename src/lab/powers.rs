//! Power over the actors that are processes: `kill` steps, and the end of the run.

use std::sync::{Mutex, MutexGuard};

use super::program::RunningProgram;
use crate::client::Control;
use crate::scenario::ProcessSignal;
use crate::server::Controls;

/// The processes of a run.
#[derive(Debug, Default)]
pub struct Powers {
    /// Servers of ours in processes of their own.
    pub servers: Controls,
    programs: Mutex<Vec<RunningProgram>>,
}

impl Powers {
    fn programs(&self) -> MutexGuard<'_, Vec<RunningProgram>> {
        self.programs.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Makes a program known by its actor's name; it runs until it is taken.
    pub fn add(&self, program: RunningProgram) {
        self.programs().push(program);
    }

    /// All programs, to be stopped.
    pub fn take_programs(&self) -> Vec<RunningProgram> {
        std::mem::take(&mut *self.programs())
    }
}

impl Control for Powers {
    fn signal(&self, actor: &str, signal: ProcessSignal) -> Result<(), String> {
        let programs = self.programs();
        match programs.iter().find(|program| **program.name() == *actor) {
            Some(program) => program.control(signal).map_err(|error| error.to_string()),
            None => self.servers.signal(actor, signal),
        }
    }
}
