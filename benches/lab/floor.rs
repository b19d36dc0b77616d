//! The bare floor: the kernel work that an isolated, captured exchange cannot do without, and
//! nothing of ours: a network namespace, a packet socket opened, one exchange, the packet socket
//! closed. No proof that the capture is complete, no parsing, no judging, no file.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use lab_capture::platform::Interface;
use nix::sched::{CloneFlags, unshare};

/// Does this many exchanges, so many at once.
pub fn run(runs: usize, jobs: usize) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, runs.max(1)) {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < runs {
                    one();
                }
            });
        }
    });
}

/// One exchange: connect, 5 bytes there and back, two FINs.
fn one() {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace (run as root)");
    Interface::open("lo").and_then(|lo| lo.up()).expect("lo up");
    let mut capture = pcap::Capture::from_device("lo")
        .expect("pcap_create")
        .immediate_mode(false)
        .timeout(1)
        .snaplen(262_144)
        .open()
        .expect("pcap_activate");
    let listener = TcpListener::bind("127.0.0.1:5000").expect("a listener");
    let server = thread::spawn(move || {
        let (mut peer, _) = listener.accept().expect("a connection");
        let mut buffer = [0; 1024];
        loop {
            match peer.read(&mut buffer).expect("recv") {
                0 => return,
                n => peer.write_all(&buffer[..n]).expect("send"),
            }
        }
    });
    let mut client = TcpStream::connect("127.0.0.1:5000").expect("connect");
    client.write_all(b"hello").expect("send");
    client.read_exact(&mut [0; 5]).expect("recv");
    drop(client);
    server.join().expect("the server");
    // Both FINs, and what acknowledges them.
    let mut fins = 0;
    while fins < 2 {
        match capture.next_packet() {
            // Ethernet, IPv4 without options: flags are the TCP header's 14th byte.
            Ok(packet) => fins += usize::from(packet.data.get(47).is_some_and(|f| f & 1 != 0)),
            Err(pcap::Error::TimeoutExpired) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
