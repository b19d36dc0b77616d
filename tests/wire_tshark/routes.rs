//! Whose connection is it, where the addresses of the header are not those of the ends: source
//! routes, routing headers, home addresses. Compared by `tcp.stream`.

use std::process::Command;

use lab_capture::capture::read::Reader;
use lab_capture::tcp::{Fed, Tracker};
use lab_capture::wire::Reassembler;

use crate::build::*;

/// The stream of each frame, as tshark has it and as we have it.
fn streams(cases: &[Case]) -> [Vec<Option<u32>>; 2] {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.pcap");
    std::fs::write(&path, pcap(1, cases)).unwrap();
    let output = Command::new("tshark")
        .args(["-n", "-T", "fields", "-e", "tcp.stream", "-r"])
        .arg(&path)
        .output()
        .expect("tshark is needed for this test");
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs = text.lines().map(|line| line.parse().ok()).collect();
    let mut reader = Reader::open(&path).unwrap();
    let (mut reassembler, mut tracker) = (Reassembler::default(), Tracker::default());
    let mut ours = vec![];
    while let Some(frame) = reader.next().unwrap() {
        let packet = reassembler.parse(&frame);
        ours.push(match tracker.feed(frame.number, frame.time, &packet) {
            Fed::Segment(segment) => Some(segment.stream),
            _ => None,
        });
    }
    [theirs, ours]
}

#[track_caller]
fn agree(cases: &[Case], different: u32) {
    let [theirs, ours] = streams(cases);
    let wrong: Vec<_> = theirs
        .iter()
        .zip(&ours)
        .zip(cases)
        .filter(|((theirs, ours), _)| theirs != ours)
        .map(|((theirs, ours), case)| format!("{}: tshark {theirs:?}, ours {ours:?}", case.name))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let count = ours.iter().flatten().max().map_or(0, |last| last + 1);
    assert_eq!(count, different, "streams");
}

#[test]
fn source_routes_of_ipv4() {
    let mut cases = vec![case("none", ether(&ip()))];
    let mut add = |name: &str, options: &'static [u8]| {
        cases.push(case(name, ether(&V4 { options, ..V4 }.of(&tcp()))));
    };
    add("loose", &[131, 7, 4, 10, 0, 0, 9, 0]);
    add("strict", &[137, 7, 4, 10, 0, 0, 9, 0]);
    add("used up", &[131, 7, 8, 10, 0, 0, 9, 0]);
    add("record", &[7, 7, 4, 10, 0, 0, 9, 0]);
    add("two hops", &[131, 11, 4, 10, 0, 0, 8, 10, 0, 0, 7, 0]);
    add("one hop left", &[131, 11, 8, 10, 0, 0, 8, 10, 0, 0, 7, 0]);
    add("behind another", &[1, 7, 3, 4, 131, 7, 4, 10, 0, 0, 9, 0]);
    add("behind the end", &[0, 131, 7, 4, 10, 0, 0, 9]);
    add("pointer between", &[131, 7, 5, 10, 0, 0, 9, 0]);
    agree(&cases, 3);
}

#[test]
fn routing_headers_of_ipv6() {
    let address = |last: u8| {
        let mut a = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        a[15] = last;
        a
    };
    let routed = |kind: u8, left: u8, words: [u8; 4], addresses: &[u8]| {
        let header = cat(&[
            &[6, (addresses.len() / 8) as u8, kind, left],
            &words,
            addresses,
        ]);
        ether6(&v6(43, &cat(&[&header, &tcp()])))
    };
    let two = cat(&[&address(8), &address(9)]);
    let mut cases = vec![case("none", ether6(&v6(6, &tcp())))];
    for left in 0..=3 {
        for kind in [0, 2, 4, 77] {
            let words = [if kind == 4 { 1 } else { 0 }, 0, 0, 0];
            let frame = routed(kind, left, words, &two);
            cases.push(case(format!("type {kind}, {left} left"), frame));
        }
        let compressed = routed(3, left, [0xff, 0x60, 0, 0], &[7, 9, 0, 0, 0, 0, 0, 0]);
        cases.push(case(format!("compressed, {left} left"), compressed));
        for kind in [5, 6] {
            let frame = routed(kind, left, [0; 4], &[]);
            cases.push(case(format!("compact {kind}, {left} left"), frame));
        }
    }
    cases.push(case(
        "type 4 over the end",
        routed(4, 1, [9, 0, 0, 0], &two),
    ));
    cases.push(case("type 2 without an address", routed(2, 1, [0; 4], &[])));
    agree(&cases, 3);
}

#[test]
fn a_mobile_node_is_known_by_its_home_address() {
    let home = cat(&[
        &[6, 2, 1, 2, 0, 0, 0xc9, 16],
        &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77],
    ]);
    let cases = [
        case("away", ether6(&v6(6, &tcp()))),
        case(
            "destination options",
            ether6(&v6(60, &cat(&[&home, &tcp()]))),
        ),
        case("hop by hop", ether6(&v6(0, &cat(&[&home, &tcp()])))),
        case("in IPv4", ether(&ip_proto(60, &cat(&[&home, &tcp()])))),
    ];
    agree(&cases, 3);
}
