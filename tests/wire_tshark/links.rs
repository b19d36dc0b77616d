//! The segment behind every link-layer header.

use crate::build::*;
use crate::compare::agree;

const PLAIN_RADIOTAP: [u8; 8] = [0, 0, 8, 0, 0, 0, 0, 0];

#[test]
fn loopback_in_both_byte_orders() {
    for link in [0, 108] {
        let mut cases = vec![];
        for family in [2u32, 10, 24, 28, 30] {
            for (order, bytes) in [
                ("little", family.to_le_bytes()),
                ("big", family.to_be_bytes()),
            ] {
                let v4 = cat(&[&bytes, &ip()]);
                cases.push(case(format!("{family} {order}, IPv4"), v4));
                let six = cat(&[&bytes, &v6(6, &tcp())]);
                cases.push(case(format!("{family} {order}, IPv6"), six));
            }
        }
        cases.push(case("PPP", cat(&[&[0xff, 3, 0, 0x21], &ip()])));
        cases.push(case("EtherType", cat(&[&[0, 8, 0, 0], &ip()])));
        cases.push(case("two bytes", cat(&[&[0, 0, 2, 0], &ip()])));
        cases.push(case("short", vec![2, 0]));
        assert!(agree(link, &cases) >= 4);
    }
}

#[test]
fn raw_ip() {
    for link in [12, 14, 101, 228, 229] {
        let cases = [
            case("IPv4", ip()),
            case("IPv6", v6(6, &tcp())),
            case("neither", vec![0x50; 40]),
            case("nothing", vec![]),
            case("PPP", cat(&[&[0xff, 3, 0, 0x21], &ip()])),
            case("one byte and PPP", cat(&[&[0, 0xff, 3, 0, 0x21], &ip()])),
            case("ISDN", cat(&[&[1; 6], &[0xff, 3, 0, 0x21], &ip()])),
            case("ISDN, down", cat(&[&[0; 10], &ip()])),
        ];
        assert!(agree(link, &cases) >= 1);
    }
}

#[test]
fn point_to_point() {
    let i = ip();
    let cases = || {
        vec![
            case("HDLC", cat(&[&[0xff, 3, 0, 0x21], &i])),
            case("bare", cat(&[&[0, 0x21], &i])),
            case("one byte", cat(&[&[0x21], &i])),
            case("IPv6", cat(&[&[0xff, 3, 0, 0x57], &v6(6, &tcp())])),
            case("Cisco", cat(&[&[0x0f, 0, 8, 0], &i])),
            case("Cisco multicast", cat(&[&[0x8f, 0, 8, 0], &i])),
            case("EtherType", cat(&[&[0xff, 3, 8, 0], &i])),
            case("MPLS", cat(&[&[0xff, 3, 2, 0x81, 0, 1, 1, 64], &i])),
            case("bridged", cat(&[&[0xff, 3, 0, 0x31, 0, 1], &ether(&i)])),
            case("LLC", cat(&[&[0xff, 3, 0, 0x4b], &llc()])),
            case(
                "multilink",
                cat(&[&[0xff, 3, 0, 0x3d, 0xc0, 0, 0, 0, 0, 0x21], &i]),
            ),
            case("IPCP", cat(&[&[0xff, 3, 0x80, 0x21], &i])),
            case("compressed", cat(&[&[0, 0xfd], &i])),
            case("short", vec![0xff, 3]),
        ]
    };
    assert!(agree(9, &cases()) > 9);
    assert!(agree(50, &cases()) > 9);
    assert!(agree(104, &cases()) > 2);
    let with_direction: Vec<Case> = cases()
        .into_iter()
        .map(|c| case(c.name, cat(&[&[1], &c.data])))
        .collect();
    assert!(agree(204, &with_direction) > 9);
}

#[test]
fn linux_cooked() {
    let one = |kind: u16| cat(&[&[0, 0, 0, 1, 0, 6], &[0; 8], &kind.to_be_bytes()]);
    let two = |kind: u16| {
        cat(&[
            &kind.to_be_bytes(),
            &[0, 0, 0, 0, 0, 1, 0, 1, 0, 6],
            &[0; 8],
        ])
    };
    for link in [113, 276] {
        let header = |kind| if link == 113 { one(kind) } else { two(kind) };
        let cases = [
            case("IPv4", cat(&[&header(0x0800), &ip()])),
            case("IPv6", cat(&[&header(0x86dd), &v6(6, &tcp())])),
            case("VLAN", cat(&[&header(0x8100), &[0, 5, 8, 0], &ip()])),
            case("LLC", cat(&[&header(4), &llc()])),
            case("Novell", cat(&[&header(1), &[0xff, 0xff], &ip()])),
            case("Ethernet", cat(&[&header(3), &ether(&ip())])),
            case("PPP", cat(&[&header(7), &[0, 0x21], &ip()])),
            case("ARP", cat(&[&header(0x0806), &ip()])),
            case("short", vec![0; 10]),
        ];
        assert_eq!(agree(link, &cases), 6);
        // Hardware that has a say in what the protocol means.
        let on = |hardware: u16, kind: u16, rest: &[u8]| {
            let mut b = header(kind);
            let at = if link == 113 { 2 } else { 8 };
            b[at..at + 2].copy_from_slice(&hardware.to_be_bytes());
            case(format!("{hardware}, {kind:#x}"), cat(&[&b, rest]))
        };
        let radiotap = cat(&[&PLAIN_RADIOTAP, &wifi(0x0008, 24, &llc())]);
        let hardware = [
            on(770, 0x19, &cat(&[&[0x18, 0x41, 3, 0xcc], &ip()])),
            on(770, 0x0800, &ip()),
            on(778, 0x0800, &ip()),
            on(778, 0x6558, &ether(&ip())),
            on(803, 4, &radiotap),
            on(803, 0x0800, &ip()),
            on(802, 0x0800, &ip()),
            on(824, 0x0800, &ip()),
        ];
        assert_eq!(agree(link, &hardware), 7);
    }
}

#[test]
fn wireless() {
    let l = llc();
    let aggregate = cat(&[&[0x80, 0], &[0; 12], &(l.len() as u16).to_be_bytes(), &l]);
    let cases = || {
        vec![
            case("data", wifi(0x0008, 24, &l)),
            case("to the distribution system", wifi(0x0108, 24, &l)),
            case("four addresses", wifi(0x0308, 30, &l)),
            case("QoS", wifi(0x0188, 26, &l)),
            case("QoS and high throughput", wifi(0x8188, 30, &l)),
            case("protected", wifi(0x4108, 24, &l)),
            case("null", wifi(0x0148, 24, b"")),
            case("beacon", wifi(0x0080, 24, &[0; 30])),
            case("aggregate", wifi(0x0188, 24, &aggregate)),
            case("acknowledgement", wifi(0x00d4, 10, b"")),
            case("version 1", wifi(0x0009, 24, &l)),
            case("more fragments", wifi(0x0508, 24, &l)),
        ]
    };
    assert_eq!(agree(105, &cases()), 6);
    let behind = |header: &[u8]| -> Vec<Case> {
        cases()
            .into_iter()
            .map(|c| case(c.name, cat(&[header, &c.data])))
            .collect()
    };
    assert_eq!(agree(127, &behind(&PLAIN_RADIOTAP)), 6);
    let ppi = [0, 0, 8, 0, 105, 0, 0, 0];
    assert_eq!(agree(192, &behind(&ppi)), 6);
    let prism = cat(&[&[0x44, 0, 0, 0, 144, 0, 0, 0], &[0; 136]]);
    assert_eq!(agree(119, &behind(&prism)), 6);
    let avs = cat(&[&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64], &[0; 56]]);
    assert_eq!(agree(163, &behind(&avs)), 6);
}

#[test]
fn radiotap_says_whether_the_header_is_padded() {
    let padded = wifi(0x0188, 26, &cat(&[&[0, 0], &llc()]));
    let fields: [&[u8]; 4] = [
        &[0, 0, 9, 0, 2, 0, 0, 0, 0x20],
        &[0, 0, 17, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20],
        &[0, 0, 13, 0, 2, 0, 0, 0x80, 0, 0, 0, 0, 0x20],
        &[
            0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20,
        ],
    ];
    let cases: Vec<Case> = fields
        .iter()
        .map(|header| case(format!("{header:?}"), cat(&[header, &padded])))
        .collect();
    assert_eq!(agree(127, &cases), 4);
}

#[test]
fn a_frame_check_sequence_is_no_payload() {
    let mut packet = V4 {
        total: Some(0),
        ..V4
    }
    .of(&tcp());
    packet.extend([0xde, 0xad, 0xbe, 0xef]);
    let data = wifi(
        0x0008,
        24,
        &cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &packet]),
    );
    let radiotap = |flags: u8| cat(&[&[0, 0, 9, 0, 2, 0, 0, 0, flags], &data]);
    let cases = [
        case("with", radiotap(0x10)),
        case("without", radiotap(0)),
        case("of another version", cat(&[&[1], &radiotap(0)[1..]])),
        case(
            "shorter than a header",
            cat(&[&[0, 0, 7, 0], &radiotap(0)[4..]]),
        ),
    ];
    assert_eq!(agree(127, &cases), 3);
    let ppi = |flags: u8| {
        cat(&[
            &[0, 0, 32, 0, 105, 0, 0, 0, 2, 0, 20, 0],
            &[0; 8],
            &[flags],
            &[0; 11],
            &data,
        ])
    };
    assert_eq!(
        agree(192, &[case("with", ppi(1)), case("without", ppi(0))]),
        2
    );
}

#[test]
fn local_networks_of_old() {
    let (i, l) = (ip(), llc());
    let ring = cat(&[&[0x10, 0x40], &[0; 12]]);
    let mut routed = ring.clone();
    routed[8] = 0x80;
    routed.extend([6, 0, 1, 1, 2, 2]);
    agree(
        6,
        &[
            case("token ring", cat(&[&ring, &l])),
            case("source route", cat(&[&routed, &l])),
            case("control", cat(&[&[0x10, 0], &[0; 12], &l])),
        ],
    );
    let fddi = |control: u8| case(format!("{control:x}"), cat(&[&[control], &[0; 12], &l]));
    assert_eq!(
        agree(10, &[fddi(0x50), fddi(0x57), fddi(0x41), fddi(0xd0)]),
        2
    );
    for (link, gap) in [(7, &b""[..]), (129, &b"\0\0"[..])] {
        let arcnet = |rest: &[u8]| cat(&[&[1, 2], gap, rest, &i]);
        let cases = [
            case("RFC 1051", arcnet(&[240])),
            case("RFC 1201", arcnet(&[212, 0, 0, 1])),
            case("ARP", arcnet(&[213, 0, 0, 1])),
        ];
        assert_eq!(agree(link, &cases), 2);
    }
}

#[test]
fn wide_area_networks() {
    let i = ip();
    let relay = |rest: &[u8]| cat(&[&[0x18, 0x41], rest, &i]);
    let cases = [
        case("NLPID", relay(&[3, 0xcc])),
        case("padded", relay(&[3, 0, 0xcc])),
        case("SNAP", relay(&[3, 0, 0x80, 0, 0, 0, 8, 0])),
        case("Cisco", relay(&[8, 0])),
        case("PPP", relay(&[3, 0xcf, 0, 0x21])),
        case("long address", cat(&[&[0x18, 0x40, 0x41, 3, 0xcc], &i])),
    ];
    assert_eq!(agree(107, &cases), 6);
    for link in [11, 100] {
        let cases = [
            case("LLC", llc()),
            case("routed", cat(&[&[0xfe, 0xfe, 3, 0xcc], &i])),
            case(
                "bridged",
                cat(&[&[0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7, 0, 0], &ether(&i)]),
            ),
        ];
        assert_eq!(agree(link, &cases), 3);
    }
    let sun = |kind: u8| cat(&[&[kind, 0, 0, 32], &llc()]);
    let told = |rest: &[u8]| case("told by its first bytes", cat(&[&[0, 0, 0, 32], rest]));
    let cases = [
        case("LLC", sun(2)),
        case("receiving", sun(0x82)),
        case("LAN emulation", cat(&[&[1, 0, 0, 32, 0, 0], &ether(&ip())])),
        case("signalling", sun(6)),
        told(&llc()),
        told(&ip()),
        told(&cat(&[&[0, 0x21], &ip()])),
        told(&cat(&[&[0, 0], &ether(&ip())])),
    ];
    assert_eq!(agree(123, &cases), 7);
    assert_eq!(agree(106, &[case("classical IP", i)]), 1);
}

#[test]
fn link_types_that_are_not_opened_have_a_name() {
    // USB, Bluetooth, CAN, D-Bus.
    for link in [189, 201, 227, 231] {
        assert_eq!(agree(link, &[case("frame", vec![0; 60])]), 0);
    }
}
