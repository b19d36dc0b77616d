//! Where an actor's event stands between the segments of its connection.
//!
//! An event carries the time at which its call had *returned*. On loopback the segment that a
//! `send` causes is delivered, answered and captured before the call comes back, so time alone
//! would draw the effect above its cause. The rules, strongest first:
//!
//! 1. A call stands above the segment that it caused: `send` above the first transmission of its
//!    first byte, `shutdown` and `close` above the FIN or RST, the start of `connect` above the SYN.
//! 2. A call that needed a segment stands below it: `recv` below the last byte that it returned,
//!    end of file below the peer's FIN, the end of `connect` below the answer to the SYN.
//! 3. An actor's events keep their order.
//! 4. Within these bounds, time decides.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::check::{Judged, Named};
use crate::tcp::{Conversation, Seg, Side};
use crate::timeline::{Event, Nanos, Op};
use crate::wire::Flags;

/// An event of one of a connection's two ends.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub side: Side,
    pub event: &'a Event,
}

/// Which part of a call an entry stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// The call and its result.
    Whole,
    /// The call alone: its result comes further down.
    Start,
    /// The result of a call whose start stands further up.
    End,
}

/// An event in its place: above segment `slot` (0 is above the first).
pub(super) struct Placed<'a> {
    pub slot: usize,
    pub side: Side,
    pub event: &'a Event,
    pub part: Part,
}

/// The events of a connection in their places, and which of them caused which segment.
pub(super) struct Story<'a> {
    pub placed: Vec<Placed<'a>>,
    /// For each segment, the calls that made the kernel send it.
    pub causes: Vec<Causes<'a>>,
}

/// The calls behind one segment.
#[derive(Clone, Copy, Default)]
pub(super) struct Causes<'a> {
    /// The `send` of its first byte, or the `connect` of its SYN.
    pub start: Option<&'a Event>,
    /// The call that ended the stream: FIN or RST.
    pub end: Option<&'a Event>,
}

/// Deals the recording's events out to the connections; those of nobody come last.
pub(super) fn assign(judged: &Judged) -> (Vec<Vec<Own<'_>>>, Vec<&Event>) {
    let mut own = vec![vec![]; judged.connections.len()];
    let owners = Owners::of(&judged.connections);
    let mut others = vec![];
    let events = judged.recording.iter().flat_map(|r| &r.events);
    let mut failed: HashMap<&str, &Event> = HashMap::new();
    for event in events.filter(|event| !super::ladder::is_noise(event)) {
        if event.failed {
            failed.insert(&event.actor, event);
        } else if failed.get(&*event.actor).is_some_and(|e| repeats(event, e)) {
            continue;
        }
        match owners.of_event(event) {
            Some((index, side)) => own[index].push(Own { side, event }),
            None => others.push(event),
        }
    }
    (own, others)
}

/// Is it the end of a script that says again which step failed?
fn repeats(event: &Event, failed: &Event) -> bool {
    let said = event.result.strip_prefix(failed.call.as_str());
    let said = said.and_then(|rest| rest.strip_prefix(": "));
    event.call == "done" && said == Some(failed.result.as_str())
}

/// The connections by what tells whose an event is.
struct Owners<'a> {
    connections: &'a [Named],
    /// By the addresses of client and server.
    pairs: HashMap<(SocketAddr, SocketAddr), Vec<usize>>,
    /// By the name of the client.
    names: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Owners<'a> {
    fn of(connections: &'a [Named]) -> Self {
        let (mut pairs, mut names) = (HashMap::new(), HashMap::new());
        for (index, named) in connections.iter().enumerate() {
            let pair = (named.conversation.client, named.conversation.server);
            pairs.entry(pair).or_insert_with(Vec::new).push(index);
            let name = names.entry(base(&named.name));
            name.or_insert_with(Vec::new).push(index);
        }
        Owners {
            connections,
            pairs,
            names,
        }
    }

    fn of_event(&self, event: &Event) -> Option<(usize, Side)> {
        let last = |found: Option<&Vec<usize>>, side| Some((self.last(found?, event)?, side));
        if let Some(ends) = event.ends {
            return last(self.pairs.get(&(ends.local, ends.peer)), Side::Client)
                .or_else(|| last(self.pairs.get(&(ends.peer, ends.local)), Side::Server));
        }
        last(self.names.get(&*event.actor), Side::Client).or_else(|| match self.connections {
            [only] if only.server.as_ref() == Some(&event.actor) => Some((0, Side::Server)),
            _ => None,
        })
    }

    /// The same four-tuple again, or a client's next connection: the last that had begun.
    fn last(&self, found: &[usize], event: &Event) -> Option<usize> {
        let begun = |index: usize| {
            let first = self.connections[index].conversation.segments.first();
            first.is_some_and(|first| first.time <= event.at)
        };
        let mut from_last = found.iter().rev().copied();
        from_last
            .find(|&index| begun(index))
            .or_else(|| found.first().copied())
    }
}

/// `client-1` of `client-1#2`.
fn base(name: &str) -> &str {
    name.split_once('#').map_or(name, |(base, _)| base)
}

/// An event with the bounds of its place.
#[derive(Clone)]
pub(super) struct Item<'a> {
    pub side: Side,
    pub event: &'a Event,
    pub part: Part,
    pub at: Nanos,
    /// Not above this slot.
    pub low: usize,
    /// Not below this slot.
    pub high: usize,
}

/// Puts each event in its place.
pub(super) fn story<'a>(talk: &Conversation, events: &[Own<'a>]) -> Story<'a> {
    let segments = &talk.segments;
    let mut causes = vec![Causes::default(); segments.len()];
    let mut items: Vec<Item<'a>> = vec![];
    let mut fin_taken = [false; 2];
    for own in events {
        let (side, event) = (own.side, own.event);
        let mut claim = |index: Option<usize>| {
            if let Some(index) = index {
                let causes = &mut causes[index];
                let ends =
                    event.call == "exit" || !matches!(event.op, None | Some(Op::Sent { .. }));
                let cause = if ends {
                    &mut causes.end
                } else {
                    &mut causes.start
                };
                cause.get_or_insert(event);
            }
            index.unwrap_or(segments.len())
        };
        let mut item = Item {
            side,
            event,
            part: Part::Whole,
            at: event.at,
            low: 0,
            high: segments.len(),
        };
        let from =
            |other: Side, flag: Flags| move |s: &Seg| s.from == other && s.flags.contains(flag);
        let below = |index: Option<usize>| index.map_or(0, |index| index + 1);
        let peer = side.other();
        match event.op {
            Some(Op::Sent { start, end, .. }) if start < end => {
                item.high = claim(segments.iter().position(|s| carries(s, side, start)));
            }
            Some(Op::Received(end) | Op::ReceivedSome { end }) if end > 0 => {
                item.low = below(segments.iter().position(|s| carries(s, peer, end - 1)));
            }
            Some(Op::PeerFin) => {
                item.low = below(segments.iter().position(from(peer, Flags::FIN)));
            }
            Some(Op::PeerReset) => {
                item.low = below(segments.iter().position(from(peer, Flags::RST)));
            }
            Some(Op::Shutdown) => {
                item.high = claim(segments.iter().position(from(side, Flags::FIN)));
                fin_taken[side.index()] = true;
            }
            Some(Op::Close { .. } | Op::Reset | Op::Killed) => {
                let fin = segments.iter().position(from(side, Flags::FIN));
                // A RST without ACK answers a segment; no call of this side sent it.
                let abort = Flags::RST | Flags::ACK;
                let rst = segments.iter().position(from(side, abort));
                let quiet = matches!(event.op, Some(Op::Close { unread: 0 } | Op::Killed));
                let fin = fin.filter(|_| !fin_taken[side.index()]);
                item.high = claim(if quiet { fin.or(rst) } else { rst.or(fin) });
            }
            // What closes the sockets of a process that ends; it is seen to end after that.
            _ if event.call == "exit" => {
                let end = |s: &Seg| s.from == side && s.flags.intersects(Flags::FIN | Flags::RST);
                claim(segments.iter().position(end));
            }
            _ if event.call == "connect" && side == Side::Client => {
                let syn = segments
                    .iter()
                    .position(|s| s.from == side && s.flags.contains(Flags::SYN));
                if let Some(syn) = syn {
                    items.push(Item {
                        part: Part::Start,
                        at: segments[syn].time,
                        high: claim(Some(syn)),
                        ..item
                    });
                    item.part = Part::End;
                    let answer = segments.iter().position(|s| {
                        s.from == peer && s.flags.intersects(Flags::SYN | Flags::RST)
                    });
                    item.low = below(answer).max(syn + 1);
                }
            }
            _ => {}
        }
        items.push(item);
    }
    let times: Vec<Nanos> = segments.iter().map(|s| s.time).collect();
    let placed = place(&times, items);
    Story { placed, causes }
}

/// Does `seg` carry byte `offset` of `side`'s stream? (Byte 0 has relative sequence number 1.)
fn carries(seg: &Seg, side: Side, offset: u64) -> bool {
    let start = u64::from(seg.seq) + u64::from(seg.flags.contains(Flags::SYN));
    seg.from == side && start <= offset + 1 && offset + 1 < start + u64::from(seg.len)
}

/// Gives each event its slot among packets captured at `times`.
pub(super) fn place<'a>(times: &[Nanos], items: Vec<Item<'a>>) -> Vec<Placed<'a>> {
    let mut items = items;
    let mut slots: Vec<(usize, Nanos)> = vec![(0, 0); items.len()];
    for side in [Side::Client, Side::Server] {
        let mut high = times.len();
        for item in items.iter_mut().rev().filter(|item| item.side == side) {
            high = high.min(item.high);
            item.high = high;
        }
        let (mut low, mut at) = (0, Nanos::MIN);
        for (item, slot) in items.iter().zip(&mut slots).filter(|(i, _)| i.side == side) {
            at = at.max(item.at);
            let by_time = times.iter().rposition(|time| *time <= at);
            let by_time = by_time.map_or(0, |index| index + 1);
            low = by_time.max(low).max(item.low).min(item.high);
            *slot = (low, at);
        }
    }
    let mut placed: Vec<_> = items.into_iter().zip(slots).collect();
    placed.sort_by_key(|(_, slot)| *slot);
    placed
        .into_iter()
        .map(|(item, (slot, _))| Placed {
            slot,
            side: item.side,
            event: item.event,
            part: item.part,
        })
        .collect()
}
