//! `wait` for another actor's event, and for a segment on the wire.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use super::act::{Act, Progress};
use super::machine::Script;
use crate::client::report::errno_of;
use crate::client::task::Watch;
use crate::platform::Notify;
use crate::scenario::{EventMatch, SegmentMatch};
use crate::timeline::Event;

/// Waits for an event.
pub struct WaitEvent {
    what: EventMatch,
    notify: Option<Arc<Notify>>,
    /// Events looked at so far, and how many of them matched.
    looked: usize,
    found: u32,
    /// Own addresses of the client that the connection is named by.
    addresses: BTreeSet<SocketAddr>,
    /// The actor's script has ended.
    ended: bool,
}

impl WaitEvent {
    /// Waits for this.
    pub fn new(what: EventMatch) -> Self {
        WaitEvent {
            what,
            notify: None,
            looked: 0,
            found: 0,
            addresses: BTreeSet::new(),
            ended: false,
        }
    }

    fn look(&mut self, events: &[Event]) {
        let named = self.what.connection.clone();
        for event in &events[self.looked.min(events.len())..] {
            if let (Some(name), Some(ends)) = (&named, &event.ends)
                && *event.actor == **name
                && self.addresses.insert(ends.local)
            {
                // The server may have written its event before the client did: count again from the start.
                self.found = 0;
                self.looked = 0;
                return self.look(events);
            }
            self.found += u32::from(self.matches(event));
            self.ended |= *event.actor == *self.what.actor
                && event.ends.is_none()
                && matches!(&*event.call, "done" | "exit");
            self.looked += 1;
        }
    }

    fn matches(&self, event: &Event) -> bool {
        let connection = match (&self.what.connection, &event.ends) {
            (None, _) => true,
            (Some(name), None) => *event.actor == **name,
            (Some(name), Some(ends)) => {
                *event.actor == **name
                    || self.addresses.contains(&ends.peer)
                    || self.addresses.contains(&ends.local)
            }
        };
        connection
            && *event.actor == *self.what.actor
            && event.call == self.what.call
            && !event.failed
    }

    fn name(&self) -> String {
        let times = match self.what.times {
            0 | 1 => String::new(),
            n => format!(" {n} times"),
        };
        format!("{} {}{times}", self.what.actor, self.what.call)
    }
}

impl Act for WaitEvent {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let timeline = script.context.timeline.clone();
        let notify = match &self.notify {
            Some(notify) => notify.clone(),
            None => match timeline.subscribe() {
                Ok(notify) => self.notify.insert(notify).clone(),
                Err(e) => return Progress::errno("wait", errno_of(&e)),
            },
        };
        notify.clear();
        timeline.with(|events| self.look(events));
        if self.found >= self.what.times.max(1) {
            return Progress::done("wait", self.name(), None);
        }
        if self.ended {
            let text = format!("{} has ended, {} of it came", self.what.actor, self.found);
            return Progress::failed("wait", format!("{}: {text}", self.name()), None);
        }
        Progress::on(vec![Watch::notify(&notify)])
    }

    fn waiting(&self, _: &Script) -> String {
        match self.what.times {
            0 | 1 => format!("{} has not come", self.name()),
            n => format!("{}, {} of {n} came", self.name(), self.found),
        }
    }
}

/// Waits for a segment.
pub struct WaitSegment {
    what: SegmentMatch,
    notify: Option<Arc<Notify>>,
}

impl WaitSegment {
    /// Waits for this.
    pub fn new(what: SegmentMatch) -> Self {
        WaitSegment { what, notify: None }
    }
}

impl Act for WaitSegment {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let Some(wire) = script.context.wire.clone() else {
            let text = "there is no capture to look at";
            return Progress::failed("wait", text, None);
        };
        let notify = match &self.notify {
            Some(notify) => notify.clone(),
            None => match wire.subscribe() {
                Ok(notify) => self.notify.insert(notify).clone(),
                Err(e) => return Progress::errno("wait", errno_of(&e)),
            },
        };
        notify.clear();
        match wire.seen(&self.what, script.link.ends) {
            Ok(true) => Progress::done("wait", format!("segment {}", self.what.flags), None),
            Ok(false) => Progress::on(vec![Watch::notify(&notify)]),
            Err(text) => Progress::failed("wait", text, None),
        }
    }

    fn waiting(&self, _: &Script) -> String {
        format!("segment {} has not been seen", self.what.flags)
    }
}
