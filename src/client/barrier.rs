//! Meeting points of clients: none goes on before all have come.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

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
    meetings: BTreeMap<String, Meeting>,
    left: BTreeSet<Arc<str>>,
}

/// One barrier. There may be ten thousand clients at it: what each arrival costs must not grow
/// with their number, and all who wait share one descriptor.
#[derive(Debug, Default)]
struct Meeting {
    /// Who takes part, and how often each has arrived.
    members: BTreeMap<Arc<str>, u64>,
    /// The first turn, the second…
    turns: Vec<Turn>,
}

#[derive(Debug, Default)]
struct Turn {
    arrived: usize,
    /// Signalled, for good, when it opens or breaks; made by the first who waits.
    over: Option<Arc<Notify>>,
}

impl Meeting {
    fn open(&self, turn: u64) -> bool {
        let arrived = self.turn(turn).map(|turn| turn.arrived);
        arrived == Some(self.members.len())
    }

    fn turn(&self, turn: u64) -> Option<&Turn> {
        self.turns.get(usize::try_from(turn).ok()?.checked_sub(1)?)
    }

    fn missing(&self, turn: u64) -> impl Iterator<Item = &Arc<str>> {
        let missing = move |(_, arrivals): &(&Arc<str>, &u64)| **arrivals < turn;
        self.members.iter().filter(missing).map(|(who, _)| who)
    }
}

/// How a barrier stands for one who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// All are there.
    Open,
    /// Some have not come yet.
    Waiting,
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
                let meeting = inner.meetings.entry(name).or_default();
                meeting.members.insert(client.name.clone(), 0);
            }
        }
        Arc::new(Barriers {
            inner: Mutex::new(inner),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// `actor` has come. Which arrival of its own this is (1 is the first), to ask
    /// [`Barriers::standing`] with, and a descriptor that is signalled, for good, when there is an
    /// answer; others wait on it too, it must not be cleared.
    ///
    /// # Errors
    /// What `eventfd(2)` says.
    pub fn arrive(&self, barrier: &str, actor: &Arc<str>) -> io::Result<(u64, Arc<Notify>)> {
        let mut inner = self.lock();
        let meeting = inner.meetings.entry(barrier.to_string()).or_default();
        let count = meeting.members.entry(actor.clone()).or_insert(0);
        let turn = *count + 1;
        let index = *count as usize;
        if meeting.turns.len() <= index {
            meeting.turns.resize_with(index + 1, Turn::default);
        }
        let over = match &meeting.turns[index].over {
            Some(over) => over.clone(),
            None => Arc::new(Notify::new()?),
        };
        *count = turn;
        meeting.turns[index].over = Some(over.clone());
        meeting.turns[index].arrived += 1;
        if meeting.open(turn) {
            over.signal();
            meeting.turns[index].over = None;
        }
        Ok((turn, over))
    }

    /// May those go on whose arrival number is `turn`?
    pub fn standing(&self, barrier: &str, turn: u64) -> Standing {
        let inner = self.lock();
        match inner.meetings.get(barrier) {
            Some(meeting) if !meeting.open(turn) => {
                let gone = |who: &&Arc<str>| {
                    let arrivals = meeting.members.get(*who);
                    arrivals.is_some_and(|arrivals| *arrivals < turn)
                };
                match inner.left.iter().find(gone) {
                    Some(gone) => Standing::Broken(gone.clone()),
                    None => Standing::Waiting,
                }
            }
            _ => Standing::Open,
        }
    }

    /// Who has not come for this turn, by name.
    pub fn missing(&self, barrier: &str, turn: u64) -> Vec<Arc<str>> {
        let inner = self.lock();
        let meeting = inner.meetings.get(barrier);
        meeting.map_or(vec![], |meeting| meeting.missing(turn).cloned().collect())
    }

    /// `actor` has ended: whoever still waits for it is told.
    pub fn leave(&self, actor: &Arc<str>) {
        let mut inner = self.lock();
        inner.left.insert(actor.clone());
        for meeting in inner.meetings.values() {
            let came = meeting.members.get(actor);
            let came = came.map_or(usize::MAX, |arrivals| *arrivals as usize);
            for turn in meeting.turns.iter().skip(came) {
                if let Some(over) = &turn.over {
                    over.signal();
                }
            }
        }
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
        let meeting = Meeting {
            members: BTreeMap::from([(a.clone(), 0), (b.clone(), 0)]),
            turns: vec![],
        };
        inner.meetings.insert("start".into(), meeting);
        let barriers = Barriers {
            inner: Mutex::new(inner),
        };
        (barriers, a, b)
    }

    fn signalled(notify: &Notify) -> bool {
        use std::os::fd::AsFd;
        let mut fds = [nix::poll::PollFd::new(
            notify.as_fd(),
            nix::poll::PollFlags::POLLIN,
        )];
        nix::poll::poll(&mut fds, nix::poll::PollTimeout::ZERO).unwrap() > 0
    }

    #[test]
    fn opens_when_all_have_come_and_serves_again() {
        let (barriers, a, b) = two();
        let (turn, over) = barriers.arrive("start", &a).unwrap();
        assert_eq!(turn, 1);
        assert_eq!(barriers.standing("start", 1), Standing::Waiting);
        assert_eq!(barriers.missing("start", 1), std::slice::from_ref(&b));
        assert!(!signalled(&over));
        barriers.arrive("start", &b).unwrap();
        assert!(signalled(&over));
        assert_eq!(barriers.standing("start", 1), Standing::Open);
        // The second round does not disturb one who still looks at the first.
        let (turn, second) = barriers.arrive("start", &a).unwrap();
        assert_eq!(turn, 2);
        assert!(signalled(&over) && !signalled(&second));
        assert_eq!(barriers.standing("start", 1), Standing::Open);
        assert_eq!(barriers.standing("start", 2), Standing::Waiting);
        assert_eq!(barriers.missing("start", 2), std::slice::from_ref(&b));
        barriers.arrive("start", &b).unwrap();
        assert!(signalled(&second));
        assert_eq!(barriers.standing("start", 2), Standing::Open);
        assert!(barriers.missing("start", 2).is_empty());
    }

    #[test]
    fn one_who_has_ended_breaks_it() {
        let (barriers, a, b) = two();
        let (turn, over) = barriers.arrive("start", &a).unwrap();
        assert!(!signalled(&over));
        barriers.leave(&b);
        assert!(signalled(&over));
        assert_eq!(barriers.standing("start", turn), Standing::Broken(b));
    }

    #[test]
    fn one_who_ended_before_breaks_it_too() {
        let (barriers, a, b) = two();
        barriers.leave(&b);
        // Whoever arrives asks before it waits.
        let (turn, _) = barriers.arrive("start", &a).unwrap();
        assert_eq!(barriers.standing("start", turn), Standing::Broken(b));
    }

    #[test]
    fn one_who_came_and_then_ended_breaks_nothing() {
        let (barriers, a, b) = two();
        let (turn, over) = barriers.arrive("start", &a).unwrap();
        barriers.leave(&a);
        assert!(!signalled(&over));
        assert_eq!(barriers.standing("start", turn), Standing::Waiting);
        barriers.arrive("start", &b).unwrap();
        assert_eq!(barriers.standing("start", turn), Standing::Open);
    }
}
