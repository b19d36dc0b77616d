//! lab-capture: what a TCP program really puts on the wire.
//!
//! A scenario goes in; real servers and clients talk over a loopback interface that nobody else
//! uses; libpcap records every frame; the frames become conversations; the conversations are
//! judged; the verdict, the pictures and the `.pcap` come out.
//!
//! # The house
//!
//! Data flows one way, and the rooms stand in that order:
//!
//! ```text
//! scenario -> lab (server, client, capture) -> wire -> tcp -> flow -> check -> report
//! what the    who talks, where; what is        a frame segments its     a      what people
//! user wrote  recorded: a Recording            to a    to a     canon-  verdict and CI read
//!                                              Segment Conver-  ical
//!                                                      sation   form
//! ```
//!
//! | room | holds |
//! |---|---|
//! | [`scenario`] | the TOML model with spans, loading, validation, diagnostics |
//! | [`timeline`] | what actors did, when: events, their clock, the sink they are written to |
//! | [`platform`] | the system calls that need `unsafe`, each with its reason |
//! | [`server`] | one file a server: select, poll, epoll, threaded, forking, sequential, udp, command |
//! | [`client`] | the script interpreter, shared by clients and by servers whose handler is a list of steps |
//! | [`capture`] | live libpcap, the barrier that proves completeness, capture files read and written |
//! | [`lab`] | isolation, one run, many runs side by side |
//! | [`wire`] | one frame to one `Segment`; no state |
//! | [`tcp`] | segments to conversations; Wireshark's analysis |
//! | [`flow`] | a conversation and the waits its scenario imposed, to the canonical flow |
//! | [`filter`] | a subset of Wireshark's display filters |
//! | [`check`] | expectations, snapshots, verdicts and their findings |
//! | [`report`] | one file a format; read-only |
//! | [`cli`] | one file a subcommand |
//! | [`testing`] | the same for the `#[test]`s of other crates |
//!
//! An arrow never runs back: `wire` does not know who captured, `tcp` not what was asked, `flow`
//! not who is judged, and `report` changes nothing. A capture file is a recording without events,
//! so `show file.pcap` and a live run go through the same code from `wire` on.

pub mod capture;
pub mod check;
pub mod cli;
pub mod client;
pub mod filter;
pub mod flow;
pub mod lab;
pub mod platform;
pub mod report;
pub mod scenario;
pub mod server;
pub mod tcp;
pub mod testing;
pub mod timeline;
pub mod wire;
