//! What servers do with connections, in every kind that can.

use super::kinds::kinds;
use super::*;
use lab_capture::client;

fn http(text: &str) -> Step {
    send(&text.replace('\n', "\r\n"))
}

#[test]
fn sink_greet_and_http_in_every_kind() {
    for kind in kinds() {
        let sink = vec![
            connect(),
            send("abc"),
            step(Action::Shutdown(How::Write)),
            eof(),
            close(),
        ];
        let (finished, events) = scene(&server(kind.clone(), Handler::Sink), sink);
        assert_eq!(finished.result, Ok(()), "{kind:?}: {events:#?}");
        let greet = vec![connect(), recv("hi\n"), close()];
        let handler = Handler::Greet(b"hi\n".to_vec());
        let (finished, events) = scene(&server(kind.clone(), handler), greet);
        assert_eq!(finished.result, Ok(()), "{kind:?}: {events:#?}");
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
        let talk = vec![
            connect(),
            http("GET / HTTP/1.1\nHost: lab\n\n"),
            recv(answer),
            // Two at once, the first with a body.
            http("POST /a HTTP/1.1\nContent-Length: 3\n\nxyzHEAD / HTTP/1.1\n\n"),
            recv(answer),
            recv(answer.strip_suffix("ok").unwrap()),
            http("nonsense\n\n"),
            recv("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            eof(),
            close(),
        ];
        let (finished, events) = scene(&server(kind.clone(), Handler::Http(b"ok".to_vec())), talk);
        assert_eq!(finished.result, Ok(()), "{kind:?}: {events:#?}");
        assert!(
            events
                .iter()
                .any(|e| e.call == "request" && e.result == "HEAD / HTTP/1.1")
        );
    }
}

#[test]
fn everyone_hears_a_chat_but_the_speaker() {
    for kind in [
        ServerKind::Select,
        ServerKind::Poll,
        ServerKind::Epoll,
        ServerKind::Threaded,
    ] {
        let context = context();
        let running = spawn(&server(kind.clone(), Handler::Chat), &context).unwrap();
        let spawned: Vec<_> = (1..=3)
            .map(|n| {
                let mut steps = vec![connect(), saw("server", "accept", 3)];
                steps.push(match n {
                    1 => send("to all"),
                    _ => recv("to all"),
                });
                // Nobody leaves before all have heard.
                steps.push(step(Action::Barrier("heard".into())));
                steps.push(close());
                client(&format!("client-{n}"), running.address(), steps)
            })
            .collect();
        let mut shared = context.clone();
        shared.barriers = client::Barriers::of(&spawned);
        let threads: Vec<_> = spawned
            .iter()
            .map(|c| client::spawn(c, &shared).unwrap())
            .collect();
        for thread in threads {
            let result = thread.join().unwrap().unwrap().result;
            assert_eq!(
                result,
                Ok(()),
                "{kind:?} {:#?}",
                context.timeline.snapshot()
            );
        }
        running.stop().unwrap();
    }
}

#[test]
fn a_forwarder_passes_bytes_and_ends_both_ways() {
    for kind in kinds() {
        let context = context();
        let mut target = server(ServerKind::Select, Handler::Echo);
        target.name = "target".into();
        let target = spawn(&target, &context).unwrap();
        let forward = server(kind.clone(), Handler::Forward(target.address()));
        let forward = spawn(&forward, &context).unwrap();
        let pattern = Data::Pattern(300_000);
        let finished = play(
            &context,
            &forward,
            vec![
                connect(),
                send("through"),
                recv("through"),
                // More than the buffers hold would deadlock an echo; this much passes.
                step(Action::Send(pattern.clone())),
                step(Action::Recv(Recv::Exact(pattern))),
                step(Action::Shutdown(How::Write)),
                eof(),
                close(),
            ],
        );
        assert_eq!(finished.result, Ok(()), "{kind:?}");
        forward.stop().unwrap();
        target.stop().unwrap();
        let events = context.timeline.snapshot();
        let own = events.iter().filter(|e| *e.actor == *"server");
        let ends: std::collections::HashSet<_> = own.filter_map(|e| e.ends).collect();
        assert_eq!(ends.len(), 2, "{kind:?}: two connections, {ends:?}");
    }
}

#[test]
fn a_forwarder_without_a_target_closes() {
    let context = context();
    let gone = spawn(&server(ServerKind::Select, Handler::Echo), &context).unwrap();
    let address = gone.address();
    gone.stop().unwrap();
    let forward = server(ServerKind::Select, Handler::Forward(address));
    let (finished, events) = scene(&forward, vec![connect(), eof(), close()]);
    assert_eq!(finished.result, Ok(()), "{events:#?}");
    assert!(
        events
            .iter()
            .any(|e| *e.actor == *"server" && e.errno.as_deref() == Some("ECONNREFUSED"))
    );
}

#[test]
fn steps_on_the_servers_side_in_every_kind() {
    for kind in kinds() {
        let steps = vec![
            recv("question"),
            wait(Wait::PeerFin),
            send("answer"),
            close(),
        ];
        let handler = Handler::Steps(Arc::new(steps));
        let play = vec![
            connect(),
            send("question"),
            step(Action::Shutdown(How::Write)),
            recv("answer"),
            eof(),
            close(),
        ];
        let (finished, events) = scene(&server(kind.clone(), handler), play);
        assert_eq!(finished.result, Ok(()), "{kind:?}: {events:#?}");
        assert_eq!(
            story(&events, "server"),
            [
                "recv 8 Received(8)",
                "wait peer-fin PeerFin",
                "send 6 Sent { start: 0, end: 6, echo: false }",
                "close ok Close { unread: 0 }",
                "done ok",
            ],
            "{kind:?}"
        );
    }
}
