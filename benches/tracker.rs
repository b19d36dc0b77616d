//! What tracking costs: a capture parsed with etherparse alone, with one hash map of connections
//! (the floor), and with the tracker; nanoseconds a segment and the memory at the end.
//!
//! ```text
//! cargo bench --bench tracker -- FILE…       captures of `gen_capture`
//! ```

use std::collections::HashMap;
use std::hint::black_box;
use std::net::IpAddr;
use std::time::Instant;

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use lab_capture::tcp::{Fed, Tracker};
use lab_capture::wire::{Flags, Options, Packet, Segment, SeqNumber};
use rustc_hash::FxHashMap;

/// Calls `each` with every TCP segment of a microsecond little-endian pcap of Ethernet.
fn segments(bytes: &[u8], mut each: impl FnMut(u64, i64, &Segment<'_>)) -> u64 {
    let mut at = 24;
    let mut frame = 0;
    while at + 16 <= bytes.len() {
        let word = |n: usize| u32::from_le_bytes(bytes[at + n..at + n + 4].try_into().expect("4"));
        let len = word(8) as usize;
        let time = i64::from(word(0)) * 1_000_000_000 + i64::from(word(4)) * 1_000;
        let data = &bytes[at + 16..at + 16 + len];
        at += 16 + len;
        frame += 1;
        let Ok(packet) = LaxSlicedPacket::from_ethernet(data) else {
            continue;
        };
        let (Some(net), Some(TransportSlice::Tcp(tcp))) = (&packet.net, &packet.transport) else {
            continue;
        };
        let LaxNetSlice::Ipv4(ip) = net else {
            continue;
        };
        let mut options = Options::default();
        for option in tcp.options_iterator().flatten() {
            use etherparse::TcpOptionElement::*;
            match option {
                WindowScale(n) => options.window_scale = Some(n),
                MaximumSegmentSize(n) => options.mss = Some(n),
                SelectiveAcknowledgementPermitted => options.sack_permitted = true,
                Timestamp(a, b) => options.timestamps = Some((a, b)),
                _ => {}
            }
        }
        let header = ip.header();
        let segment = Segment {
            src: IpAddr::V4(header.source_addr()),
            dst: IpAddr::V4(header.destination_addr()),
            src_port: tcp.source_port(),
            dst_port: tcp.destination_port(),
            seq: SeqNumber(tcp.sequence_number()),
            ack: SeqNumber(tcp.acknowledgment_number()),
            flags: Flags::from_bits_truncate(u16::from(tcp.slice()[13])),
            window: tcp.window_size(),
            urgent: 0,
            options,
            header_len: tcp.header_slice().len() as u8,
            len: tcp.payload().len() as u32,
            payload: tcp.payload(),
            checksum: tcp.checksum(),
            ip_id: header.identification(),
            ttl: header.ttl(),
        };
        each(frame, time, &segment);
    }
    frame
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
    let number = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
    number.unwrap_or(0) / 1024
}

fn main() {
    for file in std::env::args().skip(1).filter(|a| a != "--bench") {
        let bytes = std::fs::read(&file).expect("readable");
        let before = resident();
        for _ in 0..2 {
            let start = Instant::now();
            let count = segments(&bytes, |_, _, s| {
                black_box(s);
            });
            let parse = start.elapsed();
            let start = Instant::now();
            let mut map: FxHashMap<(u32, u32, u16, u16), u64> = HashMap::default();
            segments(&bytes, |_, _, s| {
                let (IpAddr::V4(a), IpAddr::V4(b)) = (s.src, s.dst) else {
                    return;
                };
                let (a, b) = (u32::from(a), u32::from(b));
                let key = if a < b {
                    (a, b, s.src_port, s.dst_port)
                } else {
                    (b, a, s.dst_port, s.src_port)
                };
                *map.entry(key).or_default() += u64::from(s.len);
            });
            let floor = start.elapsed();
            drop(map);
            let start = Instant::now();
            let mut tracker = Tracker::default();
            let mut finished = 0;
            let mut check = 0u64;
            segments(&bytes, |frame, time, s| {
                let Fed::Segment(t) = tracker.feed(frame, time, &Packet::Tcp(*s)) else {
                    return;
                };
                check = check.wrapping_mul(31) + u64::from(t.analysis.bits()) + u64::from(t.stream);
                if frame.is_multiple_of(4096) {
                    finished += tracker.take_finished().count();
                }
            });
            let memory = resident().saturating_sub(before);
            finished += tracker.finish().count();
            let track = start.elapsed();
            let ns = |d: std::time::Duration| d.as_nanos() as f64 / count as f64;
            println!(
                "{file}: {count} segments, {finished} summaries; parse {:.0} ns, floor {:.0} ns, \
                 tracked {:.0} ns ({:.2} s, {:.2} x floor), {memory} MiB; {check:x}",
                ns(parse),
                ns(floor),
                ns(track),
                track.as_secs_f64(),
                track.as_secs_f64() / floor.as_secs_f64()
            );
        }
    }
}
