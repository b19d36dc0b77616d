//! From atoms and programs to the canonical flow: cuts, phases, close.

use super::atoms::Atoms;
use super::program::{Program, Wait};
use super::redact::Redaction;
use super::types::*;
use crate::tcp::{Conversation, Side};
use crate::timeline::Op;
use crate::wire::Flags;

/// What each side's program did on this connection, in program order; `None` for a program that
/// reports no events (an external one, or a capture file).
#[derive(Debug, Clone, Copy, Default)]
pub struct Programs<'a> {
    /// The client's operations.
    pub client: Option<&'a [Op]>,
    /// The server's.
    pub server: Option<&'a [Op]>,
}

/// A wait that a program made and the wire does not show: a defect of the capture or of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconfirmed {
    /// Who waited.
    pub by: Side,
    /// Own unit that had to wait.
    pub unit: u64,
    /// Units of the peer that it waited for.
    pub waited_for: u64,
    /// What its first transmission acknowledges.
    pub acknowledged: u64,
    /// The frame of that transmission.
    pub frame: u64,
}

/// A flow with what was noticed on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical {
    /// The canonical form.
    pub flow: Flow,
    /// Waits that the wire does not confirm.
    pub unconfirmed: Vec<Unconfirmed>,
    /// A side's cuts are those that the wire proves, since its program is not known.
    pub observed: [bool; 2],
    /// Bytes that a program handed to the kernel and that never reached the wire.
    pub unsent: [u64; 2],
}

/// A cut between two phases: everything before it, in units of (client, server).
type Cut = [u64; 2];

/// Computes the canonical flow of a conversation.
pub fn canonical(name: &str, conversation: &Conversation, programs: Programs<'_>) -> Canonical {
    canonical_redacted(name, conversation, programs, &[])
}

/// [`canonical`], with what legitimately varies within payloads replaced.
pub fn canonical_redacted(
    name: &str,
    conversation: &Conversation,
    programs: Programs<'_>,
    redactions: &[Redaction],
) -> Canonical {
    let atoms = Atoms::redacted(conversation, redactions);
    let ops = [programs.client, programs.server];
    let compiled: [Option<Program>; 2] = [Side::Client, Side::Server].map(|side| {
        let others = ops[side.other().index()].unwrap_or_default();
        let ops = ops[side.index()]?;
        Some(Program::of(
            ops,
            atoms.side(side),
            atoms.side(side.other()),
            others,
        ))
    });
    let mut unconfirmed = vec![];
    let mut cuts: Vec<Cut> = vec![];
    for side in [Side::Client, Side::Server] {
        let waits = match &compiled[side.index()] {
            Some(program) => confirm(&atoms, side, &program.waits, &mut unconfirmed),
            None => Program::observed(atoms.side(side)),
        };
        cuts.extend(waits.iter().map(|wait| match side {
            Side::Client => [wait.own, wait.peer],
            Side::Server => [wait.peer, wait.own],
        }));
        cuts.extend(answer_cut(&atoms, side));
    }
    let totals = [Side::Client, Side::Server].map(|side| atoms.side(side).units());
    let ranges = phases_between(&mut cuts, totals);
    let exact = exactness(&atoms, &compiled);
    let handshake = handshake(conversation, &atoms);
    let opened = !matches!(handshake, Handshake::Refused | Handshake::Unanswered);
    let phases = ranges.iter().filter(|_| opened);
    let flow = Flow {
        name: name.to_owned(),
        handshake,
        phases: phases
            .flat_map(|range| phase(&atoms, &compiled, range, exact))
            .collect(),
        close: if opened { close(&atoms) } else { Close::None },
    };
    let unsent = [Side::Client, Side::Server].map(|side| {
        let sent = compiled[side.index()]
            .as_ref()
            .map_or(0, |program| program.sent);
        sent.saturating_sub(atoms.side(side).len())
    });
    let observed = [programs.client.is_none(), programs.server.is_none()];
    Canonical {
        flow,
        unconfirmed,
        observed,
        unsent,
    }
}

/// Keeps the waits whose unit is on the wire and acknowledges what it waited for.
fn confirm(
    atoms: &Atoms<'_>,
    by: Side,
    waits: &[Wait],
    failed: &mut Vec<Unconfirmed>,
) -> Vec<Wait> {
    let own = atoms.side(by);
    let mut confirmed = vec![];
    for wait in waits {
        let Some(ack) = own.ack_of(wait.own) else {
            continue;
        };
        let answer = own
            .rst
            .is_some_and(|rst| rst.at == wait.own && rst.kind == ResetKind::Answer);
        if ack >= wait.peer || answer {
            confirmed.push(*wait);
        } else {
            let frame = own.frame_of(wait.own).unwrap_or(0);
            failed.push(Unconfirmed {
                by,
                unit: wait.own,
                waited_for: wait.peer,
                acknowledged: ack,
                frame,
            });
        }
    }
    confirmed
}

/// A RST without ACK only ever answers a segment (RFC 9293, section 3.10.7), so it stands last.
fn answer_cut(atoms: &Atoms<'_>, side: Side) -> Option<Cut> {
    let rst = atoms
        .side(side)
        .rst
        .filter(|rst| rst.kind == ResetKind::Answer)?;
    let peer = atoms.side(side.other()).sequence_end();
    Some(match side {
        Side::Client => [rst.at, peer],
        Side::Server => [peer, rst.at],
    })
}

/// The ranges between cuts. True cuts form a chain (a byte cannot come before itself), so sorting
/// orders both coordinates; one that does not fit is left out rather than believed.
fn phases_between(cuts: &mut Vec<Cut>, totals: Cut) -> Vec<[Cut; 2]> {
    cuts.sort_unstable();
    cuts.push(totals);
    let mut at = [0, 0];
    let mut ranges = vec![];
    for cut in cuts
        .iter()
        .map(|cut| [cut[0].min(totals[0]), cut[1].min(totals[1])])
    {
        if cut[0] < at[0] || cut[1] < at[1] || cut == at {
            continue;
        }
        ranges.push([at, cut]);
        at = cut;
    }
    ranges
}

/// For each direction: how many bytes of it a script fixes; `None` where all that was sent counts.
fn exactness(atoms: &Atoms<'_>, programs: &[Option<Program>; 2]) -> [Option<u64>; 2] {
    let sides = [Side::Client, Side::Server];
    let reset = sides.map(|side| atoms.side(side).rst);
    let any_reset = reset.iter().any(Option::is_some);
    // What a script waited for exactly, it had in every run in which none of its steps failed.
    let mut certain = [0, 0];
    for side in sides {
        let peer = side.other().index();
        if let Some(program) = &programs[side.index()] {
            certain[peer] = certain[peer].max(program.exact.min(atoms.directions[peer].len()));
            let own = side.index();
            certain[own] = certain[own].max(program.acked.min(atoms.directions[own].len()));
        }
        if programs.iter().all(Option::is_none) {
            // Of a capture from elsewhere only the wire can say what had arrived.
            let own = atoms.side(side);
            certain[side.index()] = own.acked.min(own.len());
        }
        if let Some(rst) = reset[side.index()]
            && rst.kind == ResetKind::Answer
        {
            // It answers at least one byte that came after the last wait of its sender.
            let waits = programs[peer]
                .as_ref()
                .map(|program| program.waits.as_slice());
            let from = waits
                .and_then(|waits| waits.last())
                .map_or(0, |wait| wait.own);
            if from < atoms.directions[peer].len() {
                certain[peer] = certain[peer].max(from + 1);
            }
        }
    }
    for _ in 0..2 {
        for side in sides {
            let Some(program) = &programs[side.index()] else {
                continue;
            };
            let own = side.index();
            certain[own] = certain[own].max(program.whole_sends(certain[own]));
            let implied = program
                .implies(certain[own])
                .min(atoms.directions[1 - own].len());
            certain[1 - own] = certain[1 - own].max(implied);
        }
    }
    sides.map(|side| {
        let own = atoms.side(side);
        let program = programs[side.index()].as_ref();
        let all_sent = program.is_some_and(|program| program.sent == own.len());
        let whole = own.fin.is_some() || (!any_reset && (all_sent || program.is_none()));
        if whole || certain[side.index()] >= own.len() || own.is_empty() {
            None
        } else {
            Some(certain[side.index()])
        }
    })
}

fn run(atoms: &Atoms<'_>, side: Side, from: u64, to: u64, exact: Option<u64>) -> Option<Run> {
    if from >= to {
        return None;
    }
    let own = atoms.side(side);
    let end = to.min(own.len());
    let reset_seen = atoms
        .directions
        .iter()
        .any(|direction| direction.rst.is_some());
    let bytes = match exact {
        _ if from >= end => Bytes::None,
        // Whether any byte raced past the last certain one differs from run to run: silence about it.
        Some(certain) if certain <= from && reset_seen => Bytes::None,
        Some(certain) if certain < end => {
            Bytes::AtLeast(atoms.content(side, from..certain.max(from + 1)))
        }
        _ => Bytes::Exact(atoms.content(side, from..end)),
    };
    let within = |at: u64| from <= at && at < to;
    let fin = own.fin.is_some_and(|fin| within(fin.at));
    let reset = own.rst.filter(|rst| within(rst.at)).map(|rst| rst.kind);
    let empty = bytes == Bytes::None && !fin && reset.is_none();
    (!empty).then_some(Run {
        from: side,
        bytes,
        fin,
        reset,
    })
}

fn phase(
    atoms: &Atoms<'_>,
    programs: &[Option<Program>; 2],
    [from, to]: &[Cut; 2],
    exact: [Option<u64>; 2],
) -> Vec<Phase> {
    let client = run(atoms, Side::Client, from[0], to[0], exact[0]);
    let server = run(atoms, Side::Server, from[1], to[1], exact[1]);
    let needs = |side: Side, unit: u64| {
        programs[side.index()]
            .as_ref()
            .map_or(0, |program| program.needs(unit))
    };
    let (first, second, concurrent) = match (client, server) {
        (None, None) => return vec![],
        (Some(only), None) | (None, Some(only)) => {
            return vec![Phase {
                first: only,
                concurrent: None,
            }];
        }
        (Some(client), Some(server)) if needs(Side::Server, from[1]) > from[0] => {
            (client, server, false)
        }
        (Some(client), Some(server)) if needs(Side::Client, from[0]) > from[1] => {
            (server, client, false)
        }
        (Some(client), Some(server)) => (client, server, true),
    };
    if concurrent {
        vec![Phase {
            first,
            concurrent: Some(second),
        }]
    } else {
        vec![
            Phase {
                first,
                concurrent: None,
            },
            Phase {
                first: second,
                concurrent: None,
            },
        ]
    }
}

fn handshake(conversation: &Conversation, atoms: &Atoms<'_>) -> Handshake {
    let has = |side: Side, with: Flags, without: Flags| {
        conversation.segments.iter().any(|segment| {
            segment.from == side
                && segment.flags.contains(with)
                && !segment.flags.intersects(without)
        })
    };
    let syn = atoms.side(Side::Client).syn;
    let syn_ack = atoms.side(Side::Server).syn;
    match (syn, syn_ack) {
        (true, true) if atoms.established => Handshake::Complete,
        (true, true) => Handshake::Partial,
        (true, false) if has(Side::Server, Flags::RST, Flags::empty()) => Handshake::Refused,
        (true, false) if has(Side::Server, Flags::ACK, Flags::RST) => Handshake::Partial,
        (true, false) => Handshake::Unanswered,
        (false, _) => Handshake::Unseen,
    }
}

fn close(atoms: &Atoms<'_>) -> Close {
    let [client, server] = &atoms.directions;
    let resets: Vec<Reset> = [Side::Client, Side::Server]
        .into_iter()
        .filter_map(|by| {
            let rst = atoms.side(by).rst?;
            // The own FIN comes first in the own sequence space; the peer's if the RST acknowledges it.
            let after = |side: Side| match atoms.side(side).fin {
                Some(fin) => side == by || rst.ack > fin.at,
                None => false,
            };
            Some(Reset {
                by,
                kind: rst.kind,
                after_client_fin: after(Side::Client),
                after_server_fin: after(Side::Server),
            })
        })
        .collect();
    if !resets.is_empty() {
        return Close::Reset(resets);
    }
    match (client.fin, server.fin) {
        (None, None) => Close::Open,
        (Some(_), None) => Close::Half(Side::Client),
        (None, Some(_)) => Close::Half(Side::Server),
        (Some(c), Some(s)) if s.ack > c.at => Close::Fin(Side::Client),
        (Some(c), Some(s)) if c.ack > s.at => Close::Fin(Side::Server),
        (Some(_), Some(_)) => Close::Crossed,
    }
}
