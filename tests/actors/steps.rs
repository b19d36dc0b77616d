//! Steps: gates, failures, time limits.

use super::*;
use std::time::Instant;

fn echo(steps: Vec<Step>) -> (Finished, Vec<Event>) {
    scene(&server(ServerKind::Select, Handler::Echo), steps)
}

fn short(action: Action) -> Step {
    Step {
        limit: Duration::from_millis(50),
        ..step(action)
    }
}

pub(crate) fn failure(events: &[Event]) -> &Event {
    let failed: Vec<_> = events.iter().filter(|e| e.failed).collect();
    assert_eq!(failed.len(), 1, "{events:#?}");
    failed[0]
}

#[test]
fn a_step_that_takes_too_long_times_out_where_it_stands() {
    let limit = short(Action::Recv(Recv::Exact(text("hello!"))));
    let (finished, events) = echo(vec![connect(), send("hello"), limit]);
    assert!(finished.result.is_err());
    assert_eq!(
        finished.sockets.len(),
        1,
        "the socket stays open until teardown"
    );
    let failed = failure(&events);
    assert_eq!(failed.call, "timeout");
    assert_eq!(failed.result, "recv after 50 ms: 5 of 6 bytes");
    assert_eq!(failed.step, Some(1..2));
    assert!(failed.ends.is_some());
}

#[test]
fn other_bytes_than_expected_are_shown() {
    let (finished, events) = echo(vec![connect(), send("hello"), recv("help!")]);
    assert!(finished.result.is_err());
    let failed = failure(&events);
    assert_eq!(failed.result, "byte 3 differs: expected \"p!\", got \"lo\"");
}

#[test]
fn an_early_end_is_told() {
    let handler = Handler::Steps(Arc::new(vec![send("ab"), close()]));
    let steps = vec![connect(), recv("abc")];
    let (_, events) = scene(&server(ServerKind::Select, handler), steps);
    assert_eq!(
        failure(&events).result,
        "the peer's end (FIN) after 2 of 3 bytes"
    );
}

#[test]
fn writes_after_the_peer_closed_fail_as_expected() {
    let handler = Handler::Steps(Arc::new(vec![recv("x"), close()]));
    let steps = vec![
        connect(),
        send("x"),
        wait(Wait::PeerFin),
        send("1"),
        wait(Wait::PeerReset),
        fails(Action::Send(text("2")), "EPIPE"),
        fails(Action::Send(text("3")), "EPIPE"),
        close(),
    ];
    let (finished, events) = scene(&server(ServerKind::Select, handler), steps);
    assert_eq!(finished.result, Ok(()), "{events:#?}");
    assert!(events.iter().all(|e| !e.failed));
}

#[test]
fn a_success_that_should_have_failed_is_a_failure() {
    let (finished, events) = echo(vec![connect(), fails(Action::Send(text("x")), "EPIPE")]);
    assert!(finished.result.is_err());
    assert_eq!(failure(&events).result, "1, but EPIPE was expected");
    let (_, events) = echo(vec![
        connect(),
        close(),
        fails(Action::Send(text("x")), "EPIPE"),
    ]);
    assert_eq!(failure(&events).result, "EBADF, but EPIPE was expected");
}

#[test]
fn close_with_unread_data_says_so_and_resets() {
    let handler = Handler::Steps(Arc::new(vec![wait(Wait::Queued(10)), close()]));
    let steps = vec![
        connect(),
        send("0123456789"),
        wait(Wait::PeerReset),
        fails(Action::Recv(Recv::Eof), "ECONNRESET"),
        close(),
    ];
    for kind in super::kinds::kinds() {
        let server = server(kind.clone(), handler.clone());
        let (finished, events) = scene(&server, steps.clone());
        assert_eq!(finished.result, Ok(()), "{kind:?}: {events:#?}");
        let story = story(&events, "server");
        let want = [
            "wait queued 10 Received(10)",
            "close 10 bytes unread Close { unread: 10 }",
        ];
        for line in want {
            assert!(story.iter().any(|s| s == line), "{kind:?}: {story:#?}");
        }
    }
}

#[test]
fn reset_is_seen_by_the_server_which_survives_it() {
    for kind in super::kinds::kinds() {
        let context = context();
        let running = spawn(&server(kind.clone(), Handler::Echo), &context).unwrap();
        let steps = vec![connect(), send("a"), recv("a"), step(Action::Reset)];
        assert_eq!(play(&context, &running, steps).result, Ok(()));
        let steps = vec![
            connect(),
            send("b"),
            recv("b"),
            saw("server", "close", 1),
            close(),
        ];
        let finished = play(&context, &running, steps);
        assert_eq!(
            finished.result,
            Ok(()),
            "{kind:?}: {:#?}",
            context.timeline.snapshot()
        );
        running.stop().unwrap();
        let events = context.timeline.snapshot();
        assert!(
            story(&events, "server")
                .iter()
                .any(|s| s == "recv ECONNRESET PeerReset"),
            "{events:#?}"
        );
        assert!(
            story(&events, "client-1")
                .iter()
                .any(|s| s == "close SO_LINGER 0 Reset")
        );
    }
}

#[test]
fn a_deaf_client_makes_the_ends_cross() {
    let both = vec![
        recv("x"),
        saw("client-1", "setsockopt", 1),
        step(Action::Shutdown(How::Write)),
        eof(),
        close(),
    ];
    let server = server(ServerKind::Select, Handler::Steps(Arc::new(both)));
    let steps = vec![
        connect(),
        send("x"),
        step(Action::Deaf(true)),
        saw("server", "shutdown", 1),
        step(Action::Shutdown(How::Write)),
        step(Action::Deaf(false)),
        eof(),
        close(),
    ];
    let (finished, events) = scene(&server, steps);
    // Some kernels let only CAP_NET_ADMIN attach a filter (measured on 6.18); then the message says so.
    match finished.result {
        Err(text) if !may_administer() => assert!(text.contains("CAP_NET_ADMIN"), "{text}"),
        result => assert_eq!(result, Ok(()), "{events:#?}"),
    }
}

/// CAP_NET_ADMIN (12) among this thread's effective capabilities.
fn may_administer() -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("CapEff:\t"));
    u64::from_str_radix(line.unwrap().trim(), 16).unwrap() & (1 << 12) != 0
}

#[test]
fn both_ends_full_is_a_proven_deadlock() {
    for kind in [ServerKind::Select, ServerKind::Threaded] {
        let mut server = server(kind, Handler::Echo);
        server.options = vec![SocketOption::RcvBuf(4096), SocketOption::SndBuf(4096)];
        let steps = vec![
            step(Action::Set(SocketOption::RcvBuf(4096))),
            step(Action::Set(SocketOption::SndBuf(4096))),
            connect(),
            fails(Action::Send(Data::Pattern(10_000_000)), "EAGAIN"),
            wait(Wait::Stalled),
        ];
        let (finished, events) = scene(&server, steps);
        assert_eq!(
            finished.result,
            Ok(()),
            "{:#?}",
            events.iter().filter(|e| e.failed).collect::<Vec<_>>()
        );
    }
}

#[test]
fn acked_and_readable_and_repeat() {
    let turn = vec![
        send("ab"),
        wait(Wait::Readable),
        recv("ab"),
        wait(Wait::Acked),
    ];
    let inner = step(Action::Repeat {
        times: 3,
        steps: turn,
    });
    let outer = step(Action::Repeat {
        times: 2,
        steps: vec![inner],
    });
    let never = step(Action::Repeat {
        times: 0,
        steps: vec![send("no")],
    });
    let (finished, events) = echo(vec![connect(), never, outer, close()]);
    assert_eq!(finished.result, Ok(()), "{events:#?}");
    let sends = events
        .iter()
        .filter(|e| *e.actor == *"client-1" && e.call == "send");
    assert_eq!(sends.count(), 6);
}

#[test]
fn a_client_that_ended_breaks_waits_and_barriers() {
    let context = context();
    let running = spawn(&server(ServerKind::Select, Handler::Echo), &context).unwrap();
    let clients = [
        client(
            "client-1",
            running.address(),
            vec![recv("never"), step(Action::Barrier("b".into()))],
        ),
        client(
            "client-2",
            running.address(),
            vec![step(Action::Barrier("b".into()))],
        ),
        client(
            "client-3",
            running.address(),
            vec![saw("client-1", "send", 2)],
        ),
    ];
    let mut shared = context.clone();
    shared.barriers = lab_capture::client::Barriers::of(&clients);
    let threads: Vec<_> = clients
        .iter()
        .map(|c| lab_capture::client::spawn(c, &shared).unwrap())
        .collect();
    let results: Vec<_> = threads
        .into_iter()
        .map(|t| t.join().unwrap().unwrap().result.unwrap_err())
        .collect();
    assert_eq!(results[0], "recv: EBADF");
    assert_eq!(
        results[1],
        "barrier: b: client-1 has ended and will never come"
    );
    assert!(results[2].contains("client-1 has ended"), "{results:?}");
}

#[test]
fn cancel_wakes_everything_that_blocks() {
    let context = context();
    let mut server = server(ServerKind::Select, Handler::Sink);
    // With a short backlog a SYN may be dropped, and comes again after a second.
    server.backlog = 64;
    let running = spawn(&server, &context).unwrap();
    let mut blocked = vec![
        Action::Recv(Recv::Eof),
        Action::Recv(Recv::UpTo(5)),
        Action::Wait(Wait::PeerFin),
        Action::Wait(Wait::PeerReset),
        Action::Wait(Wait::Queued(3)),
        Action::Wait(Wait::Stalled),
        Action::Barrier("nobody comes".into()),
        saw("server", "never", 1).action,
    ];
    blocked.push(Action::Recv(Recv::Exact(text("x"))));
    let clients: Vec<_> = (0..blocked.len())
        .map(|n| {
            let mut steps = vec![connect(), step(blocked[n].clone())];
            if n > 0 {
                steps.push(step(Action::Barrier("nobody comes".into())));
            }
            client(&format!("client-{n}"), running.address(), steps)
        })
        .collect();
    let mut shared = context.clone();
    shared.barriers = lab_capture::client::Barriers::of(&clients);
    let threads: Vec<_> = clients
        .iter()
        .map(|c| lab_capture::client::spawn(c, &shared).unwrap())
        .collect();
    assert!(context.timeline.wait(Duration::from_secs(20), |events| {
        events.iter().filter(|e| e.call == "connect").count() == blocked.len()
    }));
    let before = Instant::now();
    context.cancel.cancel();
    for thread in threads {
        let result = thread.join().unwrap().unwrap().result;
        let text = result.unwrap_err();
        assert!(text.starts_with("cancelled in"), "{text}");
    }
    running.stop().unwrap();
    // The steps' own limit is 20 s: nothing waited for it.
    assert!(
        before.elapsed() < Duration::from_secs(10),
        "{:?}",
        before.elapsed()
    );
}
