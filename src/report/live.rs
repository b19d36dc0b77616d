//! A capture as it comes: one line a packet, as a packet list of Wireshark would grow.

use std::net::SocketAddr;

use super::escape;
use crate::capture::Frame;
use crate::tcp::{Fed, Tracker};
use crate::timeline::Nanos;
use crate::wire::{Flags, Packet, Reassembler, Segment};

/// Follows a live capture, packet by packet.
#[derive(Debug, Default)]
pub struct Live {
    start: Option<Nanos>,
    number: u64,
    reassembler: Reassembler,
    tracker: Tracker,
}

impl Live {
    /// The line of the next packet: number, seconds since the first, who to whom, flags, relative
    /// numbers, length, what is notable. Nothing for fragments, which show when they are whole.
    pub fn line(&mut self, frame: &Frame<'_>) -> Option<String> {
        let start = *self.start.get_or_insert(frame.time);
        self.number += 1;
        let seconds = (frame.time - start) as f64 / 1e9;
        let head = format!("{:>5} {seconds:>10.6}", self.number);
        let packet = self.reassembler.parse(frame);
        let fed = self.tracker.feed(frame.number, frame.time, &packet);
        self.tracker.take_finished().for_each(drop);
        let line = match (packet, fed) {
            (Packet::Tcp(segment), Fed::Segment(tracked)) => {
                let ends = ends(segment.source(), segment.destination());
                let analysis: Vec<&str> = tracked.analysis.names().collect();
                let notable = match analysis.is_empty() {
                    true => String::new(),
                    false => format!("  [{}]", analysis.join(", ")),
                };
                format!(
                    "{head} {ends} {} seq={} ack={} len={}{}{notable}",
                    segment.flags,
                    tracked.seq,
                    tracked.ack,
                    segment.len,
                    payload(&segment)
                )
            }
            (Packet::Udp(datagram), _) => {
                let src = SocketAddr::new(datagram.src, datagram.src_port);
                let dst = SocketAddr::new(datagram.dst, datagram.dst_port);
                let text = escape::preview(datagram.payload, false, 40);
                format!("{head} {} UDP len={} {text}", ends(src, dst), datagram.len)
            }
            (Packet::Icmp(icmp), _) => {
                let version = if icmp.v6 { "ICMPv6" } else { "ICMP" };
                let (kind, code) = (icmp.kind, icmp.code);
                format!(
                    "{head} {} → {} {version} type={kind} code={code}",
                    icmp.src, icmp.dst
                )
            }
            (Packet::Fragment(_), _) => return None,
            (other, _) => match other.reason() {
                Some(reason) => format!("{head} {reason}"),
                None => return None,
            },
        };
        Some(line)
    }
}

fn ends(src: SocketAddr, dst: SocketAddr) -> String {
    format!("{src} → {dst}")
}

fn payload(segment: &Segment<'_>) -> String {
    if segment.payload.is_empty() || segment.flags.contains(Flags::SYN) {
        return String::new();
    }
    format!("  {}", escape::preview(segment.payload, false, 40))
}
