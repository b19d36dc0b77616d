//! Events beside segments: no effect above its cause.

use proptest::prelude::*;

use super::order::{Item, Own, Part, place, story};
use super::sample::*;
use crate::timeline::{Event, Op};
use crate::wire::Flags;

/// Calls and segments of the one connection, top to bottom.
fn lines(run: &Run) -> Vec<String> {
    let judged = &run.judged;
    let (own, _) = super::order::assign(judged);
    let talk = &judged.connections[0].conversation;
    let story = story(talk, &own[0]);
    let mut lines = vec![];
    let mut placed = story.placed.iter().peekable();
    let mut push = |lines: &mut Vec<String>, slot| {
        while let Some(p) = placed.next_if(|p| p.slot <= slot) {
            let part = if p.part == Part::Start { "…" } else { "" };
            lines.push(format!(
                "{} {}{part} {}",
                p.side, p.event.call, p.event.result
            ));
        }
    };
    for (slot, seg) in talk.segments.iter().enumerate() {
        push(&mut lines, slot);
        lines.push(format!("#{} {}", seg.frame, seg.flags));
    }
    push(&mut lines, talk.segments.len());
    lines
}

#[track_caller]
fn in_order(lines: &[String], wanted: &[&str]) {
    let mut rest = lines.iter();
    for line in wanted {
        assert!(
            rest.any(|l| l == line),
            "{line} is missing or too high in {lines:#?}"
        );
    }
}

#[test]
fn a_call_stands_above_what_it_caused_and_below_what_it_needed() {
    let lines = lines(&close());
    in_order(
        &lines,
        &[
            "client connect… ok",
            "#1 SYN",
            "#2 SYN,ACK",
            "client connect ok",
        ],
    );
    in_order(
        &lines,
        &[
            "client send 5",
            "#4 PSH,ACK",
            "server recv 5",
            "server send 5",
        ],
    );
    in_order(
        &lines,
        &[
            "server send 5",
            "#6 PSH,ACK",
            "client recv 5",
            "client close ok",
        ],
    );
    in_order(
        &lines,
        &[
            "client close ok",
            "#8 FIN,ACK",
            "server recv 0",
            "server close ok",
        ],
    );
    in_order(&lines, &["server close ok", "#9 FIN,ACK"]);
}

/// The clock of events and that of frames may disagree by a little on two CPUs.
#[test]
fn a_receive_never_stands_above_its_bytes_whatever_its_time() {
    let mut run = close();
    for event in &mut run.judged.recording.as_mut().expect("recorded").events {
        event.at = START;
    }
    in_order(
        &lines(&run),
        &["#4 PSH,ACK", "server recv 5", "server send 5", "#6 PSH,ACK"],
    );
}

#[test]
fn of_several_sends_in_one_segment_all_stand_above_it() {
    let mut run = Run::new("x", "");
    let c = run.connection("client-1");
    run.handshake(c);
    run.segment(c, Client, PSH, b"12345");
    run.segment(c, Client, PSH, b"abcdefghijABCDEFGHIJ");
    for (start, end) in [(0, 5), (5, 15), (15, 25)] {
        let op = Op::Sent {
            start,
            end,
            echo: false,
        };
        run.act(c, Client, "send", &end.to_string(), op);
    }
    in_order(
        &lines(&run),
        &[
            "client send 5",
            "#4 PSH,ACK",
            "client send 15",
            "client send 25",
            "#5 PSH,ACK",
        ],
    );
}

#[test]
fn bytes_that_never_left_bind_nothing() {
    let mut run = Run::new("x", "");
    let c = run.connection("client-1");
    run.handshake(c);
    let op = Op::Sent {
        start: 0,
        end: 5,
        echo: false,
    };
    run.act(c, Client, "send", "5", op);
    run.segment(c, Server, Flags::RST, b"");
    in_order(&lines(&run), &["#3 ACK", "client send 5", "#4 RST"]);
}

/// The same four-tuple twice: each event stands with the connection that had begun.
#[test]
fn events_of_a_reused_four_tuple_go_to_their_own_connection() {
    let mut run = Run::new("x", "");
    let first = run.connection("client-1");
    run.handshake(first);
    run.client_closes(first);
    let again = run.connection("client-1#2");
    let address = run.judged.connections[first].conversation.client;
    run.judged.connections[again].conversation.client = address;
    run.segment(again, Client, SYN, b"");
    run.segment(again, Server, RST, b"");
    let event = run.event(
        Some((again, Client)),
        "client-1",
        "connect",
        "ECONNREFUSED",
        None,
    );
    event.errno = Some("ECONNREFUSED".into());
    let (own, _) = super::order::assign(&run.judged);
    let calls = |index: usize| -> Vec<&str> {
        own[index]
            .iter()
            .map(|Own { event, .. }| event.result.as_str())
            .collect()
    };
    assert_eq!(calls(1), ["ECONNREFUSED"]);
    assert!(!calls(0).contains(&"ECONNREFUSED"));
}

fn event(at: i64) -> Event {
    Event {
        at,
        actor: "x".into(),
        ends: None,
        call: at.to_string(),
        result: String::new(),
        errno: None,
        op: None,
        step: None,
        failed: false,
    }
}

proptest! {
    /// Whatever the times are: bounds that can be kept are kept, an actor's events keep their
    /// order, and nothing is lost.
    #[test]
    fn bounds_hold(
        times in proptest::collection::vec(0i64..100, 0..12),
        events in proptest::collection::vec((any::<bool>(), 0i64..100, 0usize..14, 0usize..14), 0..12),
    ) {
        let owned: Vec<Event> = events.iter().map(|(_, at, ..)| event(*at)).collect();
        let n = times.len();
        let items: Vec<Item<'_>> = events.iter().zip(&owned).map(|((client, at, a, b), event)| Item {
            side: if *client { Client } else { Server },
            event,
            part: Part::Whole,
            at: *at,
            low: (*a).min(*b).min(n),
            high: (*a).max(*b).min(n),
        }).collect();
        let placed = place(&times, items.clone());
        prop_assert_eq!(placed.len(), items.len());
        prop_assert!(placed.is_sorted_by_key(|p| p.slot));
        for side in [Client, Server] {
            let before: Vec<*const Event> =
                items.iter().filter(|i| i.side == side).map(|i| i.event as *const _).collect();
            let after: Vec<*const Event> =
                placed.iter().filter(|p| p.side == side).map(|p| p.event as *const _).collect();
            prop_assert_eq!(before, after);
        }
        for p in &placed {
            let item = items.iter().find(|i| std::ptr::eq(i.event, p.event)).expect("of the items");
            prop_assert!(p.slot <= item.high, "below what it caused");
        }
    }
}
