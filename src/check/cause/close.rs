//! Why a FIN is missing, and FINs that crossed.

use super::{consistent, proven};
use crate::check::Cause;
use crate::check::expect::{Evidence, Subject};
use crate::tcp::Side;
use crate::timeline::Op;

/// Two FINs, neither acknowledging the other.
pub(super) fn crossed(subject: &Subject<'_>) -> Option<Cause> {
    let [client, server] = [Side::Client, Side::Server].map(|side| subject.atoms.side(side).fin);
    let (client, server) = (client?, server?);
    proven(format!(
        "two FINs crossed: neither acknowledges the other (the client's #{}, the server's #{})",
        client.frame, server.frame
    ))
}

/// Neither side sent FIN or RST.
pub(super) fn open(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Option<Cause> {
    let idle = [Side::Client, Side::Server].map(|side| subject.ops(side).map(never_closed));
    match idle {
        [Some(true), Some(true)] => {
            proven("FIN is missing: no actor closed this socket, at neither end".to_owned())
        }
        [Some(false), _] => missing(evidence, subject, Side::Client),
        _ => missing(evidence, subject, Side::Server),
    }
}

/// One side sent no FIN.
pub(super) fn missing(_: &Evidence<'_>, subject: &Subject<'_>, side: Side) -> Option<Cause> {
    let Some(ops) = subject.ops(side) else {
        return consistent(format!(
            "FIN is missing: the {side}'s program did not close its socket"
        ));
    };
    if never_closed(ops) {
        return proven(format!(
            "FIN is missing: no actor closed this socket (the {side}'s end)"
        ));
    }
    let sent = ops.iter().map(|op| match *op {
        Op::Sent { end, .. } => end,
        _ => 0,
    });
    let waiting = sent
        .max()
        .unwrap_or(0)
        .saturating_sub(subject.atoms.side(side).len());
    if waiting > 0 && subject.atoms.window_closed(side.other()) {
        return proven(format!(
            "FIN is missing: the {side} closed its socket, but {waiting} bytes stand before the FIN and the {}'s window is 0",
            side.other()
        ));
    }
    None
}

fn never_closed(ops: &[Op]) -> bool {
    let closes = |op: &Op| matches!(op, Op::Close { .. } | Op::Reset | Op::Killed | Op::Shutdown);
    !ops.iter().any(closes)
}
