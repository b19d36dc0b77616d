//! What the greeter puts on the wire, from sockets of the tests' own.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use lab_capture::tcp::Side;
use lab_capture::testing::{self, Captured, Error};
use lab_capture::wire::Flags;

const ADDRESS: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 7000);

/// The greeter in a thread, and a client that says `line` and hears the answer out.
fn say(line: &str) -> Result<Captured<String>, Error> {
    let captured = testing::capture(|| -> io::Result<String> {
        let listener = TcpListener::bind(ADDRESS)?;
        thread::scope(|scope| {
            let server = scope.spawn(|| wire_tests::serve_one(&listener));
            let mut client = TcpStream::connect(ADDRESS)?;
            client.write_all(line.as_bytes())?;
            let mut answer = String::new();
            client.read_to_string(&mut answer)?;
            server.join().expect("the server does not panic")?;
            Ok(answer)
        })
    })?;
    Ok(captured.transpose()?)
}

/// The canonical flow as an inline snapshot: `cargo insta review` updates it.
#[test]
fn the_greeter_answers_and_closes_first() {
    testing::isolated(|| {
        let captured = say("Ada\n")?;
        assert_eq!(captured.value, "hello Ada\n");
        insta::assert_snapshot!(captured.flows(), @r#"
        client
          handshake complete
          client 4 "Ada\n"
          then server 10 "hello Ada\n" fin
          then client fin
          close server first
        "#);
        Ok::<_, Error>(())
    });
}

/// Plain asserts on the segments.
#[test]
fn the_answer_is_one_segment_and_nothing_is_sent_twice() {
    testing::isolated(|| {
        let captured = say("Ada\n")?;
        let conversation = &captured.conversations[0];
        assert_eq!(conversation.server, SocketAddr::from(ADDRESS));
        let answers: Vec<_> = conversation
            .segments
            .iter()
            .filter(|segment| segment.from == Side::Server && segment.len > 0)
            .collect();
        assert_eq!(answers.len(), 1);
        assert_eq!(&*answers[0].payload, b"hello Ada\n");
        assert!(answers[0].flags.contains(Flags::PSH));
        assert!(conversation.segments.iter().all(|s| s.analysis.is_empty()));
        Ok::<_, Error>(())
    });
}
