//! Steps that concern other actors: `barrier` and `kill`.

use std::sync::Arc;

use crate::scenario::ProcessSignal;

use super::act::{Act, Progress};
use super::machine::Script;
use crate::client::barrier::Standing;
use crate::client::report::errno_of;
use crate::client::task::Watch;
use crate::platform::Notify;

/// Waits until all have come.
pub struct Barrier {
    name: String,
    arrived: Option<(u64, Arc<Notify>)>,
}

impl Barrier {
    /// At this barrier.
    pub fn new(name: &str) -> Self {
        Barrier {
            name: name.to_string(),
            arrived: None,
        }
    }
}

impl Act for Barrier {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let barriers = script.context.barriers.clone();
        let (turn, notify) = match &self.arrived {
            Some((turn, notify)) => (*turn, notify.clone()),
            None => match barriers.arrive(&self.name, &script.link.reporter.actor) {
                Err(e) => return Progress::errno("barrier", errno_of(&e)),
                Ok(arrived) => self.arrived.insert(arrived).clone(),
            },
        };
        match barriers.standing(&self.name, turn) {
            Standing::Open => Progress::done("barrier", self.name.clone(), None),
            Standing::Broken(who) => {
                let text = format!("{}: {who} has ended and will never come", self.name);
                Progress::failed("barrier", text, None)
            }
            Standing::Waiting => Progress::on(vec![Watch::notify(&notify)]),
        }
    }

    fn waiting(&self, script: &Script) -> String {
        let turn = self.arrived.as_ref().map_or(1, |(turn, _)| *turn);
        let missing = script.context.barriers.missing(&self.name, turn);
        let shown: Vec<&str> = missing.iter().take(3).map(|m| &**m).collect();
        let more = match missing.len().saturating_sub(3) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        format!("{}, {}{more} not there", self.name, shown.join(", "))
    }
}

/// A signal to another actor's process.
pub struct Kill(pub ProcessSignal, pub String);

impl Act for Kill {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let (signal, actor) = (self.0, &self.1);
        let Some(control) = &script.context.control else {
            let text = format!("nobody here can signal {actor}");
            return Progress::failed(signal.word(), text, None);
        };
        match control.signal(actor, signal) {
            Ok(()) => Progress::done(signal.word(), format!("{actor} {}", signal.name()), None),
            Err(text) => Progress::failed(signal.word(), text, None),
        }
    }
}
