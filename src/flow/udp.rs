//! UDP: datagrams between two addresses, and their canonical flow. There is no handshake, no close
//! and no acknowledgement; an order is certain only where a program had to wait.

use std::net::SocketAddr;

use rustc_hash::FxHashMap;

use super::redact;
use super::types::*;
use crate::capture::{Chunk, Payload};
use crate::flow::Redaction;
use crate::tcp::Side;
use crate::timeline::{Nanos, Op};
use crate::wire::{Datagram, Icmp, Packet};

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Number in the capture, from 1.
    pub frame: u64,
    /// Timestamp, ns since the Unix epoch.
    pub time: Nanos,
    /// Who sent it.
    pub from: Side,
    /// Its payload, as far as it was captured.
    pub payload: Payload,
    /// Length of the payload on the wire.
    pub len: u32,
}

/// The datagrams between two addresses. The client is who spoke first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Who spoke first.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// In capture order.
    pub messages: Vec<Message>,
    /// Frames of ICMP errors `port unreachable` that speak of the client's datagrams.
    pub unreachable: Vec<u64>,
}

/// Collects exchanges from datagrams in capture order.
#[derive(Debug, Default)]
pub struct Exchanges {
    index: FxHashMap<(SocketAddr, SocketAddr), usize>,
    list: Vec<Exchange>,
}

impl Exchanges {
    /// Takes what a frame carries, if it is a datagram, or ICMP that speaks of one; payloads are shared
    /// with the chunk that the frame lies in.
    pub fn feed(&mut self, frame: u64, time: Nanos, packet: &Packet<'_>, chunk: Option<&Chunk>) {
        match packet {
            Packet::Udp(datagram) => self.push_from(frame, time, datagram, chunk),
            Packet::Icmp(icmp) => self.push_icmp(frame, icmp),
            _ => {}
        }
    }

    /// Takes the next datagram; its payload is copied.
    pub fn push(&mut self, frame: u64, time: Nanos, datagram: &Datagram<'_>) {
        self.push_from(frame, time, datagram, None);
    }

    /// The same; the payload is shared with the chunk that the frame lies in.
    fn push_from(
        &mut self,
        frame: u64,
        time: Nanos,
        datagram: &Datagram<'_>,
        chunk: Option<&Chunk>,
    ) {
        let src = SocketAddr::new(datagram.src, datagram.src_port);
        let dst = SocketAddr::new(datagram.dst, datagram.dst_port);
        let known = self.index.get(&(src, dst)).map(|&at| (at, Side::Client));
        let known = known.or_else(|| self.index.get(&(dst, src)).map(|&at| (at, Side::Server)));
        let (at, from) = known.unwrap_or_else(|| {
            let at = self.list.len();
            self.index.insert((src, dst), at);
            self.list.push(Exchange {
                client: src,
                server: dst,
                messages: vec![],
                unreachable: vec![],
            });
            (at, Side::Client)
        });
        let payload = match chunk {
            Some(chunk) => chunk.payload(datagram.payload),
            None => datagram.payload.into(),
        };
        let len = datagram.len;
        self.list[at].messages.push(Message {
            frame,
            time,
            from,
            payload,
            len,
        });
    }

    /// Takes an ICMP message; counts if it says `port unreachable` of a datagram seen before.
    pub fn push_icmp(&mut self, frame: u64, icmp: &Icmp<'_>) {
        let unreachable = if icmp.v6 { (1, 4) } else { (3, 3) };
        if (icmp.kind, icmp.code) != unreachable {
            return;
        }
        if let Some(ends) = quoted_ends(icmp)
            && let Some(&at) = self.index.get(&ends)
        {
            self.list[at].unreachable.push(frame);
        }
    }

    /// What has been collected so far, in the order of their first datagrams.
    pub fn list(&self) -> &[Exchange] {
        &self.list
    }

    /// All of it.
    pub fn finish(self) -> Vec<Exchange> {
        self.list
    }
}

/// Source and destination of the UDP datagram that an ICMP error quotes (RFC 792, RFC 4443).
fn quoted_ends(icmp: &Icmp<'_>) -> Option<(SocketAddr, SocketAddr)> {
    let headers = etherparse::LaxPacketHeaders::from_ip(icmp.quoted).ok()?;
    let (src, dst): (std::net::IpAddr, std::net::IpAddr) = match headers.net? {
        etherparse::NetHeaders::Ipv4(ip, _) => (ip.source.into(), ip.destination.into()),
        etherparse::NetHeaders::Ipv6(ip, _) => (ip.source.into(), ip.destination.into()),
        _ => return None,
    };
    let etherparse::TransportHeader::Udp(udp) = headers.transport? else {
        return None;
    };
    let src = SocketAddr::new(src, udp.source_port);
    Some((src, SocketAddr::new(dst, udp.destination_port)))
}

impl Exchange {
    /// Bytes of payload that one side sent.
    pub fn bytes(&self, side: Side) -> u64 {
        let sent = self.messages.iter().filter(|message| message.from == side);
        sent.map(|message| u64::from(message.len)).sum()
    }
}

/// The canonical flow of an exchange: each datagram a run of its own, for boundaries are part of
/// what UDP promises. `programs`: the operations of client and server, where known.
pub fn canonical_udp(name: &str, exchange: &Exchange, programs: [Option<&[Op]>; 2]) -> Flow {
    canonical_udp_redacted(name, exchange, programs, &[])
}

/// As [`canonical_udp`], with what legitimately varies in payloads replaced.
pub fn canonical_udp_redacted(
    name: &str,
    exchange: &Exchange,
    programs: [Option<&[Op]>; 2],
    redactions: &[Redaction],
) -> Flow {
    let of = |side| -> Vec<&Message> {
        exchange
            .messages
            .iter()
            .filter(|message| message.from == side)
            .collect()
    };
    let [client, server] = [of(Side::Client), of(Side::Server)];
    let waits = [waits(&client, programs[0]), waits(&server, programs[1])];
    // Merge: a side's next datagram may go when what it waited for has gone; the client first.
    let (mut phases, mut at, mut sent) = (vec![], [0, 0], [0u64, 0u64]);
    let lists = [client, server];
    while at[0] < lists[0].len() || at[1] < lists[1].len() {
        let ready =
            |side: usize| at[side] < lists[side].len() && waits[side][at[side]] <= sent[1 - side];
        // Neither can happen only if the programs' account contradicts the wire; go on all the same.
        let side = match (ready(0), ready(1)) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => usize::from(at[0] >= lists[0].len()),
        };
        let message = lists[side][at[side]];
        phases.push(Phase {
            first: run(message, redactions),
            concurrent: None,
        });
        sent[side] += u64::from(message.len);
        at[side] += 1;
    }
    let close = match exchange.unreachable.is_empty() {
        true => Close::None,
        false => Close::Unreachable,
    };
    Flow {
        name: name.to_owned(),
        handshake: Handshake::Udp,
        phases,
        close,
    }
}

/// For each datagram of a side: how many bytes of the peer its program had to have before.
fn waits(messages: &[&Message], ops: Option<&[Op]>) -> Vec<u64> {
    let mut waits = vec![];
    let (mut gate, mut some) = (0, 0);
    for op in ops.unwrap_or_default() {
        match *op {
            Op::Received(n) => gate = gate.max(n),
            Op::ReceivedSome { end } => some = end,
            Op::Sent { .. } => waits.push(gate.max(some)),
            _ => {}
        }
    }
    // Without events, or with fewer than there are datagrams: nothing is known to have been awaited.
    waits.resize(messages.len(), 0);
    waits
}

fn run(message: &Message, redactions: &[Redaction]) -> Run {
    let what = match message.payload.len() == message.len as usize {
        true => redact::content(redactions, message.payload.to_vec()),
        false => What::Unknown,
    };
    let content = Content {
        len: u64::from(message.len),
        what,
    };
    Run {
        from: message.from,
        bytes: Bytes::Exact(content),
        fin: false,
        reset: None,
    }
}
