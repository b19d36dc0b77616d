//! A sender of much does not run away from the capture: nothing is lost, and nothing piles up in memory.

use super::context::WireWatch;
use crate::timeline::Ends;

/// Bytes that are sent before the capture must show those of the window before.
const WINDOW: u64 = 8 << 20;

/// The same, in calls: small segments take room in the ring, too.
const CALLS: u32 = 8192;

/// Looks, a millisecond apart, at which the capture shows nothing new: it never will (frames were lost,
/// they cannot leave, or another connection is meant), and sending goes on. A disk that holds up the
/// capture may take seconds: with 200 ms the sender ran away on a loaded machine, and frames were lost.
const PATIENCE: u32 = 15_000;

/// How far a stream may go. Two windows are on their way at most, a fraction of the ring; who sends less
/// never notices.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Where the window began.
    mark: u64,
    calls: u32,
    shown: u64,
    idle: u32,
    off: bool,
}

impl Pace {
    /// May the stream that has come to `sent` go on now? Ask before each call.
    pub fn may_go(&mut self, sent: u64, wire: Option<&dyn WireWatch>, ends: Option<Ends>) -> bool {
        if self.off || (sent < self.mark + WINDOW && self.calls < CALLS) {
            self.calls = self.calls.saturating_add(1);
            return true;
        }
        let (Some(wire), Some(ends)) = (wire, ends) else {
            self.off = true;
            return true;
        };
        let shown = wire.shown(ends);
        if shown == self.shown {
            self.idle += 1;
        } else {
            (self.shown, self.idle) = (shown, 0);
        }
        self.off = self.idle > PATIENCE;
        if shown < self.mark && !self.off {
            return false;
        }
        (self.mark, self.calls, self.idle) = (sent, 1, 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::platform::Notify;
    use crate::scenario::SegmentMatch;

    #[derive(Debug, Default)]
    struct Shown(AtomicU64);

    impl WireWatch for Shown {
        fn subscribe(&self) -> std::io::Result<Arc<Notify>> {
            unreachable!("nobody waits for it")
        }
        fn seen(&self, _: &SegmentMatch, _: Option<Ends>) -> Result<bool, String> {
            unreachable!("nobody waits for it")
        }
        fn shown(&self, _: Ends) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn ends() -> Option<Ends> {
        let [local, peer] = ["127.0.0.1:1", "127.0.0.1:2"].map(|text| text.parse().unwrap());
        Some(Ends { local, peer })
    }

    /// Sends pieces until it may not.
    fn run(pace: &mut Pace, sent: &mut u64, piece: u64, wire: &Shown) {
        while *sent < 10 * WINDOW && pace.may_go(*sent, Some(wire), ends()) {
            *sent += piece;
        }
    }

    #[test]
    fn two_windows_are_on_their_way() {
        let (mut pace, mut sent, wire) = (Pace::default(), 0, Shown::default());
        run(&mut pace, &mut sent, 1 << 16, &wire);
        assert_eq!(sent, 2 * WINDOW);
        wire.0.store(WINDOW - 1, Ordering::Relaxed);
        run(&mut pace, &mut sent, 1 << 16, &wire);
        assert_eq!(sent, 2 * WINDOW);
        wire.0.store(WINDOW, Ordering::Relaxed);
        run(&mut pace, &mut sent, 1 << 16, &wire);
        assert_eq!(sent, 3 * WINDOW);
    }

    #[test]
    fn small_pieces_count_by_number() {
        let (mut pace, mut sent, wire) = (Pace::default(), 0, Shown::default());
        run(&mut pace, &mut sent, 1, &wire);
        assert_eq!(sent, 2 * u64::from(CALLS));
    }

    #[test]
    fn what_the_capture_never_shows_is_not_awaited_for_ever() {
        let (mut pace, mut sent, wire) = (Pace::default(), 0, Shown::default());
        for _ in 0..=PATIENCE {
            run(&mut pace, &mut sent, 1 << 16, &wire);
        }
        assert_eq!(sent, 10 * WINDOW);
        assert!(Pace::default().may_go(u64::MAX / 2, None, ends()));
    }
}
