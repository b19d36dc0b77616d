//! The terminal report of hand-built runs, under snapshot without colour.

use super::sample::*;
use super::text::{self, Detail, Options};
use crate::check::{Cause, Finding, Judged, Verdict};
use crate::flow::{Close, Handshake};
use crate::tcp::Analysis;
use crate::timeline::Op;
use crate::wire::Flags;

pub(super) fn plain(judged: &Judged, options: &Options) -> String {
    let mut out = anstream::StripStream::new(vec![]);
    text::write(&mut out, judged, options).expect("a vector takes all");
    let text = String::from_utf8(out.into_inner()).expect("UTF-8");
    for line in text.lines() {
        // The verdict line is one line however long the file's name is.
        let verdict = line.contains("connection") && line.contains(" ms");
        let fits = line.chars().count() <= options.width;
        assert!(fits || verdict, "too wide: {line}");
        assert_eq!(line, line.trim_end(), "trailing space");
    }
    text
}

pub(super) fn full(run: &Run) -> String {
    plain(&run.judged, &Options::default())
}

#[test]
fn close_by_fin() {
    insta::assert_snapshot!(full(&close()));
}

#[test]
fn close_by_fin_wide_and_in_ascii() {
    let wide = Options::default().terminal_width(Some(200));
    insta::assert_snapshot!("wide", plain(&close().judged, &wide));
    let ascii = Options {
        ascii: true,
        ..Options::default()
    };
    insta::assert_snapshot!("ascii", plain(&close().judged, &ascii));
}

#[test]
fn levels_of_detail() {
    let quiet = |detail| Options {
        detail,
        ..Options::default()
    };
    let passed = close().judged;
    let line = "close: passed  1 connection, 10 frames, 0 drops, 46 ms -> captures/close.pcap\n";
    assert_eq!(plain(&passed, &quiet(Detail::Quiet)), line);
    assert_eq!(plain(&passed, &quiet(Detail::Failures)), line);
    let failed = failed_snapshot().judged;
    assert_eq!(plain(&failed, &quiet(Detail::Quiet)).lines().count(), 1);
    assert!(plain(&failed, &quiet(Detail::Failures)).lines().count() > 20);
}

#[test]
fn abortive_close() {
    let mut run = Run::new("reset", "The client aborts");
    let c = run.connection("client-1");
    run.handshake(c);
    run.echo(c, b"hello", 0);
    run.segment(c, Client, RST, b"");
    run.act(c, Client, "close", "ok", Op::Reset);
    run.act(c, Server, "recv", "ECONNRESET", Op::PeerReset);
    run.event(Some((c, Server)), "server", "close", "ok", None);
    insta::assert_snapshot!(full(&run));
}

#[test]
fn unread_data() {
    let mut run = Run::new("unread", "The server closes with unread data");
    let c = run.connection("client-1");
    run.handshake(c);
    run.segment(c, Client, PSH, b"0123456789");
    run.segment(c, Server, ACK, b"");
    let sent = Op::Sent {
        start: 0,
        end: 10,
        echo: false,
    };
    run.act(c, Client, "send", "10", sent);
    run.act(c, Server, "wait", "queued 10", Op::Received(10));
    run.segment(c, Server, RST, b"");
    run.act(c, Server, "close", "ok", Op::Close { unread: 10 });
    insta::assert_snapshot!(full(&run));
}

#[test]
fn refused() {
    let mut run = Run::new("refused", "Nothing listens");
    let c = run.connection("client-1");
    run.judged.connections[c].server = None;
    run.flow(Handshake::Refused, Close::None);
    run.segment(c, Client, SYN, b"");
    run.segment(c, Server, RST, b"");
    let event = run.event(
        Some((c, Client)),
        "client-1",
        "connect",
        "ECONNREFUSED",
        None,
    );
    event.errno = Some("ECONNREFUSED".to_owned());
    insta::assert_snapshot!(full(&run));
}

#[test]
fn crossing_fins() {
    let mut run = Run::new("crossed", "Both ends close at once");
    let c = run.connection("client-1");
    run.handshake(c);
    run.segment(c, Client, FIN, b"");
    run.segment(c, Server, FIN, b"").ack = 1;
    run.segment(c, Client, ACK, b"");
    run.segment(c, Server, ACK, b"");
    run.act(c, Client, "shutdown", "write", Op::Shutdown);
    run.act(c, Server, "shutdown", "write", Op::Shutdown);
    run.act(c, Client, "recv", "0", Op::PeerFin);
    run.act(c, Server, "recv", "0", Op::PeerFin);
    run.act(c, Client, "close", "ok", Op::Close { unread: 0 });
    run.act(c, Server, "close", "ok", Op::Close { unread: 0 });
    insta::assert_snapshot!(full(&run));
}

#[test]
fn half_close() {
    let mut run = Run::new(
        "half-close",
        "The client says it is done, the server answers",
    );
    let c = run.connection("client-1");
    run.handshake(c);
    run.segment(c, Client, PSH, b"question\r\n");
    run.segment(c, Server, ACK, b"");
    let sent = Op::Sent {
        start: 0,
        end: 10,
        echo: false,
    };
    run.act(c, Client, "send", "10", sent);
    run.segment(c, Client, FIN, b"");
    run.act(c, Client, "shutdown", "write", Op::Shutdown);
    run.act(c, Server, "recv", "10", Op::ReceivedSome { end: 10 });
    run.act(c, Server, "recv", "0", Op::PeerFin);
    run.segment(c, Server, FIN | Flags::PSH, b"\x1b[31manswer\xff");
    let sent = Op::Sent {
        start: 0,
        end: 12,
        echo: false,
    };
    run.act(c, Server, "send", "12", sent);
    run.act(c, Server, "close", "ok", Op::Close { unread: 0 });
    run.segment(c, Client, ACK, b"");
    run.act(c, Client, "recv", "12", Op::Received(12));
    run.act(c, Client, "recv", "0", Op::PeerFin);
    run.act(c, Client, "close", "ok", Op::Close { unread: 0 });
    insta::assert_snapshot!(full(&run));
}

#[test]
fn no_packets() {
    let mut run = Run::new("nobody", "A select server and no client");
    run.judged
        .recording
        .as_mut()
        .expect("recorded")
        .events
        .clear();
    run.event(None, "server", "listen", "127.0.0.1:5000", None);
    for _ in 0..3 {
        run.event(None, "server", "select", "0 ready", None);
    }
    run.event(None, "server", "close", "listener", None);
    insta::assert_snapshot!(full(&run));
}

#[test]
fn troubles_on_the_way() {
    let mut run = Run::new("troubles", "What Wireshark's analysis marks");
    let c = run.connection("client-1");
    run.handshake(c);
    run.segment(c, Client, PSH, b"lost on the way");
    run.pause(205_000_000);
    run.again(c, Client, PSH, b"lost on the way").analysis = Analysis::RETRANSMISSION;
    run.segment(c, Server, ACK, b"");
    run.again(c, Client, PSH, b"on the way").analysis = Analysis::SPURIOUS_RETRANSMISSION;
    run.segment(c, Server, ACK, b"").analysis = Analysis::DUPLICATE_ACK;
    run.segment(c, Client, PSH, &[b'x'; 3000]).analysis = Analysis::WINDOW_FULL;
    let seg = run.segment(c, Server, ACK, b"");
    (seg.window, seg.analysis) = (0, Analysis::ZERO_WINDOW);
    run.probe(c, Client).analysis = Analysis::ZERO_WINDOW_PROBE;
    let seg = run.segment(c, Server, ACK, b"");
    seg.window = 0;
    seg.analysis = Analysis::ZERO_WINDOW_PROBE_ACK | Analysis::ZERO_WINDOW;
    run.segment(c, Server, ACK, b"").analysis = Analysis::WINDOW_UPDATE;
    run.probe(c, Client).analysis = Analysis::KEEP_ALIVE;
    run.segment(c, Server, ACK, b"").analysis = Analysis::KEEP_ALIVE_ACK;
    let seg = run.segment(c, Client, PSH, b"after a hole");
    seg.analysis = Analysis::LOST_SEGMENT;
    let seg = run.again(c, Client, PSH, b"a hole");
    seg.analysis = Analysis::OUT_OF_ORDER;
    run.segment(c, Server, ACK, b"").analysis = Analysis::ACK_LOST_SEGMENT;
    insta::assert_snapshot!(full(&run));
}

#[test]
fn three_clients() {
    let mut run = Run::new("three-clients", "Three clients at once");
    let all = ["client-1", "client-2", "client-3"].map(|name| run.connection(name));
    for c in all {
        run.handshake(c);
    }
    for c in all {
        run.echo(c, format!("hello from client {}", c + 1).as_bytes(), 0);
    }
    for c in all {
        run.client_closes(c);
    }
    insta::assert_snapshot!(full(&run));
}

#[test]
fn udp_and_a_closed_port() {
    let mut run = Run::new("udp", "A datagram there and back, then nobody listens");
    let (client, server) = (([127, 0, 0, 1], 40_000), ([127, 0, 0, 1], 5000));
    let udp = |from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]| {
        let mut bytes = vec![];
        let builder = etherparse::PacketBuilder::ethernet2([0; 6], [0; 6]);
        let builder = builder.ipv4(from.0, to.0, 64).udp(from.1, to.1);
        builder.write(&mut bytes, payload).expect("built");
        bytes
    };
    let wanted = udp(client, server, b"again?");
    let unreachable = etherparse::PacketBuilder::ethernet2([0; 6], [0; 6])
        .ipv4(server.0, client.0, 64)
        .icmpv4_raw(3, 3, [0; 4]);
    run.frame(|out| *out = udp(client, server, b"hi"));
    run.datagram("client-1", client.into(), server.into(), "send", "2");
    run.frame(|out| *out = udp(server, client, b"HI"));
    run.datagram("server", server.into(), client.into(), "recvfrom", "2");
    run.datagram("server", server.into(), client.into(), "sendto", "2");
    run.datagram("client-1", client.into(), server.into(), "recv", "2");
    run.frame(|out| out.extend_from_slice(&wanted));
    run.frame(|out| unreachable.write(out, &wanted[14..]).expect("built"));
    run.datagram("client-1", client.into(), server.into(), "send", "6");
    let event = run.datagram(
        "client-1",
        client.into(),
        server.into(),
        "recv",
        "ECONNREFUSED",
    );
    event.errno = Some("ECONNREFUSED".to_owned());
    insta::assert_snapshot!(full(&run));
}

fn failed_snapshot() -> Run {
    let mut run = close();
    let text = &run.judged.scenario.source.text;
    let start = text.find("{ recv").expect("in the sample");
    run.judged.verdict = Verdict::Failed(vec![
        Finding {
            code: "snapshot-differs",
            message: "the flow of client-1 is not the one in scenarios/snapshots/close.snap".into(),
            diff: Some(
                "@@ -1,4 +1,4 @@\n client-1: handshake complete\n-client > 5 \"hello\"\n+client > 5 \"hullo\"\n close: client first\n"
                    .into(),
            ),
            frames: vec![4, 6],
            connection: Some("client-1".into()),
            ..Finding::default()
        },
        Finding {
            code: "step-failed",
            message: "client-1 received something else than the scenario says".into(),
            span: Some(start..start + 18),
            expected: Some("\"hello\"".into()),
            actual: Some("\"hullo\"".into()),
            frames: vec![6, 7, 8, 10],
            connection: Some("client-1".into()),
            cause: Some(Cause {
                text: "the server changed byte 1 of 5: it does not echo".into(),
                proven: true,
            }),
            notes: vec!["last lines of the server:\nTraceback (most recent call last):\n  \x1b[2Jboom".into()],
            ..Finding::default()
        },
        Finding {
            code: "late",
            message: "the answer took longer than 10 ms".into(),
            cause: Some(Cause {
                text: "delayed ACK met Nagle".into(),
                proven: false,
            }),
            ..Finding::default()
        },
    ]);
    run
}

#[test]
fn failed() {
    insta::assert_snapshot!(full(&failed_snapshot()));
}

#[test]
fn inconclusive_and_error() {
    let mut run = close();
    run.judged.verdict = Verdict::Inconclusive(vec![
        "the kernel dropped 3 frames because the capture's ring was full".into(),
        "client-1: bytes 100 to 200 of the server's stream are not in the capture".into(),
    ]);
    let options = Options {
        packets: 4,
        ..Options::default()
    };
    insta::assert_snapshot!("inconclusive", plain(&run.judged, &options));
    let mut run = Run::new("close", "One message, then the client closes");
    run.judged.recording = None;
    run.judged.file = None;
    run.judged.verdict = Verdict::Error(
        "bind 127.0.0.1:5000: address already in use (EADDRINUSE)\nchoose another port, or run in a namespace".into(),
    );
    insta::assert_snapshot!("error", full(&run));
}

#[test]
fn summary_of_several() {
    let mut tally = super::Tally::default();
    tally.add(&close().judged);
    tally.add(&failed_snapshot().judged);
    let mut out = anstream::StripStream::new(vec![]);
    text::summary(&mut out, &tally, std::time::Duration::from_millis(1234)).expect("a vector");
    let text = String::from_utf8(out.into_inner()).expect("UTF-8");
    assert_eq!(
        text,
        "  failed close\n2 scenarios: 1 passed, 1 failed  1.2 s\n"
    );
}
