//! Meeting points of clients: none goes on before all have come.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::platform::Notify;
use crate::scenario::{Action, Client, ClientKind, Step};

/// All barriers of a run. A barrier can be used several times (in a `repeat`): the k-th arrival of a client waits for the
/// k-th arrival of every other.
#[derive(Debug, Default)]
pub struct Barriers {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Who takes part, and how often each has arrived.
    members: BTreeMap<String, BTreeMap<Arc<str>, u64>>,
    left: BTreeSet<Arc<str>>,
    subscribers: Vec<Weak<Notify>>,
}

/// How a barrier stands for one who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// All are there.
    Open,
    /// These have not come yet.
    Waiting(Vec<Arc<str>>),
    /// This one has ended and will never come.
    Broken(Arc<str>),
}

impl Barriers {
    /// The barriers that these clients name.
    pub fn of(clients: &[Client]) -> Arc<Self> {
        let mut inner = Inner::default();
        for client in clients {
            let steps = match &client.kind {
                ClientKind::Script(steps) | ClientKind::Udp(steps) => steps,
                ClientKind::Command(_) => continue,
            };
            for name in names(steps) {
                inner
                    .members
                    .entry(name)
                    .or_default()
                    .insert(client.name.clone(), 0);
            }
        }
        Arc::new(Barriers {
            inner: Mutex::new(inner),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A descriptor signalled after each change.
    ///
    /// # Errors
    /// What `eventfd(2)` says.
    pub fn subscribe(&self) -> io::Result<Arc<Notify>> {
        let notify = Arc::new(Notify::new()?);
        self.lock().subscribers.push(Arc::downgrade(&notify));
        Ok(notify)
    }

    /// `actor` has come; which arrival of its own this is (1 is the first), to ask [`Barriers::standing`] with.
    pub fn arrive(&self, barrier: &str, actor: &Arc<str>) -> u64 {
        let mut inner = self.lock();
        let members = inner.members.entry(barrier.to_string()).or_default();
        let count = members.entry(actor.clone()).or_insert(0);
        *count += 1;
        let turn = *count;
        inner.wake();
        turn
    }

    /// May those go on whose arrival number is `turn`?
    pub fn standing(&self, barrier: &str, turn: u64) -> Standing {
        let inner = self.lock();
        let missing: Vec<Arc<str>> = inner
            .members
            .get(barrier)
            .into_iter()
            .flatten()
            .filter(|(_, n)| **n < turn)
            .map(|(who, _)| who.clone())
            .collect();
        match missing.iter().find(|who| inner.left.contains(*who)) {
            Some(gone) => Standing::Broken(gone.clone()),
            None if missing.is_empty() => Standing::Open,
            None => Standing::Waiting(missing),
        }
    }

    /// `actor` has ended: whoever still waits for it is told.
    pub fn leave(&self, actor: &Arc<str>) {
        let mut inner = self.lock();
        inner.left.insert(actor.clone());
        inner.wake();
    }
}

impl Inner {
    fn wake(&mut self) {
        self.subscribers.retain(|s| match s.upgrade() {
            Some(notify) => {
                notify.signal();
                true
            }
            None => false,
        });
    }
}

fn names(steps: &[Step]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for step in steps {
        match &step.action {
            Action::Barrier(name) => {
                found.insert(name.clone());
            }
            Action::Repeat { steps, .. } => found.extend(names(steps)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> (Barriers, Arc<str>, Arc<str>) {
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let mut inner = Inner::default();
        let members = BTreeMap::from([(a.clone(), 0), (b.clone(), 0)]);
        inner.members.insert("start".into(), members);
        let barriers = Barriers {
            inner: Mutex::new(inner),
        };
        (barriers, a, b)
    }

    #[test]
    fn opens_when_all_have_come_and_serves_again() {
        let (barriers, a, b) = two();
        assert_eq!(barriers.arrive("start", &a), 1);
        assert_eq!(
            barriers.standing("start", 1),
            Standing::Waiting(vec![b.clone()])
        );
        barriers.arrive("start", &b);
        assert_eq!(barriers.standing("start", 1), Standing::Open);
        // The second round does not disturb one who still looks at the first.
        assert_eq!(barriers.arrive("start", &a), 2);
        assert_eq!(barriers.standing("start", 1), Standing::Open);
        assert_eq!(barriers.standing("start", 2), Standing::Waiting(vec![b]));
    }

    #[test]
    fn one_who_has_ended_breaks_it() {
        let (barriers, a, b) = two();
        let notify = barriers.subscribe().unwrap();
        barriers.arrive("start", &a);
        notify.clear();
        barriers.leave(&b);
        assert_eq!(barriers.standing("start", 1), Standing::Broken(b));
    }
}
