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
    assert_eq!(
        agree(123, &[case("LLC", sun(2)), case("receiving", sun(0x82))]),
        2
    );
    assert_eq!(agree(106, &[case("classical IP", i)]), 1);
}

#[test]
fn what_firewalls_and_kernels_log() {
    let i = ip();
    let enc = |family: u32| cat(&[&family.to_le_bytes(), &[0; 8], &i]);
    assert_eq!(agree(109, &[case("enc", enc(2))]), 1);
    let pflog = |len: u8| {
        let mut b = vec![len, 2];
        b.resize(usize::from(len).next_multiple_of(4), 0);
        case(format!("pflog {len}"), cat(&[&b, &i]))
    };
    assert_eq!(
        agree(117, &[pflog(45), pflog(61), pflog(64), pflog(100)]),
        4
    );
    let payload = cat(&[&(4 + i.len() as u16).to_le_bytes(), &[9, 0], &i]);
    let log = [
        case("IPv4", cat(&[&[2, 0, 0, 0], &payload])),
        case(
            "behind a prefix",
            cat(&[&[2, 0, 0, 0, 5, 0, 10, 0, b'a', 0, 0, 0], &payload]),
        ),
        case("bridge", cat(&[&[7, 0, 0, 0], &payload])),
        case("no packet", vec![2, 0, 0, 0, 5, 0, 10, 0, 0, 0, 0, 0]),
    ];
    assert_eq!(agree(239, &log), 2);
    let tap = |link: u32, frame: &[u8]| {
        let words: Vec<u8> = [108, 1, link]
            .iter()
            .flat_map(|w: &u32| w.to_le_bytes())
            .collect();
        cat(&[&words, &[0; 96], frame])
    };
    let taps = [
        case("Ethernet", tap(1, &ether(&i))),
        case("loopback", tap(0, &cat(&[&[2, 0, 0, 0], &i]))),
    ];
    assert_eq!(agree(258, &taps), 2);
    assert_eq!(
        agree(138, &[case("IEEE 1394", cat(&[&[0; 16], &[8, 0], &i]))]),
        1
    );
    assert_eq!(
        agree(242, &[case("IPoIB", cat(&[&[0; 40], &[8, 0, 0, 0], &i]))]),
        1
    );
    assert_eq!(
        agree(122, &[case("Fibre Channel", cat(&[&[0; 16], &llc()]))]),
        1
    );
}

#[test]
fn link_types_that_are_not_opened_have_a_name() {
    // USB, Bluetooth, CAN, D-Bus.
    for link in [189, 201, 227, 231] {
        assert_eq!(agree(link, &[case("frame", vec![0; 60])]), 0);
    }
}
