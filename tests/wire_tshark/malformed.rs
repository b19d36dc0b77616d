//! When is a TCP header a segment, and how long is it?

use crate::build::*;
use crate::compare::agree;

#[test]
fn snapped_at_every_byte_of_the_tcp_header() {
    let cases: Vec<Case> = (0..=25)
        .map(|n| snapped(format!("{n} bytes captured"), ether(&ip()), 34 + n))
        .collect();
    assert_eq!(agree(1, &cases), 10, "16 bytes make a segment");
}

#[test]
fn datagram_that_ends_at_every_byte_of_the_tcp_header() {
    let mut cases = vec![];
    for n in 0..=25 {
        cases.push(case(format!("{n} bytes"), ether(&V4.of(&tcp()[..n]))));
        let padded = cat(&[&V4.of(&tcp()[..n]), &[0; 30]]);
        cases.push(case(format!("{n} bytes, padded"), ether(&padded)));
    }
    assert_eq!(agree(1, &cases), 20);
}

#[test]
fn data_offsets_that_lie() {
    let mut cases = vec![];
    for offset in [0, 1, 2, 4, 5, 6, 7, 15] {
        let whole = ether(&V4.of(&tcp_with(offset, b"hello")));
        cases.push(case(format!("{offset}"), whole.clone()));
        let bare = ether(&V4.of(&tcp_with(offset, b"")));
        cases.push(case(format!("{offset}, no data"), bare));
        let cut = whole.len() - 6;
        cases.push(snapped(format!("{offset}, snapped"), whole, cut));
    }
    assert_eq!(agree(1, &cases), 24);
}

#[test]
fn ipv4_headers_that_lie() {
    let t = tcp();
    let total = |n| {
        ether(
            &V4 {
                total: Some(n),
                ..V4
            }
            .of(&t),
        )
    };
    let first = |n| ether(&V4 { first: n, ..V4 }.of(&t));
    let with_wire = |name: &str, data: Vec<u8>, wire_len| Case {
        wire_len: Some(wire_len),
        ..case(name, data)
    };
    agree(
        1,
        &[
            case("length 0", total(0)),
            with_wire("length 0, snapped", total(0), 2000),
            case("longer than the frame", total(2000)),
            case("19", total(19)),
            case("20", total(20)),
            case("40", total(40)),
            case("version 5", first(0x55)),
            case("header of 16", first(0x44)),
            case("header over the payload", first(0x46)),
            case("header over the end", first(0x4f)),
            case(
                "options",
                ether(
                    &V4 {
                        options: &[7, 4, 0, 0, 1, 1, 1, 0],
                        ..V4
                    }
                    .of(&t),
                ),
            ),
            with_wire("wire length 0", ether(&ip()), 0),
            with_wire("wire length 40", ether(&ip()), 40),
            with_wire("wire length 50, length 0", total(0), 50),
            case("EtherType 1500", ether_type(1500, &ip())),
            case("EtherType 1501", ether_type(1501, &ip())),
            case("EtherType 1535", ether_type(1535, &ip())),
            case("IPv6 as IPv4", ether(&v6(6, &t))),
            case("IPv4 as IPv6", ether6(&ip())),
        ],
    );
}

#[test]
fn ipv6_extension_headers() {
    let t = tcp();
    let extension = |next: u8, len: u8, rest: &[u8]| {
        let mut b = vec![next, len];
        b.resize(8 + 8 * usize::from(len), 0);
        cat(&[&b, rest])
    };
    let mut cases = vec![case("none", ether6(&v6(6, &t)))];
    for kind in [0, 43, 60, 135, 139] {
        let one = ether6(&v6(kind, &extension(6, 0, &t)));
        cases.push(case(format!("{kind}"), one));
        let two = ether6(&v6(kind, &extension(6, 1, &t)));
        cases.push(case(format!("{kind} of 16 bytes"), two));
        let v4 = ether(&ip_proto(kind, &extension(6, 0, &t)));
        cases.push(case(format!("{kind} in IPv4"), v4));
    }
    let chain = extension(60, 0, &extension(43, 0, &extension(6, 0, &t)));
    let authentication = cat(&[&[6, 4], &[0; 22], &t]);
    cases.extend([
        case("chain", ether6(&v6(0, &chain))),
        case(
            "over the end",
            ether6(&v6(60, &cat(&[&[6, 200, 0, 0, 0, 0, 0, 0], &t]))),
        ),
        case(
            "option over the end",
            ether6(&v6(60, &cat(&[&[6, 0, 5, 9, 0, 0, 0, 0], &t]))),
        ),
        case("length 0", ether6(&v6_len(6, &t, 0))),
        case("length 10", ether6(&v6_len(6, &t, 10))),
        case("length 18", ether6(&v6_len(6, &t, 18))),
        case("length 900", ether6(&v6_len(6, &t, 900))),
        case("authentication", ether6(&v6(51, &authentication))),
        case(
            "authentication in IPv4",
            ether(&ip_proto(51, &authentication)),
        ),
        case(
            "lone fragment",
            ether6(&v6(44, &cat(&[&[6, 0, 0, 0, 0, 0, 0, 1], &t]))),
        ),
    ]);
    assert!(agree(1, &cases) > 10);
}

#[test]
fn headers_quoted_in_icmp_are_no_segments() {
    let quote = |kind: u8, packet: &[u8]| {
        ether(&ip_proto(1, &cat(&[&[kind, 0, 0, 0, 0, 0, 0, 0], packet])))
    };
    let quote6 =
        |kind: u8, packet: &[u8]| ether6(&v6(58, &cat(&[&[kind, 0, 0, 0, 0, 0, 0, 0], packet])));
    let cases: Vec<Case> = [3, 4, 5, 8, 11, 12]
        .into_iter()
        .flat_map(|kind| [quote(kind, &ip()), quote(kind, &ip()[..28])])
        .chain(
            [1, 2, 3, 4, 128]
                .into_iter()
                .map(|kind| quote6(kind, &v6(6, &tcp()))),
        )
        .map(|data| case("quoted", data))
        .collect();
    assert_eq!(agree(1, &cases), 0);
}
