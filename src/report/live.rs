//! A capture as it comes: one line a packet, as a packet list of Wireshark would grow.

use std::net::SocketAddr;

use super::{escape, style};
use crate::tcp::{Fed, Tracker};
use crate::timeline::Nanos;
use crate::wire::Frame;
use crate::wire::{Flags, Packet, Reassembler};

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
    /// numbers, length, what is notable, as much of the payload as fits `columns`. Nothing for
    /// fragments, which show when they are whole.
    pub fn line(&mut self, frame: &Frame<'_>, columns: usize) -> Option<String> {
        let start = *self.start.get_or_insert(frame.time);
        self.number += 1;
        let seconds = (frame.time - start) as f64 / 1e9;
        let head = format!("{:>3} {seconds:.6}", self.number);
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
                let line = format!(
                    "{head} {ends} {} seq={} ack={} len={}",
                    segment.flags, tracked.seq, tracked.ack, segment.len,
                );
                // Of a SYN (Fast Open) the numbers are what matters.
                let payload = match segment.flags.contains(Flags::SYN) {
                    true => &[],
                    false => segment.payload,
                };
                let more = payload.len() < segment.len as usize;
                with_payload(&line, payload, more, &notable, columns)
            }
            (Packet::Udp(datagram), _) => {
                let src = SocketAddr::new(datagram.src, datagram.src_port);
                let dst = SocketAddr::new(datagram.dst, datagram.dst_port);
                let line = format!("{head} {} UDP len={}", ends(src, dst), datagram.len);
                let more = datagram.payload.len() < datagram.len as usize;
                with_payload(&line, datagram.payload, more, "", columns)
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

/// The line, an excerpt of the payload in the columns that are left, the notes. Only the excerpt
/// gives way; where there is no room for a byte of it, a mark says that there is some.
fn with_payload(line: &str, payload: &[u8], more: bool, notes: &str, columns: usize) -> String {
    if payload.is_empty() {
        return format!("{line}{notes}");
    }
    let taken = style::width(line) + style::width(notes) + 1;
    let room = columns.saturating_sub(taken);
    let excerpt = escape::preview(payload, more, room);
    if style::width(&excerpt) <= room {
        return format!("{line} {excerpt}{notes}");
    }
    match room {
        0 => format!("{line}{notes}"),
        _ => format!("{line} \u{2026}{notes}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_excerpt_gives_way() {
        let line = "  4 0.000117 127.0.0.1:39574 → 127.0.0.1:5000 PSH,ACK seq=1 ack=1 len=26";
        assert_eq!(style::width(line), 72);
        let payload = b"what a long payload it was";
        let text = |columns, notes| with_payload(line, payload, false, notes, columns);
        for (columns, notes, rest) in [
            (120, "", " \"what a long payload it was\""),
            (90, "", " \"what a long pa\"…"),
            (90, "  [xyz]", " \"what a \"…  [xyz]"),
            (80, "", " \"what\"…"),
            (75, "", " …"),
            (73, "", ""),
            (40, "  [xyz]", "  [xyz]"),
        ] {
            assert_eq!(text(columns, notes), format!("{line}{rest}"), "{columns}");
        }
        for columns in 74..140 {
            assert!(style::width(&text(columns, "")) <= columns);
        }
        // A byte that is four columns wide when escaped.
        let text = with_payload(line, &[0, 1], false, "", 79);
        assert_eq!(text, format!("{line} …"));
    }
}
