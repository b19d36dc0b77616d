//! Why a handshake failed, or took long.

use super::{consistent, proven};
use crate::check::Cause;
use crate::check::expect::{Evidence, Subject};
use crate::flow::Handshake;
use crate::scenario::{Server, ServerKind};
use crate::tcp::{Seg, Side};
use crate::timeline::{Event, Nanos};
use crate::wire::Flags;

pub(super) fn of(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Option<Cause> {
    match subject.flow.handshake {
        Handshake::Refused => refused(evidence, subject),
        Handshake::Unanswered | Handshake::Partial | Handshake::Complete => {
            unanswered(evidence, subject)
        }
        _ => None,
    }
}

fn syns<'a>(subject: &Subject<'a>) -> Vec<&'a Seg> {
    let segments = subject.conversation.segments.iter();
    let syn = |s: &&Seg| s.from == Side::Client && s.flags.contains(Flags::SYN);
    segments.filter(syn).collect()
}

fn server<'a>(evidence: &Evidence<'a>, subject: &Subject<'_>) -> Option<&'a Server> {
    let at = subject.conversation.server;
    evidence.scenario.servers.iter().find(|server| {
        server.listen.port() == at.port()
            && (server.listen.ip() == at.ip() || server.listen.ip().is_unspecified())
    })
}

/// Events of a server's listening socket.
fn of_listener<'e>(evidence: &'e Evidence<'_>, server: &Server) -> impl Iterator<Item = &'e Event> {
    let name = server.name.clone();
    let events = evidence.recording.events.iter();
    events.filter(move |event| event.actor == name && event.ends.is_none())
}

/// SYN, answered with RST.
fn refused(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Option<Cause> {
    let syns = syns(subject);
    let syn = syns.last()?;
    let segments = subject.conversation.segments.iter();
    let rst = segments
        .rev()
        .find(|s| s.from == Side::Server && s.flags.contains(Flags::RST))?;
    let address = subject.conversation.server;
    let text = format!("SYN #{} was answered with RST #{}", syn.frame, rst.frame);
    let nothing = proven(format!("{text}: nothing listened on {address}"));
    let Some(server) = server(evidence, subject) else {
        return nothing;
    };
    // Did it listen at that time?
    let last = of_listener(evidence, server)
        .filter(|event| event.at <= syn.time && !event.failed && event.errno.is_none())
        .filter(|e| matches!(e.call.as_str(), "listen" | "close" | "exit" | "killed"))
        .last();
    match last {
        None => nothing,
        Some(event) if event.call == "close" => proven(format!(
            "{text}: nothing listened on {address} any more, {} had closed its listening socket",
            server.name
        )),
        Some(event) if event.call != "listen" => proven(format!(
            "{text}: nothing listened on {address} any more, {} had ended ({} {})",
            server.name, event.call, event.result
        )),
        Some(_) => None,
    }
}

/// A SYN that nobody answered before it was sent again, or ever.
fn unanswered(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Option<Cause> {
    let syns = syns(subject);
    let first = syns.first()?;
    let answer = subject
        .conversation
        .segments
        .iter()
        .find(|s| s.from == Side::Server && s.flags.contains(Flags::SYN));
    let again = syns.get(1);
    match (again, answer) {
        // Answered at once: whatever took long, it was not this.
        (None, Some(_)) => return None,
        (Some(again), Some(answer)) if answer.time < again.time => {
            return consistent(format!(
                "SYN #{} was sent again although SYN-ACK #{} answered it: the client did not take it",
                first.frame, answer.frame
            ));
        }
        _ => {}
    }
    let text = format!("SYN #{} was not answered", first.frame);
    let server = server(evidence, subject)?;
    let waiting = waiting(evidence, subject, server, first.time);
    let Some(waiting) = waiting else {
        return consistent(format!("{text}: the accept queue was full"));
    };
    // listen(fd, n) lets n + 1 wait.
    let room = u64::try_from(server.backlog).unwrap_or(0) + 1;
    if waiting >= room {
        proven(format!(
            "{text}: the accept queue was full (listen(fd, {}) lets {room} wait, and {waiting} did)",
            server.backlog
        ))
    } else {
        None
    }
}

/// How many connections stood in the accept queue; `None` if the server does not tell what it accepts.
fn waiting(
    evidence: &Evidence<'_>,
    subject: &Subject<'_>,
    server: &Server,
    at: Nanos,
) -> Option<u64> {
    if matches!(server.kind, ServerKind::Command(_)) {
        return None;
    }
    let established = evidence.subjects.iter().filter(|other| {
        other.conversation.server == subject.conversation.server
            && other.conversation.segments.iter().any(|s| {
                s.from == Side::Client
                    && s.time < at
                    && s.flags.contains(Flags::ACK)
                    && !s.flags.contains(Flags::RST)
            })
    });
    let accepted = evidence.recording.events.iter().filter(|event| {
        event.actor == server.name
            && event.call == "accept"
            && event.errno.is_none()
            && !event.failed
            && event.at < at
    });
    Some((established.count() as u64).saturating_sub(accepted.count() as u64))
}
