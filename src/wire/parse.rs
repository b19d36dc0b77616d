//! One frame to one packet: the link types.

use super::ip::Path;
use super::view::View;
use super::{LinkType, Packet, ether, links};
use crate::wire::Frame;

/// Opens a frame down to its innermost header. Fragments are returned as such: see
/// [`Reassembler::parse`](super::Reassembler::parse).
#[inline]
pub fn parse<'a>(frame: &Frame<'a>) -> Packet<'a> {
    let view = View::new(frame.data, frame.wire_len);
    if frame.link == LinkType::ETHERNET {
        return ether::ethernet(view, Path::default());
    }
    links::open(frame.link, view, Path::default())
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;
    use crate::wire::{Flags, Reassembler, Segment};

    const PAYLOAD: &[u8] = b"hello";

    fn ip_packet() -> Vec<u8> {
        let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(40000, 80, 1000, 8192)
            .psh()
            .ack(77);
        let mut bytes = vec![];
        builder.write(&mut bytes, PAYLOAD).unwrap();
        bytes
    }

    fn behind(header: &[u8]) -> Vec<u8> {
        [header, &ip_packet()].concat()
    }

    fn frame(link: LinkType, data: &[u8]) -> Frame<'_> {
        Frame {
            number: 1,
            time: 0,
            link,
            wire_len: data.len() as u32,
            data,
        }
    }

    #[track_caller]
    fn segment<'a>(link: LinkType, data: &'a [u8]) -> Segment<'a> {
        match parse(&frame(link, data)) {
            Packet::Tcp(segment) => segment,
            other => panic!("{link}: {other:?}"),
        }
    }

    #[test]
    fn the_segment_behind_every_link_header() {
        let ethernet = [&[0; 12][..], &[8, 0]].concat();
        let vlan = [&[0; 12][..], &[0x81, 0, 0, 5, 8, 0]].concat();
        let qinq = [&[0; 12][..], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0]].concat();
        let snap = [&[0; 12][..], &[0, 53, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]].concat();
        let pppoe = [&[0; 12][..], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 47, 0, 0x21]].concat();
        let sll = [&[0; 14][..], &[8, 0]].concat();
        let sll2 = [&[8, 0][..], &[0; 18]].concat();
        for (link, header) in [
            (1, ethernet),
            (1, vlan),
            (1, qinq),
            (1, snap),
            (1, pppoe),
            (0, vec![2, 0, 0, 0]),
            (0, vec![0, 0, 0, 2]),
            (108, vec![0, 0, 0, 2]),
            (12, vec![]),
            (14, vec![]),
            (101, vec![]),
            (228, vec![]),
            (113, sll),
            (276, sll2),
            (9, vec![0xff, 3, 0, 0x21]),
            (9, vec![0, 0x21]),
            (9, vec![0x21]),
            (50, vec![0xff, 3, 0, 0x21]),
            (50, vec![0x0f, 0, 8, 0]),
        ] {
            let bytes = behind(&header);
            let s = segment(LinkType(link), &bytes);
            assert_eq!(s.source(), "10.0.0.1:40000".parse().unwrap(), "{link}");
            assert_eq!(s.destination(), "10.0.0.2:80".parse().unwrap(), "{link}");
            assert_eq!((s.seq.0, s.ack.0, s.window), (1000, 77, 8192), "{link}");
            assert_eq!(s.flags, Flags::PSH | Flags::ACK, "{link}");
            assert_eq!((s.len, s.payload), (5, PAYLOAD), "{link}");
        }
    }

    #[test]
    fn padding_is_no_payload_and_a_snapped_frame_keeps_its_length() {
        let mut bytes = behind(&[&[0; 12][..], &[8, 0]].concat());
        let whole = bytes.len();
        bytes.extend_from_slice(&[0; 9]);
        assert_eq!(segment(LinkType::ETHERNET, &bytes).payload, PAYLOAD);
        let snapped = Frame {
            wire_len: whole as u32,
            ..frame(LinkType::ETHERNET, &bytes[..whole - 3])
        };
        let Packet::Tcp(s) = parse(&snapped) else {
            panic!("no segment");
        };
        assert_eq!((s.len, s.payload), (5, &PAYLOAD[..2]));
    }

    #[test]
    fn length_zero_reaches_to_the_end_of_the_frame() {
        let mut bytes = ip_packet();
        bytes[2..4].fill(0);
        assert_eq!(segment(LinkType::RAW, &bytes).payload, PAYLOAD);
    }

    #[test]
    fn fragments_in_any_order_become_one_segment() {
        let whole = ip_packet();
        let fragment = |from: usize, to: usize, more: bool| {
            let mut bytes = whole[..20].to_vec();
            bytes[2..4].copy_from_slice(&((20 + to - from) as u16).to_be_bytes());
            let word = (from / 8) as u16 | if more { 0x2000 } else { 0 };
            bytes[6..8].copy_from_slice(&word.to_be_bytes());
            bytes.extend_from_slice(&whole[20 + from..20 + to]);
            bytes
        };
        let parts = [
            fragment(16, 25, false),
            fragment(0, 8, true),
            fragment(8, 16, true),
        ];
        let mut reassembler = Reassembler::default();
        for part in &parts[..2] {
            let packet = reassembler.parse(&frame(LinkType::RAW, part));
            assert!(matches!(packet, Packet::Fragment(_)), "{packet:?}");
        }
        match reassembler.parse(&frame(LinkType::RAW, &parts[2])) {
            Packet::Tcp(s) => assert_eq!((s.len, s.payload), (5, PAYLOAD)),
            other => panic!("{other:?}"),
        }
        assert_eq!(reassembler.unfinished(), 0);
    }
}
