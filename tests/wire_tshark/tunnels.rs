//! What lies between Ethernet and TCP: tags, labels, tunnels.

use crate::build::*;
use crate::compare::agree;

#[test]
fn tags_and_types() {
    let (i, t) = (ip(), tcp());
    let len = 8 + i.len() as u16;
    let llc_ip = cat(&[&[6, 6, 3], &i]);
    let pppoe = |payload: &[u8]| {
        cat(&[
            &[0x11, 0, 0, 1],
            &(payload.len() as u16).to_be_bytes(),
            payload,
        ])
    };
    let cases = [
        case("VLAN", ether_type(0x8100, &cat(&[&[0, 5, 8, 0], &i]))),
        case(
            "QinQ",
            ether_type(0x88a8, &cat(&[&[0, 5, 0x81, 0, 0, 6, 8, 0], &i])),
        ),
        case("0x9100", ether_type(0x9100, &cat(&[&[0, 5, 8, 0], &i]))),
        case(
            "0x9200 is no tag",
            ether_type(0x9200, &cat(&[&[0, 5, 8, 0], &i])),
        ),
        case(
            "VLAN and LLC",
            ether_type(0x8100, &cat(&[&[0, 5], &len.to_be_bytes(), &llc()])),
        ),
        case("SNAP", ether_type(len, &llc())),
        case("SNAP, cut by its length", ether_type(30, &llc())),
        case("SNAP, longer than the frame", ether_type(300, &llc())),
        case("LLC", ether_type(3 + i.len() as u16, &llc_ip)),
        case("Novell", ether_type(len, &cat(&[&[0xff, 0xff], &i]))),
        case("MPLS", ether_type(0x8847, &cat(&[&[0, 1, 1, 64], &i]))),
        case(
            "two labels",
            ether_type(0x8847, &cat(&[&[0, 1, 0, 64, 0, 2, 1, 64], &v6(6, &t)])),
        ),
        case(
            "explicit null",
            ether_type(0x8847, &cat(&[&[0, 0, 1, 64], &i])),
        ),
        case(
            "associated channel",
            ether_type(0x8847, &cat(&[&[0, 1, 1, 64, 0x10, 0, 0, 1], &i])),
        ),
        case("PPPoE", ether_type(0x8864, &pppoe(&cat(&[&[0, 0x21], &i])))),
        case(
            "PPPoE, IPv6",
            ether_type(0x8864, &pppoe(&cat(&[&[0, 0x57], &v6(6, &t)]))),
        ),
        case("PPPoE discovery", ether_type(0x8863, &pppoe(&i))),
        case(
            "VNTag",
            ether_type(0x8926, &cat(&[&[0, 0, 0, 0, 8, 0], &i])),
        ),
        case("E-tag", ether_type(0x893f, &cat(&[&[0; 6], &[8, 0], &i]))),
        case("HSR", ether_type(0x892f, &cat(&[&[0; 4], &[8, 0], &i]))),
        case(
            "provider backbone",
            ether_type(0x88e7, &cat(&[&[0; 4], &ether(&i)])),
        ),
        case("TRILL", ether_type(0x22f3, &cat(&[&[0; 6], &ether(&i)]))),
        case(
            "NSH",
            ether_type(0x894f, &cat(&[&[0, 2, 2, 1, 0, 0, 0, 0], &i])),
        ),
        case(
            "Cisco metadata",
            ether_type(0x8909, &cat(&[&[1, 1, 0, 1, 0, 10, 8, 0], &i])),
        ),
        case(
            "NSH of type 1",
            ether_type(0x894f, &cat(&[&[0, 6, 1, 1], &[0; 20], &i])),
        ),
        case(
            "NSH that says nothing of its length",
            ether_type(0x894f, &cat(&[&[0, 0, 2, 1], &[0; 4], &i])),
        ),
        case(
            "MACsec, authenticated",
            ether_type(0x88e5, &cat(&[&[0, 0, 0, 0, 0, 1, 8, 0], &i, &[0; 16]])),
        ),
        case(
            "MACsec with its channel",
            ether_type(0x88e5, &cat(&[&[0x20, 0], &[0; 12], &[8, 0], &i, &[0; 16]])),
        ),
        case(
            "MACsec, encrypted",
            ether_type(0x88e5, &cat(&[&[12, 0, 0, 0, 0, 1, 8, 0], &i, &[0; 16]])),
        ),
        case(
            "B.A.T.M.A.N., to one",
            ether_type(0x4305, &cat(&[&[0x40, 15], &[0; 8], &ether(&i)])),
        ),
        case(
            "B.A.T.M.A.N., to all",
            ether_type(0x4305, &cat(&[&[1, 15], &[0; 12], &ether(&i)])),
        ),
        case(
            "B.A.T.M.A.N. 14",
            ether_type(0x4305, &cat(&[&[3, 14], &[0; 8], &ether(&i)])),
        ),
        case(
            "Van Jacobson, a header in full",
            ether_type(0x8864, &pppoe(&cat(&[&[0, 0x2f], &ip_proto(3, &t)]))),
        ),
        case(
            "SNAP, not information",
            ether_type(len, &cat(&[&[0xaa, 0xaa, 0xaf, 0, 0, 0, 8, 0], &i])),
        ),
        case("ARP", ether_type(0x0806, &i)),
        case("padding", cat(&[&ether(&i), &[0; 20]])),
    ];
    assert!(agree(1, &cases) >= 20);
}

#[test]
fn tunnels_over_ip() {
    let (i, six, e) = (ip(), v6(6, &tcp()), ether(&ip()));
    let over = |protocol: u8, payload: &[u8]| ether(&ip_proto(protocol, payload));
    let gre = |kind: u16, payload: &[u8]| over(47, &cat(&[&[0, 0], &kind.to_be_bytes(), payload]));
    let gre_flags =
        |flags: u16, fields: &[u8]| over(47, &cat(&[&flags.to_be_bytes(), &[8, 0], fields, &i]));
    let cases = [
        case("IP in IP", over(4, &i)),
        case("6in4", over(41, &six)),
        case("4in6", ether6(&v6(4, &i))),
        case("6in6", ether6(&v6(41, &six))),
        case("EtherIP", over(97, &cat(&[&[0x30, 0], &e]))),
        case("MPLS", over(137, &cat(&[&[0, 1, 1, 64], &i]))),
        case("Ethernet", over(143, &e)),
        case("ESP", over(50, &i)),
        case("GRE", gre(0x0800, &i)),
        case("GRE in IPv6", ether6(&v6(47, &cat(&[&[0, 0, 8, 0], &i])))),
        case("GRE, IPv6", gre(0x86dd, &six)),
        case("GRE, MPLS", gre(0x8847, &cat(&[&[0, 1, 1, 64], &i]))),
        case("GRE, Ethernet", gre(0x6558, &e)),
        case("GRE, PPP", gre(0x880b, &cat(&[&[0xff, 3, 0, 0x21], &i]))),
        case(
            "GRE, VLAN is not opened",
            gre(0x8100, &cat(&[&[0, 5, 8, 0], &i])),
        ),
        case("GRE, WCCP", gre(0x883e, &i)),
        case("GRE, WCCP with header", gre(0x883e, &cat(&[&[0; 4], &i]))),
        case(
            "GRE, NSH",
            gre(0x894f, &cat(&[&[0, 2, 2, 1, 0, 0, 0, 0], &i])),
        ),
        case("checksum", gre_flags(0x8000, &[0; 4])),
        case("key", gre_flags(0x2000, &[0; 4])),
        case("sequence", gre_flags(0x1000, &[0; 4])),
        case("all three", gre_flags(0xb000, &[0; 12])),
        case(
            "routing",
            gre_flags(0x4000, b"\0\0\0\0\x08\0\0\x04abcd\0\0\0\0"),
        ),
        case(
            "PPTP",
            over(
                47,
                &cat(&[&[0x30, 0x81, 0x88, 0x0b], &[0; 12], &[0xff, 3, 0, 0x21], &i]),
            ),
        ),
        case("ERSPAN", gre(0x88be, &e)),
        case(
            "ERSPAN II",
            over(
                47,
                &cat(&[&[0x10, 0, 0x88, 0xbe], &[0; 4], &[0x10], &[0; 7], &e]),
            ),
        ),
        case(
            "ERSPAN III",
            over(
                47,
                &cat(&[&[0x10, 0, 0x22, 0xeb], &[0; 4], &[0x20], &[0; 11], &e]),
            ),
        ),
        case(
            "ERSPAN III of another kind of frame",
            over(
                47,
                &cat(&[
                    &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 0, 0x20],
                    &[0; 9],
                    &[0x1c, 0],
                    &e,
                ]),
            ),
        ),
        case(
            "acknowledged, but no PPP",
            over(47, &cat(&[&[0, 0x81, 8, 0], &i])),
        ),
        case(
            "shim6",
            ether6(&v6(140, &cat(&[&[6, 0, 0, 0, 0, 0, 0, 0], &tcp()]))),
        ),
        case(
            "tunnel in tunnel",
            over(4, &ip_proto(47, &cat(&[&[0, 0, 0x65, 0x58], &e]))),
        ),
    ];
    assert!(agree(1, &cases) >= 25);
}

#[test]
fn tunnels_over_udp() {
    let (i, six, e) = (ip(), v6(6, &tcp()), ether(&ip()));
    let over = |name: &str, port: u16, parts: &[&[u8]]| {
        case(name, ether(&ip_proto(17, &udp(port, &cat(parts)))))
    };
    let gtp = |flags: u8, more: &[u8]| {
        let len = (more.len() as u16).to_be_bytes();
        cat(&[&[flags, 0xff], &len, &[0, 0, 0, 1], more])
    };
    let cases = [
        over("VXLAN", 4789, &[&[8, 0, 0, 0, 0, 0, 1, 0], &e]),
        over(
            "VXLAN on Linux's old port",
            8472,
            &[&[8, 0, 0, 0, 0, 0, 1, 0], &e],
        ),
        over("VXLAN-GPE", 4790, &[&[12, 0, 0, 1, 0, 0, 0, 0], &i]),
        over("Geneve", 6081, &[&[0, 0, 0x65, 0x58, 0, 0, 0, 0], &e]),
        over(
            "Geneve with options",
            6081,
            &[&[2, 0, 8, 0, 0, 0, 0, 0], &[0; 8], &i],
        ),
        over("GTP", 2152, &[&gtp(0x30, &i)]),
        over(
            "GTP with sequence",
            2152,
            &[&gtp(0x32, &cat(&[&[0; 4], &i]))],
        ),
        over(
            "GTP with extension",
            2152,
            &[&gtp(0x34, &cat(&[&[0, 0, 0, 0x85, 1, 0, 0, 0], &i]))],
        ),
        over("GTP, IPv6", 2152, &[&gtp(0x30, &six)]),
        over("Teredo", 3544, &[&six]),
        over("Teredo with origin", 3544, &[&[0; 8], &six]),
        over(
            "Teredo with authentication",
            3544,
            &[&[0, 1, 0, 0], &[0; 9], &six],
        ),
        over("AYIYA", 5072, &[&[0x41, 0x51, 0x11, 0x29], &[0; 40], &six]),
        over("MPLS", 6635, &[&[0, 1, 1, 64], &i]),
        over("LISP", 4341, &[&[0; 8], &i]),
        over("GRE", 4754, &[&[0, 0, 8, 0], &i]),
        over("AMT", 2268, &[&[6, 0], &i]),
        over("L2TP", 1701, &[&[0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &i]),
        over(
            "L2TP with length",
            1701,
            &[&[0x40, 2, 0, 64, 0, 1, 0, 1, 0, 0x21], &i],
        ),
        over(
            "L2TP, cut by its length",
            1701,
            &[&[0x40, 2, 0, 50, 0, 1, 0, 1, 0, 0x21], &i],
        ),
        over(
            "GTP, cut by its length",
            2152,
            &[&[0x30, 0xff, 0, 42, 0, 0, 0, 1], &i],
        ),
        over("mobile IP of another kind", 434, &[&[4, 55, 0, 0], &i]),
        over("CAPWAP", 5247, &[&[0, 0x10, 2, 0, 0, 0, 0, 0], &e]),
        over("Juniper's mirror", 30030, &[&[0; 8], &i]),
        over("TZSP", 37008, &[&[1, 0, 0, 1, 1], &e]),
        over("mobile IP", 434, &[&[4, 4, 0, 0], &i]),
        over("no tunnel", 5000, &[&i]),
        over("short", 4789, &[&[8, 0]]),
    ];
    assert!(agree(1, &cases) >= 20);
}
