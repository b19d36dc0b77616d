//! Several connections: who was there at the same time, who came after whom.

use super::script::{Do, Serving, Talk};
use crate::tcp::Conversation;
use crate::wire::Flags;

/// When a connection was what, by frame numbers.
struct Life {
    start: u64,
    /// Its first segment after the handshake, about.
    connected: u64,
    /// Its first FIN or RST.
    ending: u64,
    end: u64,
}

impl Life {
    fn of(conversation: &Conversation) -> Life {
        let segments = &conversation.segments;
        let frame = |at: usize| segments.get(at).map_or(0, |segment| segment.frame);
        let ends = |flags: Flags| flags.intersects(Flags::FIN | Flags::RST);
        let ending = segments.iter().find(|segment| ends(segment.flags));
        Life {
            start: frame(0),
            connected: frame(2.min(segments.len().saturating_sub(1))),
            ending: ending.map_or(u64::MAX, |segment| segment.frame),
            end: segments.last().map_or(0, |segment| segment.frame),
        }
    }
}

/// Puts steps in front of, or behind, the clients' first ones, so that connections which stood
/// together stand together again, and one that came when another was over comes then.
pub(super) fn gate(talks: &mut [Talk], conversations: &[&Conversation]) {
    let lives: Vec<Life> = conversations.iter().map(|c| Life::of(c)).collect();
    let whole = talks.iter().all(|talk| talk.serving == Serving::Script);
    let connected = lives.iter().map(|life| life.connected).max().unwrap_or(0);
    let ending = lives.iter().map(|life| life.ending).min().unwrap_or(0);
    if talks.len() > 1 && whole && connected < ending {
        for talk in talks {
            talk.steps[0].insert(1, Do::Barrier("all-connected"));
        }
        return;
    }
    let names: Vec<String> = talks.iter().map(|talk| talk.name.clone()).collect();
    for (index, talk) in talks.iter_mut().enumerate() {
        let over = |other: &usize| lives[*other].end < lives[index].start;
        let before: Vec<usize> = (0..lives.len()).filter(over).collect();
        // Those that another of them already waited for need no wait of their own.
        let last = before.iter().filter(|one| {
            !before
                .iter()
                .any(|other| lives[**one].end < lives[*other].start)
        });
        let waits = last.map(|one| Do::Event(names[*one].clone(), "done"));
        talk.steps[0].splice(0..0, waits);
    }
}
