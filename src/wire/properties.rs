//! What must hold of any frame.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{PacketBuilder, TcpOptionElement};
use proptest::prelude::*;

use super::*;
use crate::wire::Frame;

fn frame(link: u16, data: &[u8], wire_len: u32) -> Frame<'_> {
    Frame {
        number: 1,
        time: 0,
        link: LinkType(link),
        wire_len,
        data,
    }
}

/// What was put into a frame.
#[derive(Debug, Clone)]
struct Built {
    src: IpAddr,
    dst: IpAddr,
    ports: (u16, u16),
    seq: u32,
    ack: u32,
    flags: u16,
    window: u16,
    timestamps: Option<(u32, u32)>,
    mss: Option<u16>,
    payload: Vec<u8>,
}

fn addresses() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    let v4 = any::<([u8; 4], [u8; 4])>()
        .prop_map(|(a, b)| (Ipv4Addr::from(a).into(), Ipv4Addr::from(b).into()));
    let v6 = any::<([u8; 16], [u8; 16])>()
        .prop_map(|(a, b)| (Ipv6Addr::from(a).into(), Ipv6Addr::from(b).into()));
    prop_oneof![v4, v6]
}

fn built() -> impl Strategy<Value = Built> {
    (
        addresses(),
        any::<(u16, u16)>(),
        any::<(u32, u32)>(),
        0u16..0x200,
        any::<u16>(),
        any::<(Option<(u32, u32)>, Option<u16>)>(),
        prop::collection::vec(any::<u8>(), 0..200),
    )
        .prop_map(
            |(ends, ports, (seq, ack), flags, window, (timestamps, mss), payload)| Built {
                src: ends.0,
                dst: ends.1,
                ports,
                seq,
                ack,
                flags,
                window,
                timestamps,
                mss,
                payload,
            },
        )
}

impl Built {
    fn bytes(&self) -> Vec<u8> {
        let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
        let ip = match (self.src, self.dst) {
            (IpAddr::V4(a), IpAddr::V4(b)) => ethernet.ipv4(a.octets(), b.octets(), 64),
            (IpAddr::V6(a), IpAddr::V6(b)) => ethernet.ipv6(a.octets(), b.octets(), 64),
            _ => unreachable!("both ends are of one family"),
        };
        let mut tcp = ip.tcp(self.ports.0, self.ports.1, self.seq, self.window);
        let has = |bit| self.flags & bit != 0;
        if has(1) {
            tcp = tcp.fin();
        }
        if has(2) {
            tcp = tcp.syn();
        }
        if has(4) {
            tcp = tcp.rst();
        }
        if has(8) {
            tcp = tcp.psh();
        }
        if has(0x10) {
            tcp = tcp.ack(self.ack);
        }
        if has(0x20) {
            tcp = tcp.urg(3);
        }
        if has(0x40) {
            tcp = tcp.ece();
        }
        if has(0x80) {
            tcp = tcp.cwr();
        }
        if has(0x100) {
            tcp = tcp.ns();
        }
        let mut options = vec![];
        options.extend(self.mss.map(TcpOptionElement::MaximumSegmentSize));
        options.extend(
            self.timestamps
                .map(|(a, b)| TcpOptionElement::Timestamp(a, b)),
        );
        let mut bytes = vec![];
        tcp.options(&options)
            .expect("14 bytes of options fit")
            .write(&mut bytes, &self.payload)
            .expect("a vector takes it");
        bytes
    }
}

proptest! {
    #[test]
    fn what_was_built_comes_out(built in built(), vlan in any::<Option<u16>>(), padding in 0usize..20) {
        let mut bytes = built.bytes();
        if let Some(vlan) = vlan {
            let [a, b] = vlan.to_be_bytes();
            bytes.splice(12..12, [0x81, 0, a, b]);
        }
        bytes.resize(bytes.len() + padding, 0);
        let Packet::Tcp(s) = parse(&frame(1, &bytes, bytes.len() as u32)) else {
            panic!("no segment");
        };
        prop_assert_eq!((s.src, s.dst), (built.src, built.dst));
        prop_assert_eq!((s.src_port, s.dst_port), built.ports);
        prop_assert_eq!(s.seq.0, built.seq);
        prop_assert_eq!(s.flags.bits(), built.flags);
        if s.flags.contains(Flags::ACK) {
            prop_assert_eq!(s.ack.0, built.ack);
        }
        prop_assert_eq!(s.window, built.window);
        prop_assert_eq!(s.options.timestamps, built.timestamps);
        prop_assert_eq!(s.options.mss, built.mss);
        prop_assert_eq!((s.payload, s.len as usize), (&built.payload[..], built.payload.len()));
    }

    #[test]
    fn a_snapped_frame_keeps_its_lengths(built in built(), cut in 0usize..300) {
        let bytes = built.bytes();
        let whole = bytes.len();
        let kept = whole.saturating_sub(cut);
        if let Packet::Tcp(s) = parse(&frame(1, &bytes[..kept], whole as u32)) {
            prop_assert_eq!(s.len as usize, built.payload.len());
            prop_assert!(s.payload.len() <= built.payload.len());
            prop_assert!(built.payload.starts_with(s.payload));
        }
    }

    #[test]
    fn any_bytes_of_any_link_type_have_an_answer(
        link in 0u16..300,
        data in prop::collection::vec(any::<u8>(), 0..200),
        wire_len in any::<u32>(),
    ) {
        let mut reassembler = Reassembler::default();
        let packet = reassembler.parse(&frame(link, &data, wire_len));
        if let Some(reason) = packet.reason() {
            prop_assert!(!reason.to_string().is_empty());
        }
    }

    #[test]
    fn fragments_in_any_order_make_the_datagram(
        built in built(),
        cuts in prop::collection::btree_set(1usize..20, 0..6),
        order in any::<u64>(),
    ) {
        let whole = built.bytes();
        prop_assume!(built.src.is_ipv4());
        let (ip, payload) = (&whole[14..34], &whole[34..]);
        let mut edges: Vec<usize> = cuts.into_iter().map(|c| c * 8).filter(|&c| c < payload.len()).collect();
        edges.insert(0, 0);
        edges.push(payload.len());
        let mut parts: Vec<Vec<u8>> = edges
            .windows(2)
            .map(|edge| {
                let (from, to) = (edge[0], edge[1]);
                let mut bytes = ip.to_vec();
                bytes[2..4].copy_from_slice(&(20 + (to - from) as u16).to_be_bytes());
                let word = (from / 8) as u16 | if to < payload.len() { 0x2000 } else { 0 };
                bytes[6..8].copy_from_slice(&word.to_be_bytes());
                bytes.extend_from_slice(&payload[from..to]);
                bytes
            })
            .collect();
        let (n, mut seed) = (parts.len(), order);
        for i in (1..n).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(i, (seed >> 33) as usize % (i + 1));
        }
        let mut reassembler = Reassembler::default();
        for (i, part) in parts.iter().enumerate() {
            match reassembler.parse(&frame(101, part, part.len() as u32)) {
                Packet::Tcp(s) => {
                    prop_assert_eq!(i, n - 1);
                    prop_assert_eq!(s.payload, &built.payload[..]);
                }
                Packet::Fragment(_) => prop_assert!(i < n - 1),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn options_of_any_bytes_stay_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let options = tcp_options(&bytes);
        prop_assert!(options.sack_blocks <= 4);
    }
}

#[test]
fn options_are_read_behind_kinds_that_nobody_knows() {
    let bytes = [
        253, 4, 1, 2, // experimental
        2, 4, 5, 180, // MSS
        1,   // no operation
        3, 3, 200, // window scale, too large: as sent
        34, 2, // fast open, empty
        4, 2, // SACK permitted
        5, 10, 0, 0, 0, 1, 0, 0, 0, 9, // one block
        8, 10, 0, 0, 0, 7, 0, 0, 0, 6, // timestamps
        0, 2, 4, 9, // behind the end of the list
    ];
    let options = tcp_options(&bytes);
    assert_eq!(options.mss, Some(1460));
    assert_eq!(options.window_scale, Some(200));
    assert!(options.sack_permitted);
    assert_eq!((options.sack_blocks, options.sack[0]), (1, (1, 9)));
    assert_eq!(options.timestamps, Some((7, 6)));
    // A length that cannot be ends the list.
    assert_eq!(tcp_options(&[3, 0, 7, 2, 4, 5, 180]), Options::default());
    assert_eq!(tcp_options(&[2, 40, 5, 180]), Options::default());
}

#[test]
fn a_flood_of_fragments_takes_bounded_memory() {
    let mut reassembler = Reassembler::default();
    let payload = [0; 1400];
    for n in 0..50_000u32 {
        reassembler.push(&Fragment {
            src: Ipv4Addr::from(n).into(),
            dst: Ipv4Addr::LOCALHOST.into(),
            id: n & 0xffff,
            protocol: 6,
            vlan: 0,
            offset: 8,
            more: true,
            payload: &payload,
            ttl: 64,
        });
    }
    assert!(reassembler.unfinished() < 6_000);
    assert_eq!(
        reassembler.given_up() + reassembler.unfinished() as u64,
        50_000
    );
}

#[test]
fn many_fragments_of_one_datagram_do_not_take_quadratic_time() {
    let mut reassembler = Reassembler::default();
    for n in 0..60_000u32 {
        reassembler.push(&Fragment {
            src: Ipv4Addr::LOCALHOST.into(),
            dst: Ipv4Addr::LOCALHOST.into(),
            id: 1,
            protocol: 6,
            vlan: 0,
            offset: 8 + (n * 8) % 65_000,
            more: n != 0,
            payload: &[0; 8],
            ttl: 64,
        });
    }
    assert_eq!(reassembler.unfinished(), 1);
}
