//! Hand-built runs for the tests of the reports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::capture::{Completeness, FrameStore, Recording, Stats};
use crate::check::{Judged, Named, Verdict};
use crate::flow::{Close, Flow, Handshake};
use crate::scenario::{Expect, Scenario, Source};
use crate::tcp::{Analysis, Conversation, Seg, Side};
use crate::timeline::{Ends, Event, Nanos, Op};
use crate::wire::{Flags, LinkType, Options};

pub(super) use crate::tcp::Side::{Client, Server};

pub(super) const START: Nanos = 1_700_000_000_123_456_789;
/// Between two things that happen, 40 µs.
const STEP: Nanos = 40_000;

pub(super) const SYN: Flags = Flags::SYN;
pub(super) const ACK: Flags = Flags::ACK;
pub(super) const FIN: Flags = Flags::FIN.union(Flags::ACK);
pub(super) const PSH: Flags = Flags::PSH.union(Flags::ACK);
pub(super) const RST: Flags = Flags::RST.union(Flags::ACK);

/// A run being written down, step by step.
pub(super) struct Run {
    pub judged: Judged,
    clock: Nanos,
    frame: u64,
    next: Vec<[u32; 2]>,
}

pub(super) const SCENARIO: &str = r#"title = "One message, then the client closes"

[server]
kind = "select"
listen = "127.0.0.1:5000"
handler = "echo"

[[client]]
name = "client-1"
steps = ["connect", { send = "hello" }, { recv = "hello" }, "close"]
"#;

impl Run {
    pub fn new(name: &str, title: &str) -> Run {
        let source = Source {
            path: format!("scenarios/{name}.toml").into(),
            text: SCENARIO.to_owned(),
        };
        let scenario = Scenario {
            name: name.to_owned(),
            source: Arc::new(source),
            title: title.to_owned(),
            explain: None,
            servers: vec![],
            clients: vec![],
            link: Default::default(),
            sysctl: vec![],
            limit: Duration::from_secs(10),
            capture: Default::default(),
            expect: Expect::default(),
        };
        let recording = Recording {
            link: LinkType::ETHERNET,
            snaplen: 262_144,
            frames: FrameStore::default(),
            events: vec![],
            stats: Stats::default(),
            complete: Completeness::Complete,
            output: vec![],
        };
        Run {
            judged: Judged {
                datagrams: vec![],
                scenario: Arc::new(scenario),
                recording: Some(recording),
                connections: vec![],
                verdict: Verdict::Passed { variant: None },
                foreseen: vec![],
                file: Some(format!("captures/{name}.pcap").into()),
                elapsed: Duration::from_millis(46),
                accepted: false,
            },
            clock: START,
            frame: 0,
            next: vec![],
        }
    }

    /// Adds a connection of `name` to `server`.
    pub fn connection(&mut self, name: &str) -> usize {
        let index = self.judged.connections.len();
        let client: SocketAddr = ([127, 0, 0, 1], 51_712 + index as u16).into();
        self.judged.connections.push(Named {
            name: name.to_owned(),
            server: Some("server".into()),
            conversation: Conversation {
                stream: index as u32,
                client,
                server: ([127, 0, 0, 1], 5000).into(),
                segments: vec![],
            },
            flow: Flow {
                name: name.to_owned(),
                handshake: Handshake::Complete,
                phases: vec![],
                close: Close::Fin(Client),
            },
        });
        self.next.push([0, 0]);
        index
    }

    pub fn flow(&mut self, handshake: Handshake, close: Close) {
        let named = self.judged.connections.last_mut().expect("a connection");
        named.flow.handshake = handshake;
        named.flow.close = close;
    }

    /// Lets time pass.
    pub fn pause(&mut self, ns: Nanos) {
        self.clock += ns;
    }

    /// The next segment of connection `index`; numbers follow from what was sent before.
    pub fn segment(&mut self, index: usize, from: Side, flags: Flags, payload: &[u8]) -> &mut Seg {
        let next = &mut self.next[index];
        let (me, peer) = (from.index(), from.other().index());
        let (seq, ack) = (next[me], next[peer]);
        let control = u32::from(flags.contains(Flags::SYN)) + u32::from(flags.contains(Flags::FIN));
        next[me] += payload.len() as u32 + control;
        self.frame += 1;
        self.clock += STEP;
        let frames = &mut self.judged.recording.as_mut().expect("recorded").frames;
        frames.push(self.clock, 66 + payload.len() as u32, payload);
        let ack = if flags.contains(Flags::ACK) { ack } else { 0 };
        let syn = flags.contains(Flags::SYN);
        let segments = &mut self.judged.connections[index].conversation.segments;
        segments.push(Seg {
            frame: self.frame,
            time: self.clock,
            from,
            flags,
            seq,
            ack,
            raw_seq: seq + 1_000_000 * (1 + me as u32),
            raw_ack: ack + 1_000_000 * (1 + peer as u32),
            len: payload.len() as u32,
            payload: payload.into(),
            window: if flags.contains(Flags::RST) { 0 } else { 512 },
            options: Options {
                mss: syn.then_some(65_495),
                window_scale: syn.then_some(7),
                ..Options::default()
            },
            analysis: Analysis::empty(),
        });
        segments.last_mut().expect("just pushed")
    }

    /// The same bytes again.
    pub fn again(&mut self, index: usize, from: Side, flags: Flags, payload: &[u8]) -> &mut Seg {
        self.next[index][from.index()] -= payload.len() as u32;
        self.segment(index, from, flags, payload)
    }

    /// A probe one byte before the next: sequence number minus one, nothing in it.
    pub fn probe(&mut self, index: usize, from: Side) -> &mut Seg {
        let seg = self.segment(index, from, ACK, b"");
        seg.seq -= 1;
        seg
    }

    /// SYN, SYN-ACK, ACK.
    pub fn handshake(&mut self, index: usize) {
        self.segment(index, Client, SYN, b"");
        self.segment(index, Server, SYN | ACK, b"");
        self.segment(index, Client, ACK, b"");
        let actor = self.judged.connections[index].name.clone();
        self.event(Some((index, Client)), &actor, "connect", "ok", None);
        self.event(None, "server", "select", "ready [listener]", None);
        self.event(Some((index, Server)), "server", "accept", &actor, None);
    }

    /// An event, on a connection or on none.
    pub fn event(
        &mut self,
        on: Option<(usize, Side)>,
        actor: &str,
        call: &str,
        result: &str,
        op: Option<Op>,
    ) -> &mut Event {
        self.clock += STEP / 4;
        let ends = on.map(|(index, side)| {
            let talk = &self.judged.connections[index].conversation;
            let (local, peer) = match side {
                Client => (talk.client, talk.server),
                Server => (talk.server, talk.client),
            };
            Ends { local, peer }
        });
        let events = &mut self.judged.recording.as_mut().expect("recorded").events;
        events.push(Event {
            at: self.clock,
            actor: actor.into(),
            ends,
            call: call.to_owned(),
            result: result.to_owned(),
            errno: None,
            op,
            step: None,
            failed: false,
        });
        events.last_mut().expect("just pushed")
    }

    /// A frame of another protocol.
    pub fn frame(&mut self, build: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = vec![];
        build(&mut bytes);
        self.clock += STEP;
        let frames = &mut self.judged.recording.as_mut().expect("recorded").frames;
        frames.push(self.clock, bytes.len() as u32, &bytes);
    }

    /// An event on a UDP socket.
    pub fn datagram(
        &mut self,
        actor: &str,
        local: SocketAddr,
        peer: SocketAddr,
        call: &str,
        result: &str,
    ) -> &mut Event {
        let event = self.event(None, actor, call, result, None);
        event.ends = Some(Ends { local, peer });
        event
    }

    /// An event of the client's or the server's on connection `index`.
    pub fn act(&mut self, index: usize, side: Side, call: &str, result: &str, op: Op) {
        let actor = match side {
            Client => self.judged.connections[index].name.clone(),
            Server => "server".to_owned(),
        };
        self.event(Some((index, side)), &actor, call, result, Some(op));
    }

    /// Client sends, server's kernel acknowledges, server reads and sends it back, client reads.
    /// As on loopback: each send returns only after its segment was delivered and answered.
    pub fn echo(&mut self, index: usize, text: &[u8], offset: u64) {
        let n = text.len().to_string();
        let end = offset + text.len() as u64;
        let sent = |echo| Op::Sent {
            start: offset,
            end,
            echo,
        };
        self.segment(index, Client, PSH, text);
        self.segment(index, Server, ACK, b"");
        self.act(index, Client, "send", &n, sent(false));
        self.event(None, "server", "select", "ready [client]", None);
        self.act(index, Server, "recv", &n, Op::ReceivedSome { end });
        self.segment(index, Server, PSH, text);
        self.segment(index, Client, ACK, b"");
        self.act(index, Server, "send", &n, sent(true));
        self.act(index, Client, "recv", &n, Op::Received(end));
    }

    /// The client closes, the server reads the end and closes too.
    pub fn client_closes(&mut self, index: usize) {
        self.segment(index, Client, FIN, b"");
        self.act(index, Client, "close", "ok", Op::Close { unread: 0 });
        self.act(index, Server, "recv", "0", Op::PeerFin);
        self.segment(index, Server, FIN, b"");
        self.segment(index, Client, ACK, b"");
        self.act(index, Server, "close", "ok", Op::Close { unread: 0 });
    }
}

/// Row 2 of the course with one message.
pub(super) fn close() -> Run {
    let mut run = Run::new("close", "One message, then the client closes");
    let c = run.connection("client-1");
    run.handshake(c);
    run.echo(c, b"hello", 0);
    run.client_closes(c);
    run
}
