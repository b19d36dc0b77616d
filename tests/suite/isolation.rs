//! A frame of one scenario in another's capture is a defect of the first rank. Hundreds of runs side
//! by side use one address and port, each with words of its own; some leave sockets behind that go
//! on sending; and the machine's own `lo` is busy with the same port.

use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lab_capture::capture::read::Reader;
use lab_capture::wire::{Packet, Reassembler};

use crate::util::{Stage, code, stdout, verdicts};

/// Payloads and number of the frames of a capture.
fn payloads(path: &Path) -> (Vec<Vec<u8>>, u64) {
    let mut reader = Reader::open(path).unwrap_or_else(|e| panic!("{e}"));
    let mut reassembler = Reassembler::default();
    let mut found = vec![];
    let mut frames = 0;
    while let Some(frame) = reader.next().expect("a whole file") {
        frames += 1;
        match reassembler.parse(&frame) {
            Packet::Tcp(segment) if !segment.payload.is_empty() => {
                found.push(segment.payload.to_vec());
            }
            Packet::Tcp(_) => {}
            other => panic!("{}: frame {frames} is {other:?}", path.display()),
        }
    }
    (found, frames)
}

/// Talks on the machine's own `lo`, to the port that all scenarios use, until told to stop.
fn noise(stop: &AtomicBool, sent: &AtomicU64) {
    // Another test, or the machine, may have the port: datagrams make noise enough then.
    let listener = TcpListener::bind("127.0.0.1:5000").ok();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    while !stop.load(Ordering::Relaxed) {
        let _ = socket.send_to(b"noise", "127.0.0.1:5000");
        if let Some(listener) = &listener
            && let Ok(mut client) = TcpStream::connect("127.0.0.1:5000")
        {
            let _ = client.write_all(b"noise");
            drop(listener.accept());
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn no_frame_of_one_run_is_ever_in_the_capture_of_another() {
    const RUNS: usize = 240;
    let stage = Stage::new();
    for number in 0..RUNS {
        let name = format!("s{number:03}");
        let word = format!("<{name}>");
        match number % 4 {
            // The client goes while the server's answer is unread: the server's side resets.
            1 => stage.write(
                &format!("scenarios/{name}.toml"),
                &leaving(&word, "\"reset\""),
            ),
            // The connection is left open, with bytes that nobody reads: teardown closes it, and
            // what its stack sends then belongs to nobody's capture.
            2 => stage.write(
                &format!("scenarios/{name}.toml"),
                &leaving(&word, "{ wait = { queued = 6 } }"),
            ),
            _ => stage.echo(&name, &word),
        }
    }
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let output = std::thread::scope(|scope| {
        scope.spawn(|| noise(&stop, &sent));
        let output = stage.run(&["scenarios", "--jobs", "24", "--json", "out.jsonl"]);
        stop.store(true, Ordering::Relaxed);
        output
    });
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(sent.load(Ordering::Relaxed) > 100, "there was no noise");
    let mut seen = 0;
    for (name, verdict) in verdicts(&stage.path("out.jsonl")) {
        assert_eq!(verdict, "passed", "{name}");
        let word = format!("<{name}>");
        let (payloads, frames) = payloads(&stage.path(&format!("captures/{name}.pcap")));
        assert!(frames >= 5, "{name}: {frames} frames");
        assert!(!payloads.is_empty(), "{name}: nothing was said");
        for payload in payloads {
            let payload = String::from_utf8_lossy(&payload).into_owned();
            assert_eq!(payload, word, "in the capture of {name}");
            seen += 1;
        }
    }
    assert!(seen >= RUNS * 2, "{seen} payloads in {RUNS} captures");
}

/// The client leaves after its word has come back, in this way.
fn leaving(word: &str, how: &str) -> String {
    format!(
        r#"title = "leaves"
[server]
kind = "epoll"
listen = "127.0.0.1:5000"
handler = "echo"
[[client]]
name = "client"
steps = ["connect", {{ send = "{word}" }}, {{ wait = "readable" }}, {how}]
[expect]
snapshot = false
"#
    )
}
