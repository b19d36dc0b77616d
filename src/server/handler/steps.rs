//! A list of steps for each connection: the clients' interpreter on the server's side.

use std::sync::Arc;

use super::super::shop::Shop;
use crate::client::{Link, Reporter, Role, Script, Task, Want};
use crate::scenario::Step;
use crate::timeline::Ends;

/// A script on an accepted connection, or on the listener alone. Its last event is `done`.
pub struct Steps {
    script: Script,
    reporter: Reporter,
    ends: Option<Ends>,
    announced: bool,
}

impl Steps {
    /// On this connection.
    pub fn new(shop: &Shop, link: Link, steps: Arc<Vec<Step>>) -> Self {
        let role = Role {
            target: None,
            datagram: false,
            listener: Some(shop.listener.clone()),
            framing: shop.server.framing.clone(),
        };
        Steps {
            reporter: link.reporter.clone(),
            ends: link.ends,
            announced: false,
            script: Script::new(steps, shop.context.clone(), role, link),
        }
    }
}

impl Task for Steps {
    fn run(&mut self) -> Want {
        let want = self.script.run();
        if want == Want::Over && !std::mem::replace(&mut self.announced, true) {
            let failed = self.script.result().and_then(|r| r.as_ref().err());
            let text = failed.map_or("ok", |e| e);
            self.reporter.event("done", text).ends(self.ends).push();
        }
        want
    }

    fn cancelled(&mut self) {
        self.script.cancelled();
    }

    fn holds(&self) -> bool {
        self.script.holds()
    }
}
