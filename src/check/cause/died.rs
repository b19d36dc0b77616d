//! External programs that died, and their last words.

use nix::errno::Errno;

use super::{consistent, proven};
use crate::check::expect::{Evidence, Subject, ending, program_of};
use crate::check::{Cause, Finding};
use crate::timeline::Event;

/// Lines shown of what a program said last.
const LINES: usize = 10;

/// Longest line shown, in characters.
const WIDTH: usize = 200;

/// A program ended as it should not: what it said last, and what of.
pub(super) fn of_program(evidence: &Evidence<'_>, finding: &mut Finding) {
    let Some((actor, _)) = finding.message.split_once(" died") else {
        return;
    };
    let lines = last_lines(evidence, actor);
    if lines.is_empty() {
        return;
    }
    finding.cause = lines.last().and_then(|line| {
        let name = errno(line)?;
        consistent(format!("{actor} died of {name}: {line}"))
    });
    finding.notes.push(said(actor, &lines));
}

/// One of the programs of the connection died.
pub(super) fn of_connection(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Option<Cause> {
    let event = death(evidence, subject)?;
    proven(format!("{} died: {}", event.actor, ending(event)))
}

/// Adds what a program of the connection that died said last.
pub(super) fn last_words(evidence: &Evidence<'_>, subject: &Subject<'_>, notes: &mut Vec<String>) {
    if let Some(event) = death(evidence, subject) {
        let lines = last_lines(evidence, &event.actor);
        if !lines.is_empty() {
            notes.push(said(&event.actor, &lines));
        }
    }
}

/// The end, not a good one, of the server's program or of the client's.
fn death<'e>(evidence: &'e Evidence<'_>, subject: &Subject<'_>) -> Option<&'e Event> {
    let base = subject.name().split('#').next().unwrap_or_default();
    let server = subject.owned.server.as_deref();
    evidence.recording.events.iter().find(|event| {
        event.ends.is_none()
            && (Some(&*event.actor) == server || *event.actor == *base)
            && program_of(evidence.scenario, &event.actor).is_some()
            && match event.call.as_str() {
                "exit" => event.result != "status 0",
                call => call == "killed",
            }
    })
}

/// The last lines of a program's standard error.
fn last_lines(evidence: &Evidence<'_>, actor: &str) -> Vec<String> {
    let mut printed = evidence.recording.output.iter();
    let printed = printed.find(|printed| *printed.actor == *actor && printed.stderr);
    let text = printed.map_or_else(String::new, |p| {
        String::from_utf8_lossy(&p.bytes).into_owned()
    });
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let shown = &lines[lines.len().saturating_sub(LINES)..];
    shown
        .iter()
        .map(|line| line.chars().take(WIDTH).collect())
        .collect()
}

fn said(actor: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("| {line}")).collect();
    format!("the last lines of {actor}'s stderr:\n{}", lines.join("\n"))
}

/// The error that a line names: `[Errno 107]` is ENOTCONN.
fn errno(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("rrno ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let number: i32 = digits.parse().ok()?;
    match Errno::from_raw(number) {
        Errno::UnknownErrno => None,
        errno => Some(format!("{errno:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::errno;

    #[test]
    fn errors_have_names() {
        let line = "OSError: [Errno 107] Transport endpoint is not connected";
        assert_eq!(errno(line).as_deref(), Some("ENOTCONN"));
        assert_eq!(errno("OSError: [Errno 99999] x"), None);
        assert_eq!(errno("Errno "), None);
        assert_eq!(errno("KeyError: 107"), None);
    }
}
