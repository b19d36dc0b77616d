//! Clients that misbehave: the others are served, and nothing of them is left.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::kinds::kinds;
use super::*;
use lab_capture::platform::process::out_of_the_way;
use socket2::SockRef;

/// 1,000 of them in all, for each kind of server.
const RESET: usize = 400;
const HALF: usize = 390;
const DEAF: usize = 10;
const BURST: usize = 200;

fn start(kind: ServerKind) -> (Context, Running, i32) {
    let context = context();
    let mut server = server(kind, Handler::Echo);
    // A process of its own, so that /proc shows this server's descriptors and children and nobody else's.
    server.process = true;
    server.backlog = 256;
    let running = spawn(&server, &context).unwrap();
    let pid = running.killer().unwrap().pid();
    (context, running, pid)
}

fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn children(pid: i32) -> usize {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok())
        .map(|list| list.split_whitespace().count())
        .sum()
}

/// /proc has no events: a bounded poll.
fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..5000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn connect_to(address: SocketAddr) -> TcpStream {
    // Thousands of low numbers taken here would be missing for the select servers of tests in this process.
    let stream = TcpStream::connect(address).unwrap();
    out_of_the_way(stream.into()).into()
}

fn served(address: SocketAddr, text: &[u8]) {
    let mut good = connect_to(address);
    good.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    good.write_all(text).unwrap();
    let mut back = vec![0; text.len()];
    good.read_exact(&mut back).unwrap();
    assert_eq!(back, text);
    good.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(good.read(&mut back).unwrap(), 0);
}

fn reset(stream: TcpStream) {
    let linger = Some(Duration::ZERO);
    SockRef::from(&stream).set_linger(linger).unwrap();
}

/// Writes as much as the kernel takes and reads nothing: the echo is stuck with what it could not send back.
fn stuff(address: SocketAddr) -> TcpStream {
    let mut stream = connect_to(address);
    SockRef::from(&stream).set_recv_buffer_size(4096).unwrap();
    stream.set_nonblocking(true).unwrap();
    let piece = [7; 64 * 1024];
    let mut sent = 0;
    while sent < 10_000_000 {
        match stream.write(&piece) {
            Ok(n) => sent += n,
            Err(e) => {
                assert_eq!(e.kind(), std::io::ErrorKind::WouldBlock);
                break;
            }
        }
    }
    stream
}

fn closes(events: &[Event]) -> usize {
    events.iter().filter(|e| &*e.call == "close").count()
}

fn accepts(events: &[Event]) -> usize {
    events.iter().filter(|e| &*e.call == "accept").count()
}

/// Counts without looking at any event twice: there are many of them, and each one wakes the waiting thread.
fn until_all_closed(context: &Context, connections: usize) {
    let (mut looked, mut accepted, mut closed) = (0, 0, 0);
    let done = context.timeline.wait(Duration::from_secs(60), |events| {
        accepted += accepts(&events[looked..]);
        closed += closes(&events[looked..]);
        looked = events.len();
        accepted == connections && closed == connections
    });
    assert!(
        done,
        "{accepted} accepted, {closed} closed of {connections}"
    );
}

#[test]
fn a_thousand_bad_clients_leave_nothing_behind() {
    for kind in kinds() {
        // One at a time: a client that never ends is in the way of all others by design.
        let sequential = kind == ServerKind::Sequential;
        let (context, running, pid) = start(kind.clone());
        let address = running.address();
        served(address, b"first");
        until_all_closed(&context, 1);
        until(|| children(pid) == 0);
        let before = descriptors(pid);

        for _ in 0..RESET {
            reset(connect_to(address));
        }
        served(address, b"after resets");

        let half: Vec<TcpStream> = (0..HALF)
            .map(|_| {
                let mut stream = connect_to(address);
                stream.write_all(b"hal").unwrap();
                if sequential {
                    stream.shutdown(std::net::Shutdown::Write).unwrap();
                }
                stream
            })
            .collect();
        if !sequential {
            served(address, b"beside the halves");
        }
        drop(half);
        served(address, b"after the halves");

        let mut deaf = Vec::new();
        for _ in 0..DEAF {
            deaf.push(stuff(address));
            if sequential {
                deaf.drain(..).for_each(reset);
            }
        }
        served(address, b"beside the deaf");
        deaf.into_iter().for_each(reset);

        let burst: Vec<TcpStream> = (0..BURST).map(|_| connect_to(address)).collect();
        drop(burst);
        served(address, b"after the burst");

        let good = if sequential { 5 } else { 6 };
        until_all_closed(&context, RESET + HALF + DEAF + BURST + good);
        // A child is reaped after its last event, a thread ends after it.
        until(|| (descriptors(pid), children(pid)) == (before, 0));
        let left = (descriptors(pid), children(pid));
        assert_eq!(left, (before, 0), "{kind:?}: descriptors and children");
        running.stop().unwrap();
        let failed: Vec<_> = context.timeline.snapshot();
        assert!(failed.iter().all(|e| !e.failed), "{kind:?}");
    }
}

#[test]
fn ten_megabytes_for_one_who_never_reads_hold_up_nobody() {
    let text: Vec<u8> = (0..10_000_000u32).map(|i| (i % 251) as u8).collect();
    for kind in kinds() {
        let context = context();
        let handler = Handler::Greet(text.clone());
        let running = spawn(&server(kind.clone(), handler), &context).unwrap();
        let address = running.address();
        let deaf = connect_to(address);
        if kind == ServerKind::Sequential {
            reset(deaf.try_clone().unwrap());
            drop(deaf);
        }
        let mut good = connect_to(address);
        good.set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut all = vec![0; text.len()];
        good.read_exact(&mut all).unwrap();
        assert!(all == text, "{kind:?}");
        running.stop().unwrap();
    }
}

#[test]
fn without_descriptors_a_connection_is_refused_and_the_server_lives() {
    for kind in kinds() {
        // A forking server holds no connection, a sequential one only one.
        if matches!(kind, ServerKind::Forking | ServerKind::Sequential) {
            continue;
        }
        let context = context();
        let mut server = server(kind.clone(), Handler::Echo);
        server.process = true;
        server.backlog = 256;
        server.descriptors = Some(40);
        let running = spawn(&server, &context).unwrap();
        let open: Vec<TcpStream> = (0..60).map(|_| connect_to(running.address())).collect();
        let refused = |e: &&Event| e.errno.as_deref() == Some("EMFILE");
        let enough = context
            .timeline
            .wait(Duration::from_secs(20), |events| accepts(events) == 60);
        let events = context.timeline.snapshot();
        assert!(enough, "{kind:?}: {} of 60", accepts(&events));
        let refusals: Vec<_> = events.iter().filter(refused).collect();
        assert!(
            refusals.len() >= 20 && refusals.len() < 40,
            "{}",
            refusals.len()
        );
        assert!(
            refusals[0].result.contains("40 descriptors are in use"),
            "{}",
            refusals[0].result
        );
        drop(open);
        until_closed_again(&context, 60 - refusals.len());
        served(running.address(), b"again");
        running.stop().unwrap();
    }
}

fn until_closed_again(context: &Context, connections: usize) {
    let done = context.timeline.wait(Duration::from_secs(20), |events| {
        closes(events) >= connections
    });
    assert!(done);
}

#[test]
fn poll_and_epoll_carry_ten_thousand() {
    lab_capture::platform::process::raise_descriptor_limit();
    let (limit, _) = lab_capture::platform::process::descriptor_limit().unwrap();
    assert!(
        limit > 10_500,
        "this test needs 10,500 descriptors, the limit is {limit} (ulimit -Hn)"
    );
    for kind in [ServerKind::Poll, ServerKind::Epoll] {
        let context = context();
        let mut server = server(kind.clone(), Handler::Echo);
        server.process = true;
        server.backlog = 4096;
        let running = spawn(&server, &context).unwrap();
        let mut open: Vec<TcpStream> = (0..10_000).map(|_| connect_to(running.address())).collect();
        for (n, stream) in open.iter_mut().enumerate() {
            stream.write_all(&(n as u32).to_be_bytes()).unwrap();
        }
        for (n, stream) in open.iter_mut().enumerate() {
            let mut back = [0; 4];
            stream
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
            stream.read_exact(&mut back).unwrap();
            assert_eq!(u32::from_be_bytes(back), n as u32);
        }
        drop(open);
        until_all_closed(&context, 10_000);
        running.stop().unwrap();
        assert!(
            context.timeline.snapshot().iter().all(|e| !e.failed),
            "{kind:?}"
        );
    }
}
