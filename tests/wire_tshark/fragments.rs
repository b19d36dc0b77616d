//! Fragments: the segment appears at the frame that completes its datagram.

use crate::build::*;
use crate::compare::agree;

fn data() -> Vec<u8> {
    tcp_with(5, &(0..200).collect::<Vec<u8>>())
}

fn part(id: u16, from: usize, to: usize, more: bool) -> Vec<u8> {
    part_of(&data(), id, from, to, more)
}

fn part_of(whole: &[u8], id: u16, from: usize, to: usize, more: bool) -> Vec<u8> {
    let to = to.min(whole.len());
    let fragment = (from / 8) as u16 | if more { 0x2000 } else { 0 };
    ether(&V4 { fragment, id, ..V4 }.of(&whole[from..to]))
}

fn part6(id: u8, next: u8, from: usize, to: usize, more: bool) -> Vec<u8> {
    let whole = data();
    let word = (from as u16 | u16::from(more)).to_be_bytes();
    let header = [next, 0, word[0], word[1], 0, 0, 0, id];
    ether6(&v6(44, &cat(&[&header, &whole[from..to.min(whole.len())]])))
}

fn tagged(vlan: u8, frame: Vec<u8>) -> Vec<u8> {
    cat(&[&frame[..12], &[0x81, 0, 0, vlan], &frame[12..]])
}

const END: usize = usize::MAX;

#[test]
fn ipv4() {
    let other = tcp_with(5, &[7; 200]);
    let mut cases = vec![];
    let mut add = |name: &str, frames: Vec<Vec<u8>>| {
        for (i, frame) in frames.into_iter().enumerate() {
            cases.push(case(format!("{name}, fragment {i}"), frame));
        }
    };
    add(
        "in order",
        vec![
            part(1, 0, 80, true),
            part(1, 80, 160, true),
            part(1, 160, END, false),
        ],
    );
    add(
        "reversed",
        vec![
            part(2, 160, END, false),
            part(2, 80, 160, true),
            part(2, 0, 80, true),
        ],
    );
    add(
        "repeated, also when complete",
        vec![
            part(3, 0, 80, true),
            part(3, 0, 80, true),
            part(3, 80, END, false),
            part(3, 80, END, false),
            part(3, 0, 80, true),
        ],
    );
    add(
        "overlapping, the first wins",
        vec![
            part_of(&other, 4, 0, 80, true),
            part(4, 0, 80, true),
            part_of(&other, 4, 40, 160, true),
            part(4, 160, END, false),
        ],
    );
    add("gap", vec![part(5, 0, 80, true), part(5, 160, END, false)]);
    add(
        "two tails",
        vec![
            part(6, 0, 80, true),
            part(6, 160, END, false),
            part(6, 160, 200, false),
            part(6, 80, 160, true),
        ],
    );
    add(
        "beyond its end",
        vec![
            part(7, 0, 80, true),
            part(7, 160, 200, true),
            part(7, 80, 120, false),
        ],
    );
    add(
        "other VLAN",
        vec![
            tagged(5, part(8, 0, 80, true)),
            tagged(6, part(8, 80, END, false)),
        ],
    );
    add(
        "same VLAN",
        vec![
            tagged(5, part(9, 0, 80, true)),
            tagged(5, part(9, 80, END, false)),
        ],
    );
    add(
        "no multiple of eight",
        vec![part(10, 0, 84, true), part(10, 80, END, false)],
    );
    add(
        "eight bytes",
        (0..28)
            .map(|n| part(11, n * 8, n * 8 + 8, n < 27))
            .collect(),
    );
    assert_eq!(agree(1, &cases), 10);
}

#[test]
fn snapped_fragments_are_not_put_together() {
    let first = part(1, 0, 160, true);
    let later = part(2, 160, END, false);
    let cases = [
        snapped("first, snapped", first.clone(), 14 + 20 + 60),
        case("its end", part(1, 160, END, false)),
        case("first again, whole", first),
        case("first of another", part(2, 0, 160, true)),
        snapped("its end, snapped", later.clone(), 14 + 20 + 10),
        case("its end, whole", later),
        snapped("IPv6, snapped", part6(1, 6, 0, 160, true), 14 + 48 + 60),
        case("longer than the frame", {
            let fragment = V4 {
                fragment: 0x2000,
                total: Some(2000),
                ..V4
            };
            ether(&fragment.of(&data()))
        }),
        case("IPv6, the first", part6(5, 6, 0, 160, true)),
        case("IPv6, its end longer than the frame", {
            let mut frame = part6(5, 6, 160, END, false);
            frame.truncate(frame.len() - 3);
            frame
        }),
    ];
    assert_eq!(agree(1, &cases), 4);
}

#[test]
fn ipv6() {
    let cases = [
        case("first", part6(1, 6, 0, 80, true)),
        case("second", part6(1, 6, 80, END, false)),
        case("reversed", part6(2, 6, 80, END, false)),
        case("complete", part6(2, 6, 0, 80, true)),
        case("another next header", part6(3, 17, 0, 80, true)),
        case("the last one's counts", part6(3, 6, 80, END, false)),
        case("lone", part6(4, 6, 0, END, false)),
    ];
    assert_eq!(agree(1, &cases), 4);
}

#[test]
fn fragments_of_tunnels_and_in_tunnels() {
    let cut = |whole: &[u8], protocol: u8, id: u16| {
        let of = |from: usize, to: usize, fragment: u16| {
            ether(
                &V4 {
                    protocol,
                    id,
                    fragment,
                    ..V4
                }
                .of(&whole[from..to]),
            )
        };
        [
            case(format!("{protocol}, first"), of(0, 48, 0x2000)),
            case(format!("{protocol}, last"), of(48, whole.len(), 6)),
        ]
    };
    let vxlan = udp(
        4789,
        &cat(&[&[8, 0, 0, 0, 0, 0, 1, 0], &ether(&V4.of(&data()))]),
    );
    let gre = cat(&[&[0, 0, 8, 0], &V4.of(&data())]);
    let inner = |from: usize, to: usize, more: bool| part(9, from, to, more)[14..].to_vec();
    let cases: Vec<Case> = [
        cut(&vxlan, 17, 1),
        cut(&gre, 47, 2),
        cut(&inner(0, 80, true), 4, 3),
        cut(&inner(80, END, false), 4, 4),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert_eq!(agree(1, &cases), 3);
}
