//! Every kind does the same.

use super::*;

fn kinds() -> Vec<ServerKind> {
    vec![ServerKind::Select, ServerKind::Poll, ServerKind::Epoll]
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
