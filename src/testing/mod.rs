//! For the `#[test]`s of other crates: run a scenario, or capture what the test's own sockets put
//! on the wire, and assert on the [`Conversation`](crate::tcp::Conversation)s.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::{Ipv4Addr, TcpListener, TcpStream};
//!
//! use lab_capture::testing;
//!
//! // In a test file this is `#[test] fn the_answer_comes_before_the_close()`.
//! testing::isolated(|| {
//!     let captured = testing::capture(|| {
//!         // Nobody else lives in this network namespace: a fixed port is always free.
//!         let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 5000))?;
//!         std::thread::scope(|scope| {
//!             let server = scope.spawn(|| {
//!                 let (mut socket, _) = listener.accept()?;
//!                 let mut question = [0; 4];
//!                 socket.read_exact(&mut question)?;
//!                 socket.write_all(b"pong")
//!             });
//!             let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, 5000))?;
//!             client.write_all(b"ping")?;
//!             let mut answer = String::new();
//!             client.read_to_string(&mut answer)?;
//!             server.join().expect("the server does not panic")
//!         })
//!     })?
//!     .transpose()?;
//!     assert_eq!(captured.conversations.len(), 1);
//!     assert_eq!(
//!         captured.flows(),
//!         "\
//! client
//!   handshake complete
//!   client 4 \"ping\"
//!   then server 4 \"pong\" fin
//!   then client fin
//!   close server first
//! "
//!     );
//!     Ok::<_, testing::Error>(())
//! });
//! ```
//!
//! # Why `isolated`
//!
//! Every run has a network namespace of its own. Without root that takes a user namespace, and
//! `unshare(CLONE_NEWUSER)` is refused (`EINVAL`) to a process that has more than one thread, which
//! is every test binary: libtest runs tests in threads. So [`isolated`] starts the test's own binary
//! again for this one test; in that process the namespace is entered *before* `main`, from
//! `.init_array`, while there is one thread. libtest then starts its thread inside. What it prints
//! comes out of the outer test, and so does its failure. The test also shares its process with no
//! other test, so nobody's `fork` holds its sockets open at the wrong moment.
//!
//! It works with `cargo test`, with nextest (a process for each test), with `harness = false`, as
//! root and as anyone else. Where neither root nor user namespaces are to be had the test fails and
//! says how to repair that; it is never skipped.
//!
//! # What to assert
//!
//! | | |
//! |---|---|
//! | [`run`] | a scenario file: [`Tested`] with verdict, events, conversations, flows |
//! | [`capture`] | the test's own sockets, threads and child processes: [`Captured`] |
//! | `flows()` | the canonical flow of every connection as text, for `insta` |
//! | `conversations` | every segment with Wireshark's analysis, for plain asserts |
//! | `write_pcap(path)` | the packets, for Wireshark |

mod again;
mod captured;
mod error;
mod isolated;
mod scenario;

pub use captured::{Captured, capture};
pub use error::Error;
pub use isolated::{Outcome, isolated, isolated_by};
pub use scenario::{Settings, Tested, run, run_with};
