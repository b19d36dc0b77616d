//! Each step and what it becomes.

use std::path::PathBuf;
use std::time::Duration;

use super::{ok, steps, with_steps};
use crate::scenario::*;

fn address(text: &str) -> std::net::SocketAddr {
    text.parse().unwrap()
}

/// The action of the step that stands between `before` and `after`.
fn action(before: &str, step: &str, after: &str) -> Action {
    let text = with_steps(&format!("[{before}{step}{after}]"));
    let index = before.matches("\",").count();
    steps(&text)[index].action.clone()
}

/// The action of a step on an open connection.
fn open(step: &str) -> Action {
    action("\"connect\",", step, "")
}

fn bytes(text: &str) -> Data {
    Data::Bytes(text.as_bytes().to_vec())
}

#[test]
fn steps_that_are_words() {
    assert_eq!(open("\"close\""), Action::Close);
    assert_eq!(open("\"reset\""), Action::Reset);
    assert_eq!(open("\"recv-eof\""), Action::Recv(Recv::Eof));
    assert_eq!(open("\"shutdown-read\""), Action::Shutdown(How::Read));
    assert_eq!(open("\"shutdown-write\""), Action::Shutdown(How::Write));
    assert_eq!(open("\"shutdown-both\""), Action::Shutdown(How::Both));
    assert_eq!(action("", "\"connect\"", ""), Action::Connect(None));
    assert_eq!(action("", "{ connect = true }", ""), Action::Connect(None));
    assert_eq!(open("{ close = true }"), Action::Close);
    assert_eq!(open("{ reset = true }"), Action::Reset);
    assert_eq!(open("{ recv-eof = true }"), Action::Recv(Recv::Eof));
}

#[test]
fn steps_with_data() {
    assert_eq!(open("{ send = \"hi\" }"), Action::Send(bytes("hi")));
    assert_eq!(
        open("{ send = { hex = \"00 ff0D\" } }"),
        Action::Send(Data::Bytes(vec![0, 255, 13]))
    );
    assert_eq!(
        open("{ send = { file = \"x.bin\" } }"),
        Action::Send(Data::File(PathBuf::from("x.bin")))
    );
    assert_eq!(
        open("{ send = { pattern = 1000 } }"),
        Action::Send(Data::Pattern(1000))
    );
    assert_eq!(
        open("{ recv = \"hi\" }"),
        Action::Recv(Recv::Exact(bytes("hi")))
    );
    assert_eq!(open("{ recv = 5 }"), Action::Recv(Recv::Count(5)));
    assert_eq!(open("{ recv = 0x10 }"), Action::Recv(Recv::Count(16)));
    assert_eq!(
        open("{ recv = { count = 5 } }"),
        Action::Recv(Recv::Count(5))
    );
    assert_eq!(
        open("{ recv = { up-to = 9 } }"),
        Action::Recv(Recv::UpTo(9))
    );
    assert_eq!(
        open("{ recv = { pattern = 7 } }"),
        Action::Recv(Recv::Exact(Data::Pattern(7)))
    );
    assert_eq!(
        open("{ recv-file = { into = \"a\", equals = \"b\" } }"),
        Action::RecvFile {
            into: Some("a".into()),
            equals: Some("b".into())
        }
    );
}

#[test]
fn steps_of_the_socket() {
    assert_eq!(open("{ shutdown = \"both\" }"), Action::Shutdown(How::Both));
    assert_eq!(action("", "{ bind = 40000 }", ""), Action::Bind(40000));
    assert_eq!(open("{ deaf = true }"), Action::Deaf(true));
    assert_eq!(
        open("{ connect = \"127.0.0.1:6\", fails = \"EISCONN\" }"),
        Action::Connect(Some(address("127.0.0.1:6")))
    );
    let set = |option: &str| open(&format!("{{ set = {{ {option} }} }}"));
    assert_eq!(
        set("nodelay = true"),
        Action::Set(SocketOption::NoDelay(true))
    );
    assert_eq!(
        set("linger = 0"),
        Action::Set(SocketOption::Linger(Some(0)))
    );
    assert_eq!(
        set("linger = false"),
        Action::Set(SocketOption::Linger(None))
    );
    assert_eq!(set("rcvbuf = 9"), Action::Set(SocketOption::RcvBuf(9)));
    assert_eq!(set("sndbuf = 9"), Action::Set(SocketOption::SndBuf(9)));
    assert_eq!(
        set("keepalive = true"),
        Action::Set(SocketOption::KeepAlive(true))
    );
    assert_eq!(
        set("reuseaddr = false"),
        Action::Set(SocketOption::ReuseAddr(false))
    );
    assert_eq!(
        set("quickack = true"),
        Action::Set(SocketOption::QuickAck(true))
    );
    assert_eq!(set("cork = true"), Action::Set(SocketOption::Cork(true)));
}

#[test]
fn several_options_are_several_steps_in_the_order_of_the_file() {
    let found = steps(&with_steps(
        "[{ set = { sndbuf = 1, nodelay = true } }, \"connect\"]",
    ));
    assert_eq!(found[0].action, Action::Set(SocketOption::SndBuf(1)));
    assert_eq!(found[1].action, Action::Set(SocketOption::NoDelay(true)));
    assert_eq!(found[0].span, found[1].span);
}

#[test]
fn waits() {
    let wait = |what: &str| match open(&format!("{{ wait = {what} }}")) {
        Action::Wait(wait) => wait,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait("\"readable\""), Wait::Readable);
    assert_eq!(wait("\"peer-fin\""), Wait::PeerFin);
    assert_eq!(wait("\"peer-reset\""), Wait::PeerReset);
    assert_eq!(wait("\"acked\""), Wait::Acked);
    assert_eq!(wait("\"stalled\""), Wait::Stalled);
    assert_eq!(wait("{ queued = 10 }"), Wait::Queued(10));
    assert_eq!(
        wait("{ actor = \"server\", event = \"accept\", times = 2, connection = \"client-1\" }"),
        Wait::Event(EventMatch {
            actor: "server".into(),
            call: "accept".into(),
            times: 2,
            connection: Some("client-1".into())
        })
    );
    assert_eq!(
        wait("{ segment = \"ACK, FIN\", from = \"client\" }"),
        Wait::Segment(SegmentMatch {
            from: Some("client".into()),
            flags: "FIN,ACK".into(),
            times: 1,
            connection: None
        })
    );
}

#[test]
fn limits() {
    let limit = |text: &str| {
        steps(&with_steps(&format!(
            "[{{ connect = true, limit = \"{text}\" }}]"
        )))[0]
            .limit
    };
    assert_eq!(limit("500ms"), Duration::from_millis(500));
    assert_eq!(limit("2s"), Duration::from_secs(2));
    assert_eq!(limit("1m"), Duration::from_secs(60));
    assert_eq!(limit("7us"), Duration::from_micros(7));
}

#[test]
fn steps_with_long_limits_raise_that_of_the_run() {
    let run = |steps: &str| ok(&with_steps(steps)).limit;
    assert_eq!(
        run("[{ connect = true, limit = \"2s\" }]"),
        Duration::from_secs(10)
    );
    assert_eq!(
        run("[{ connect = true, limit = \"30s\" }]"),
        Duration::from_secs(40)
    );
    assert_eq!(
        run("[\"connect\", { repeat = { times = 3, steps = [{ recv = 1, limit = \"20s\" }] } }]"),
        Duration::from_secs(70)
    );
    let said = format!(
        "limit = \"3s\"\n{}",
        with_steps("[{ connect = true, limit = \"30s\" }]")
    );
    assert_eq!(ok(&said).limit, Duration::from_secs(3));
}

#[test]
fn repetition() {
    let Action::Repeat { times, steps } =
        open("{ repeat = { times = 3, steps = [{ send = \"x\" }, { recv = \"x\" }] } }")
    else {
        panic!("not a repeat");
    };
    assert_eq!((times, steps.len()), (3, 2));
}
