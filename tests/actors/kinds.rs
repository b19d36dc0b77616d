//! Every kind does the same.

use super::*;

/// All that serve connections.
pub(crate) fn kinds() -> Vec<ServerKind> {
    use ServerKind::*;
    vec![Select, Poll, Epoll, Threaded, Sequential, Forking]
}

#[test]
fn every_kind_echoes_alike() {
    for kind in kinds() {
        let steps = vec![
            connect(),
            send("hello\n"),
            recv("hello\n"),
            send("again\n"),
            recv("again\n"),
            step(Action::Shutdown(How::Write)),
            eof(),
            close(),
        ];
        let (finished, events) = scene(&server(kind.clone(), Handler::Echo), steps);
        assert_eq!(finished.result, Ok(()), "{kind:?}: {events:#?}");
        assert_eq!(
            story(&events, "server"),
            [
                "recv 6 ReceivedSome { end: 6 }",
                "send 6 Sent { start: 0, end: 6, echo: true }",
                "recv 6 ReceivedSome { end: 12 }",
                "send 6 Sent { start: 6, end: 12, echo: true }",
                "recv 0 PeerFin",
                "close ok Close { unread: 0 }",
            ],
            "{kind:?}"
        );
        assert_eq!(
            story(&events, "client-1"),
            [
                "send 6 Sent { start: 0, end: 6, echo: false }",
                "recv 6 Received(6)",
                "send 6 Sent { start: 6, end: 12, echo: false }",
                "recv 6 Received(12)",
                "shutdown SHUT_WR Shutdown",
                "recv 0 PeerFin",
                "close ok Close { unread: 0 }",
            ]
        );
        assert!(events.iter().all(|e| !e.failed));
    }
}

#[test]
fn every_kind_echoes_over_ipv6() {
    for kind in kinds() {
        let mut server = server(kind.clone(), Handler::Echo);
        server.listen = "[::1]:0".parse().unwrap();
        let steps = vec![connect(), send("six"), recv("six"), close()];
        let (finished, events) = scene(&server, steps);
        assert_eq!(finished.result, Ok(()), "{kind:?}: {events:#?}");
    }
}

#[test]
fn the_sequential_server_lets_the_second_wait() {
    let context = context();
    let running = spawn(&server(ServerKind::Sequential, Handler::Echo), &context).unwrap();
    let first = vec![
        connect(),
        send("a"),
        recv("a"),
        // The second has sent; nobody has read it.
        saw("client-2", "send", 1),
        close(),
    ];
    let second = vec![
        saw("client-1", "recv", 1),
        connect(),
        send("b"),
        recv("b"),
        step(Action::Shutdown(How::Write)),
        eof(),
        close(),
    ];
    let address = running.address();
    let first = lab_capture::client::spawn(&client("client-1", address, first), &context).unwrap();
    let second =
        lab_capture::client::spawn(&client("client-2", address, second), &context).unwrap();
    assert_eq!(first.join().unwrap().unwrap().result, Ok(()));
    assert_eq!(second.join().unwrap().unwrap().result, Ok(()));
    running.stop().unwrap();
    let calls: Vec<_> = context
        .timeline
        .snapshot()
        .into_iter()
        .filter(|e| *e.actor == *"server" && matches!(&*e.call, "accept" | "close"))
        .map(|e| e.call)
        .collect();
    assert_eq!(calls, ["accept", "close", "accept", "close"]);
}

#[test]
fn udp_echoes_and_no_server_is_refused() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        udp(listen.parse().unwrap());
    }
}

fn udp(listen: SocketAddr) {
    let context = context();
    let mut server = server(ServerKind::Udp, Handler::Echo);
    server.listen = listen;
    let running = spawn(&server, &context).unwrap();
    let talk = |name: &str, target, steps| {
        let mut client = client(name, target, Vec::new());
        client.kind = ClientKind::Udp(Arc::new(steps));
        run_script(&client, &context).unwrap().result
    };
    let steps = vec![
        connect(),
        send("ping"),
        recv("ping"),
        send("2"),
        recv("2"),
        close(),
    ];
    assert_eq!(talk("client-1", running.address(), steps), Ok(()));
    // An empty datagram is one.
    let steps = vec![connect(), send(""), recv("")];
    assert_eq!(talk("client-2", running.address(), steps), Ok(()));
    let address = running.address();
    running.stop().unwrap();
    let any = Action::Recv(Recv::Count(1));
    let steps = vec![connect(), send("x"), fails(any, "ECONNREFUSED")];
    assert_eq!(talk("client-3", address, steps), Ok(()));
    assert!(context.timeline.snapshot().iter().all(|e| !e.failed));
}

#[test]
fn a_port_in_use_is_named() {
    let context = context();
    let running = spawn(&server(ServerKind::Select, Handler::Echo), &context).unwrap();
    for process in [false, true] {
        let mut second = server(ServerKind::Select, Handler::Echo);
        second.listen = running.address();
        second.process = process;
        let error = spawn(&second, &context).unwrap_err();
        assert_eq!(error.errno(), Some(nix::errno::Errno::EADDRINUSE));
        let text = error.to_string();
        assert!(text.contains(&running.address().to_string()), "{text}");
        assert!(text.contains("ss -ltnp"), "{text}");
    }
}

#[test]
fn a_listening_server_leaves_all_to_the_kernel() {
    let listen = Handler::Steps(Arc::new(vec![
        saw("client-1", "connect", 1),
        step(Action::CloseListener),
    ]));
    let steps = vec![
        connect(),
        wait(Wait::PeerReset),
        fails(Action::Recv(Recv::Count(1)), "ECONNRESET"),
        fails(Action::Connect(None), "ECONNREFUSED"),
    ];
    let (finished, events) = scene(&server(ServerKind::Listen, listen), steps);
    assert_eq!(finished.result, Ok(()), "{events:#?}");
    let refused = events
        .iter()
        .find(|e| e.errno.as_deref() == Some("ECONNREFUSED"));
    let local = refused.unwrap().ends.unwrap().local;
    assert!(local.ip().is_loopback() && local.port() != 0, "{local}");
}

#[test]
fn stop_wakes_every_kind_wherever_it_blocks() {
    for kind in kinds() {
        for handler in [
            Handler::Echo,
            Handler::Steps(Arc::new(vec![recv("more than comes")])),
            // Stays open after its last step.
            Handler::Steps(Arc::new(vec![recv("x")])),
        ] {
            let context = context();
            let running = spawn(&server(kind.clone(), handler), &context).unwrap();
            let finished = play(
                &context,
                &running,
                vec![connect(), send("x"), saw("server", "accept", 1)],
            );
            assert_eq!(finished.result, Ok(()));
            let before = std::time::Instant::now();
            running.stop().unwrap();
            let took = before.elapsed();
            // The steps' own limit is 20 s, and a process that does not end by itself is killed after 0.9 s.
            let exit = context
                .timeline
                .snapshot()
                .into_iter()
                .find(|e| e.call == "exit");
            assert!(exit.is_none_or(|e| e.result == "status 0"), "{kind:?}");
            assert!(took < Duration::from_secs(10), "{kind:?}: {took:?}");
        }
    }
}
