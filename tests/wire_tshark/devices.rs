//! What particular systems put before a packet: routers, firewalls, kernels.

use crate::build::*;
use crate::compare::agree;

#[test]
fn juniper() {
    let (i, e) = (ip(), ether(&ip()));
    let ppp = cat(&[&[0xff, 3, 0, 0x21], &i]);
    let all = |link: u16, frames: &[(&str, Vec<u8>)], segments: usize| {
        let cases: Vec<Case> = frames
            .iter()
            .map(|(name, frame)| case(*name, frame.clone()))
            .collect();
        assert_eq!(agree(link.into(), &cases), segments, "{link}");
    };
    let behind = |header: &[u8], rest: &[u8]| cat(&[b"MGC", header, rest]);
    all(
        178,
        &[("Ethernet", behind(&[0], &e)), ("without magic", e.clone())],
        2,
    );
    all(
        179,
        &[
            ("PPP", behind(&[0], &ppp)),
            ("extensions", behind(&[0x80, 0, 6, 1, 4, 0, 0, 0, 0], &ppp)),
            ("no link header", behind(&[2, 2, 0, 0, 0], &i)),
            ("MPLS", behind(&[2, 32, 0, 0, 0, 0, 1, 1, 64], &i)),
        ],
        4,
    );
    all(
        130,
        &[
            ("service cookie", behind(&[0, 0x54, 0, 0, 0, 0, 0x21], &i)),
            (
                "queueing cookie",
                behind(&[0, 0x47, 0, 0, 0, 0, 0, 0, 0], &i),
            ),
            (
                "incoming",
                behind(&[1, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0x21], &i),
            ),
            (
                "IPv6",
                behind(&[0, 0x47, 0, 0, 0, 0, 0x10, 0, 0], &v6(6, &tcp())),
            ),
            ("PPP", behind(&[0], &ppp)),
            ("bundle", behind(&[0, 9, 9, 0, 0x21], &i)),
        ],
        6,
    );
    all(
        131,
        &[
            (
                "queueing cookie",
                behind(&[0, 0x40, 0, 0, 0, 0, 0, 0, 0], &i),
            ),
            (
                "both directions",
                behind(&[0, 0x40, 0, 0, 0, 3, 0, 0, 0], &i),
            ),
        ],
        1,
    );
    all(133, &[("GGSN", behind(&[0, 2, 0, 0, 0], &i))], 1);
    all(
        135,
        &[
            ("SNAP", behind(&[1, 0, 0, 0, 0, 0, 0, 0, 0], &llc())),
            ("Ethernet", behind(&[0, 0, 0, 0, 5, 0, 0, 0, 0], &e)),
            ("PPP", behind(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x21], &i)),
            ("IP", behind(&[1, 0, 0, 0, 0, 0, 0, 0, 0], &i)),
            ("management", behind(&[1, 0, 0, 0, 0, 0, 0, 0, 0x70], &i)),
        ],
        4,
    );
    all(
        137,
        &[
            ("SNAP", behind(&[1, 0, 0, 0, 0], &llc())),
            ("IP", behind(&[1, 0, 0, 0, 0], &i)),
            ("management", behind(&[1, 0x80, 0, 0, 0], &i)),
        ],
        2,
    );
    all(
        136,
        &[
            ("outgoing", behind(&[0], &cat(&[&[0; 12], &i]))),
            ("incoming", behind(&[1], &cat(&[&[0; 16], &i]))),
        ],
        2,
    );
    all(183, &[("voice", behind(&[0], &cat(&[&[0; 18], &i])))], 1);
}

#[test]
fn what_firewalls_and_kernels_log() {
    let i = ip();
    let enc = |family: u32| cat(&[&family.to_le_bytes(), &[0; 8], &i]);
    assert_eq!(agree(109, &[case("enc", enc(2)), case("other", enc(7))]), 1);
    let ipnet = |family: u8| {
        let len = (i.len() as u32).to_be_bytes();
        case("ipnet", cat(&[&[1, family, 0, 0], &len, &[0; 16], &i]))
    };
    assert_eq!(agree(226, &[ipnet(2), ipnet(9)]), 1);
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
