//! Zeek's `conn_state` and `history` of one connection, by Zeek's documented rules.

use crate::tcp::{Analysis, Conversation, Seg, Side};
use crate::wire::Flags;

/// Where Zeek thinks an end stands.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Inactive,
    SynSent,
    /// Seen in the middle of a connection.
    Partial,
    Established,
    Closed,
    Reset,
}

/// `conn_state`: `SF`, `REJ`, `S0`, `RSTO`…
pub(super) fn conn_state(talk: &Conversation) -> &'static str {
    use State::*;
    let mut state = [Inactive; 2];
    let mut data = false;
    for seg in &talk.segments {
        step(&mut state, seg);
        data |= seg.len > 0;
    }
    let [orig, resp] = state;
    let asleep = |state| matches!(state, Inactive | Partial);
    match (orig, resp) {
        (SynSent, Reset) => "REJ",
        (Reset, Reset) if !data => "REJ",
        (o, Reset) if asleep(o) => "RSTRH",
        (_, Reset) => "RSTR",
        (Reset, r) if asleep(r) => "RSTOS0",
        (Reset, _) => "RSTO",
        (Closed, Closed) => "SF",
        (Closed, r) if asleep(r) => "SH",
        (Closed, _) => "S2",
        (o, Closed) if asleep(o) => "SHR",
        (_, Closed) => "S3",
        (SynSent, Inactive) => "S0",
        (Established, Established) => "S1",
        _ => "OTH",
    }
}

fn step(state: &mut [State; 2], seg: &Seg) {
    use State::*;
    let (me, peer) = (seg.from.index(), seg.from.other().index());
    let has = |flag| seg.flags.contains(flag);
    if has(Flags::RST) {
        state[me] = Reset;
    } else if has(Flags::SYN) {
        if has(Flags::ACK) && state[peer] == SynSent {
            state[peer] = Established;
            state[me] = Established;
        } else if state[me] == Inactive {
            state[me] = if has(Flags::ACK) {
                Established
            } else {
                SynSent
            };
        }
    } else if has(Flags::FIN) {
        state[me] = Closed;
    } else if state[me] == Inactive {
        state[me] = Partial;
    }
}

/// `history`: one letter for each kind of thing in the order in which it first happened, upper
/// case for the client. `T` and `W` are repeated for the 1st, 10th, 100th… time.
pub(super) fn history(talk: &Conversation) -> String {
    let mut text = String::new();
    let mut counts = [[0u64; 26]; 2];
    for seg in &talk.segments {
        for letter in letters(seg) {
            let count = &mut counts[seg.from.index()][usize::from(letter - b'A')];
            *count += 1;
            let again = matches!(letter, b'T' | b'W') && power_of_ten(*count);
            if *count == 1 || again {
                let letter = char::from(letter);
                text.push(match seg.from {
                    Side::Client => letter,
                    Side::Server => letter.to_ascii_lowercase(),
                });
            }
        }
    }
    text
}

fn letters(seg: &Seg) -> impl Iterator<Item = u8> {
    let has = |flag| seg.flags.contains(flag);
    let again = Analysis::RETRANSMISSION
        | Analysis::FAST_RETRANSMISSION
        | Analysis::SPURIOUS_RETRANSMISSION;
    let bare = !seg.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST);
    [
        (b'S', has(Flags::SYN) && !has(Flags::ACK)),
        (b'H', has(Flags::SYN) && has(Flags::ACK)),
        (b'A', bare && has(Flags::ACK) && seg.len == 0),
        (b'W', bare && seg.window == 0),
        (b'T', seg.len > 0 && seg.analysis.intersects(again)),
        (b'D', seg.len > 0),
        (b'F', has(Flags::FIN)),
        (b'R', has(Flags::RST)),
    ]
    .into_iter()
    .filter_map(|(letter, holds)| holds.then_some(letter))
}

fn power_of_ten(mut n: u64) -> bool {
    while n >= 10 && n.is_multiple_of(10) {
        n /= 10;
    }
    n == 1
}
