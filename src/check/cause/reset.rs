//! Why a RST was sent.

use super::{consistent, proven};
use crate::check::Cause;
use crate::check::expect::{Evidence, Subject, program_of};
use crate::flow::{Reset, ResetKind};
use crate::tcp::{Seg, Side};
use crate::timeline::Op;

pub(super) fn of(evidence: &Evidence<'_>, subject: &Subject<'_>, reset: &Reset) -> Option<Cause> {
    match reset.kind {
        ResetKind::Abort => {
            queued(evidence, subject, reset.by).or_else(|| abort(subject, reset.by))
        }
        ResetKind::Answer => answer(subject, reset.by),
    }
}

/// The listening socket was closed before accept() had taken the connection from its queue.
fn queued(evidence: &Evidence<'_>, subject: &Subject<'_>, by: Side) -> Option<Cause> {
    let server = subject.owned.server.as_deref()?;
    if by == Side::Client
        || subject.ops(Side::Server).is_some()
        || program_of(evidence.scenario, server).is_some()
    {
        return None;
    }
    let frame = subject.atoms.side(by).rst?.frame;
    let closed = evidence.recording.events.iter().any(|event| {
        *event.actor == *server && event.ends.is_none() && event.call == "close" && !event.failed
    });
    closed.then_some(())?;
    proven(format!(
        "RST #{frame} because {server} closed its listening socket while this connection stood in its queue"
    ))
}

/// A RST with ACK: its sender gave up the connection.
fn abort(subject: &Subject<'_>, by: Side) -> Option<Cause> {
    let rst = subject.atoms.side(by).rst?;
    let frame = rst.frame;
    let Some(ops) = subject.ops(by) else {
        return consistent(format!(
            "RST #{frame}: the {by}'s program closed its socket with unread bytes (recv queue), or with SO_LINGER 0"
        ));
    };
    let closed = ops
        .iter()
        .rev()
        .find(|op| matches!(op, Op::Close { .. } | Op::Reset | Op::Killed));
    match closed? {
        Op::Close { unread: 0 } => consistent(format!(
            "RST #{frame}: bytes reached the {by} between its last recv() and its close()"
        )),
        Op::Close { unread } => {
            let bytes = if *unread == 1 { "byte" } else { "bytes" };
            proven(format!(
                "RST #{frame} because the {by}'s close() left {unread} unread {bytes} (recv queue)"
            ))
        }
        Op::Reset => proven(format!(
            "RST #{frame} because SO_LINGER was 0 when the {by} called close()"
        )),
        _ => {
            let read = ops.iter().map(|op| match *op {
                Op::Received(n) | Op::ReceivedSome { end: n } => n,
                _ => 0,
            });
            let read = read.max().unwrap_or(0);
            let peer = subject.atoms.side(by.other());
            let text =
                format!("RST #{frame} because the {by}'s process was killed with unread bytes");
            // The RST itself acknowledges what its kernel had received.
            let received = peer.acked.max(rst.ack).min(peer.len());
            if received > read {
                let unread = received - read;
                proven(format!("{text}: it had not read {unread} of them"))
            } else {
                consistent(text)
            }
        }
    }
}

/// A RST without ACK: a segment came for which there was no socket any more.
fn answer(subject: &Subject<'_>, by: Side) -> Option<Cause> {
    let rst = subject.atoms.side(by).rst?;
    let frame = rst.frame;
    let segment = subject.segment(frame)?;
    // Its sequence number is the acknowledgement number of what it answers.
    let asked = |s: &&Seg| s.from != by && s.raw_ack == segment.raw_seq && s.time <= segment.time;
    let asked = subject.conversation.segments.iter().rev().find(asked)?;
    let closed = |op: &Op| matches!(op, Op::Close { .. } | Op::Reset | Op::Killed);
    let what = if asked.len > 0 { "data" } else { "segment" };
    let text = format!(
        "the {by} had closed: the {}'s {what} #{} was answered with RST #{frame}",
        by.other(),
        asked.frame
    );
    match subject.ops(by) {
        Some(ops) if ops.iter().any(closed) => proven(text),
        Some(_) => None,
        // FIN, and a RST for what came after it: nobody can read it any more.
        None if subject.atoms.side(by).fin.is_some() && asked.len > 0 => proven(text),
        None => consistent(text),
    }
}
