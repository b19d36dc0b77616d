//! `serve` and `talk`, as a person uses them.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use super::*;
use lab_capture::client::{Goodbye, talk};
use lab_capture::server::serve;

#[test]
fn talk_sends_lines_and_shows_replies_until_the_input_ends() {
    let context = context();
    let running = spawn(&server(ServerKind::Select, Handler::Echo), &context).unwrap();
    let (keys, mut keyboard) = std::io::pipe().unwrap();
    keyboard.write_all(b"hello\nworld\n").unwrap();
    drop(keyboard);
    let mut screen = Vec::new();
    let cancel = &context.cancel;
    let end = talk(
        running.address(),
        keys.as_fd(),
        &mut screen,
        cancel,
        &context.timeline,
    );
    assert_eq!(end.unwrap(), Goodbye::EndOfInput);
    assert_eq!(screen, b"hello\nworld\n");
    running.stop().unwrap();
}

#[test]
fn talk_carries_more_than_buffers_hold() {
    let context = context();
    let running = spawn(&server(ServerKind::Epoll, Handler::Echo), &context).unwrap();
    let (keys, mut keyboard) = std::io::pipe().unwrap();
    let text: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    let typed = text.clone();
    let typist = std::thread::spawn(move || keyboard.write_all(&typed).unwrap());
    let mut screen = Vec::new();
    let cancel = &context.cancel;
    let end = talk(
        running.address(),
        keys.as_fd(),
        &mut screen,
        cancel,
        &context.timeline,
    );
    assert_eq!(end.unwrap(), Goodbye::EndOfInput);
    typist.join().unwrap();
    assert_eq!(screen, text);
}

#[test]
fn talk_ends_with_the_peer_with_cancel_and_with_nobody_there() {
    let context = context();
    let greet = Handler::Steps(Arc::new(vec![send("bye\n"), close()]));
    let running = spawn(&server(ServerKind::Select, greet), &context).unwrap();
    let (keys, _keyboard) = std::io::pipe().unwrap();
    let mut screen = Vec::new();
    let cancel = Cancel::new().unwrap();
    let address = running.address();
    let end = talk(
        address,
        keys.as_fd(),
        &mut screen,
        &cancel,
        &context.timeline,
    );
    assert_eq!(
        (end.unwrap(), &screen[..]),
        (Goodbye::PeerClosed, &b"bye\n"[..])
    );
    running.stop().unwrap();
    let error = talk(
        address,
        keys.as_fd(),
        &mut screen,
        &cancel,
        &context.timeline,
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("Nobody listens there"),
        "{error}"
    );
    let running = spawn(&server(ServerKind::Select, Handler::Echo), &context).unwrap();
    cancel.cancel();
    let end = talk(
        running.address(),
        keys.as_fd(),
        &mut screen,
        &cancel,
        &context.timeline,
    );
    assert_eq!(end.unwrap(), Goodbye::Cancelled);
}

#[test]
fn serve_tells_events_as_they_happen_until_cancelled() {
    let (tell, told) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let timeline = Timeline::live(Box::new(move |event| {
        let _ = tell.lock().unwrap().send(event.call.clone());
    }));
    let context = Context::new(timeline, Cancel::new().unwrap());
    let (say, heard) = mpsc::channel();
    let thread = std::thread::spawn({
        let context = context.clone();
        move || {
            serve(
                &server(ServerKind::Select, Handler::Echo),
                &context,
                |address| {
                    say.send(address).unwrap();
                },
            )
        }
    });
    let address = heard.recv().unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    drop(stream);
    let mut calls = Vec::new();
    while calls.last().is_none_or(|c| c != "close") {
        calls.push(told.recv_timeout(Duration::from_secs(20)).unwrap());
    }
    calls.retain(|c| c != "select");
    assert_eq!(calls, ["listen", "accept", "recv", "send", "recv", "close"]);
    context.cancel.cancel();
    thread.join().unwrap().unwrap();
    assert!(context.timeline.snapshot().is_empty());
}

#[test]
fn a_server_process_ends_when_the_one_who_wanted_it_dies() {
    use lab_capture::server::process::{Message, SUBCOMMAND, Spec};
    for kind in [
        ServerKind::Select,
        ServerKind::Forking,
        ServerKind::Threaded,
    ] {
        let until_it_spoke = lab_capture::platform::forking::spawning();
        let mut child = Command::new(env!("CARGO_BIN_EXE_lab-capture"))
            .arg(SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let spec = Spec {
            server: server(kind.clone(), Handler::Echo),
            folder: ".".into(),
            output: ".".into(),
        };
        let mut stdin = child.stdin.take().unwrap();
        serde_json::to_writer(&mut stdin, &spec).unwrap();
        stdin.write_all(b"\n").unwrap();
        let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            std::io::BufRead::read_line(&mut said, &mut line).unwrap();
            if let Message::Ready(address) = serde_json::from_str(&line).unwrap() {
                break address;
            }
        };
        drop(until_it_spoke);
        let mut open = std::net::TcpStream::connect(address).unwrap();
        open.write_all(b"x").unwrap();
        open.read_exact(&mut [0]).unwrap();
        // As the kernel does for a process that dies, however it dies.
        drop(stdin);
        assert!(child.wait().unwrap().success(), "{kind:?}");
        // The pipe ends with the last of its children.
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert_eq!(open.read(&mut [0]).unwrap_or(0), 0);
    }
}
