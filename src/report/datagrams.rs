//! UDP: datagrams between two addresses, and the ICMP errors that speak of them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::order::{Item, Part, Placed, place};
use crate::capture::Recording;
use crate::check::Judged;
use crate::tcp::Side;
use crate::timeline::{Event, Nanos};
use crate::wire::{self, Packet};

/// What went on between two UDP addresses.
pub(super) struct Exchange<'a> {
    /// Who sent the first datagram.
    pub client: SocketAddr,
    /// The other.
    pub server: SocketAddr,
    /// Names of the two, where an actor of ours had the address.
    pub names: [Option<String>; 2],
    pub packets: Vec<Datagram<'a>>,
}

/// A packet of an exchange.
pub(super) struct Datagram<'a> {
    pub frame: u64,
    pub time: Nanos,
    pub from: Side,
    pub what: What<'a>,
}

/// UDP or ICMP.
pub(super) enum What<'a> {
    /// Length on the wire and the bytes captured.
    Data(u32, &'a [u8]),
    /// An ICMP error, in words.
    Error(&'static str),
}

impl Exchange<'_> {
    /// The two ends by name, by address where nobody is known.
    pub fn labels(&self) -> (String, String) {
        let [client, server] = &self.names;
        let label = |name: &Option<String>, address: SocketAddr| {
            name.clone().unwrap_or_else(|| address.to_string())
        };
        (label(client, self.client), label(server, self.server))
    }
}

/// All UDP exchanges of a recording, in the order in which they began.
pub(super) fn exchanges(judged: &Judged) -> Vec<Exchange<'_>> {
    let Some(recording) = &judged.recording else {
        return vec![];
    };
    let names = names(recording);
    let mut list: Vec<Exchange<'_>> = vec![];
    let mut known: HashMap<(SocketAddr, SocketAddr), usize> = HashMap::new();
    for frame in recording.frames.iter(recording.link) {
        let (src, dst, what) = match wire::parse(&frame) {
            Packet::Udp(udp) => (
                SocketAddr::new(udp.src, udp.src_port),
                SocketAddr::new(udp.dst, udp.dst_port),
                What::Data(udp.len, udp.payload),
            ),
            Packet::Icmp(icmp) => {
                let text = error(icmp.v6, icmp.kind, icmp.code);
                match (quoted_udp(icmp.quoted), text) {
                    // Sent by who should have received what it quotes.
                    (Some((src, dst)), Some(text)) => (dst, src, What::Error(text)),
                    _ => continue,
                }
            }
            _ => continue,
        };
        let key = (src.min(dst), src.max(dst));
        let index = *known.entry(key).or_insert_with(|| {
            let name = |address| names.get(&address).cloned();
            list.push(Exchange {
                client: src,
                server: dst,
                names: [name(src), name(dst)],
                packets: vec![],
            });
            list.len() - 1
        });
        let exchange = &mut list[index];
        let from = if src == exchange.client {
            Side::Client
        } else {
            Side::Server
        };
        exchange.packets.push(Datagram {
            frame: frame.number,
            time: frame.time,
            from,
            what,
        });
    }
    list
}

/// Who has which address, from the events.
fn names(recording: &Recording) -> HashMap<SocketAddr, String> {
    let mut names = HashMap::new();
    for event in &recording.events {
        if let Some(ends) = event.ends {
            let name = super::escape::line(&event.actor);
            names.entry(ends.local).or_insert(name);
        }
    }
    names
}

/// What the errors that matter to a UDP socket say (RFC 792, RFC 4443).
fn error(v6: bool, kind: u8, code: u8) -> Option<&'static str> {
    Some(match (v6, kind, code) {
        (false, 3, 3) | (true, 1, 4) => "port unreachable: no socket has this port",
        (false, 3, 1) | (true, 1, 3) => "host unreachable",
        (false, 3, 0) | (true, 1, 0) => "network unreachable",
        (false, 3, 4) | (true, 2, 0) => "too big for the path",
        (false, 3, _) | (true, 1, _) => "destination unreachable",
        (false, 11, _) | (true, 3, _) => "time exceeded",
        _ => return None,
    })
}

/// Addresses of the UDP datagram quoted in an ICMP error: its IP header and first eight bytes.
fn quoted_udp(bytes: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (src, dst, rest): (IpAddr, IpAddr, &[u8]) = match bytes.first()? >> 4 {
        4 if *bytes.get(9)? == 17 => {
            let header = usize::from(bytes[0] & 15) * 4;
            let at = |start: usize| -> Option<IpAddr> {
                let octets: [u8; 4] = bytes.get(start..start + 4)?.try_into().ok()?;
                Some(octets.into())
            };
            (at(12)?, at(16)?, bytes.get(header..)?)
        }
        6 if *bytes.get(6)? == 17 => {
            let at = |start: usize| -> Option<IpAddr> {
                let octets: [u8; 16] = bytes.get(start..start + 16)?.try_into().ok()?;
                Some(octets.into())
            };
            (at(8)?, at(24)?, bytes.get(40..)?)
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes([*rest.get(at)?, *rest.get(at + 1)?]));
    Some((
        SocketAddr::new(src, port(0)?),
        SocketAddr::new(dst, port(2)?),
    ))
}

/// The events of an exchange's two ends in their places. A datagram is sent by one call and
/// received by one call: the n-th send stands above the n-th datagram, the n-th receive below it.
pub(super) fn story<'a>(exchange: &Exchange<'_>, events: &[&'a Event]) -> Vec<Placed<'a>> {
    let packets = &exchange.packets;
    let mut counts = [[0usize; 2]; 2];
    let nth = |side, n: usize| {
        let data = packets
            .iter()
            .enumerate()
            .filter(|(_, p)| p.from == side && matches!(p.what, What::Data(..)));
        data.map(|(index, _)| index).nth(n)
    };
    let mut items = vec![];
    for event in events {
        let Some(side) = side(exchange, event) else {
            continue;
        };
        let mut item = Item {
            side,
            event,
            part: Part::Whole,
            at: event.at,
            low: 0,
            high: packets.len(),
        };
        let counts = &mut counts[side.index()];
        if event.call.starts_with("send") && event.errno.is_none() {
            item.high = nth(side, counts[0]).unwrap_or(packets.len());
            counts[0] += 1;
        } else if event.call.starts_with("recv") && event.errno.is_none() {
            item.low = nth(side.other(), counts[1]).map_or(0, |index| index + 1);
            counts[1] += 1;
        } else if event.errno.as_deref() == Some("ECONNREFUSED") {
            let error = packets
                .iter()
                .position(|p| matches!(p.what, What::Error(_)));
            item.low = error.map_or(0, |index| index + 1);
        }
        items.push(item);
    }
    let times: Vec<Nanos> = packets.iter().map(|p| p.time).collect();
    place(&times, items)
}

/// Whose event it is, if one of this exchange's ends.
pub(super) fn side(exchange: &Exchange<'_>, event: &Event) -> Option<Side> {
    let ends = event.ends?;
    match (ends.local, ends.peer) {
        pair if pair == (exchange.client, exchange.server) => Some(Side::Client),
        pair if pair == (exchange.server, exchange.client) => Some(Side::Server),
        _ => None,
    }
}
