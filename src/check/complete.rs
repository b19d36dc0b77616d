//! Proof that a recording holds every frame of its connections: nothing dropped, no hole in the
//! sequence space, and the captured end covers everything that either end knows of.

use super::naming::Owned;
use crate::capture::Stats;
use crate::flow::atoms::Atoms;
use crate::tcp::{Conversation, Side};
use crate::timeline::Op;

/// Reasons why a recording proves nothing; empty if it is complete.
pub fn reasons(stats: &Stats, own: &[Owned], conversations: &[Conversation]) -> Vec<String> {
    let mut reasons = vec![];
    if stats.dropped > 0 {
        reasons.push(format!(
            "the capture dropped {} frames (its ring was full); a larger `[capture] buffer` helps",
            stats.dropped
        ));
    }
    for owned in own {
        let atoms = Atoms::of(&conversations[owned.index]);
        for side in [Side::Client, Side::Server] {
            let sent = match side {
                Side::Client => &owned.client_ops,
                Side::Server => &owned.server_ops,
            };
            let received = match side {
                Side::Client => &owned.server_ops,
                Side::Server => &owned.client_ops,
            };
            let mut found = direction(&atoms, side, sent.as_deref(), received.as_deref());
            reasons.extend(
                found
                    .drain(..)
                    .map(|reason| format!("{}: {reason}", owned.name)),
            );
        }
    }
    reasons
}

fn direction(
    atoms: &Atoms<'_>,
    side: Side,
    sent: Option<&[Op]>,
    received: Option<&[Op]>,
) -> Vec<String> {
    let own = atoms.side(side);
    let mut reasons = vec![];
    if own.base.is_some() && !own.syn && !own.is_empty() {
        reasons.push(format!("the {side}'s SYN is not in the capture"));
    }
    for hole in own.holes() {
        reasons.push(format!(
            "bytes {} to {} of the {side}'s stream are not in the capture",
            hole.start,
            hole.end - 1
        ));
    }
    let end = own.sequence_end();
    if own.base.is_some() && own.acked > end {
        reasons.push(format!(
            "{} acknowledges {} of the {side}'s stream, the capture ends at {end}",
            side.other(),
            own.acked
        ));
    }
    let read = received.unwrap_or_default().iter().map(|op| match *op {
        Op::Received(n) | Op::ReceivedSome { end: n } => n,
        _ => 0,
    });
    let read = read.max().unwrap_or(0);
    if read > own.len() {
        reasons.push(format!(
            "the {} received {read} bytes of the {side}'s stream, the capture holds {}",
            side.other(),
            own.len()
        ));
    }
    let handed = sent.unwrap_or_default().iter().map(|op| match *op {
        Op::Sent { end, .. } => end,
        _ => 0,
    });
    let handed = handed.max().unwrap_or(0);
    // Bytes queued when a connection is reset never reach the wire; with a FIN all of them did. A
    // killed process may not have told of its last send.
    let killed = sent.unwrap_or_default().contains(&Op::Killed);
    if own.fin.is_some() && sent.is_some() && handed != own.len() && !(killed && handed < own.len())
    {
        reasons.push(format!(
            "the {side} sent {handed} bytes before its FIN, the capture holds {}",
            own.len()
        ));
    }
    reasons
}
