//! A test program with a `main` of its own (`harness = false`).

use std::io;
use std::net::{Ipv6Addr, TcpListener, TcpStream};

use lab_capture::testing;

fn main() {
    // What nextest asks of a test program with a `main` of its own.
    if std::env::args().any(|argument| argument == "--list") {
        if !std::env::args().any(|argument| argument == "--ignored") {
            println!("no_harness: test");
        }
        return;
    }
    testing::isolated(|| {
        let captured = testing::capture(|| -> io::Result<()> {
            let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 7000))?;
            let client = TcpStream::connect((Ipv6Addr::LOCALHOST, 7000))?;
            let (server, _) = listener.accept()?;
            drop(client);
            drop(server);
            Ok(())
        })?
        .transpose()?;
        assert_eq!(captured.conversations.len(), 1);
        assert!(captured.conversations[0].client.is_ipv6());
        Ok::<_, testing::Error>(())
    });
    println!("no_harness: ok");
}
