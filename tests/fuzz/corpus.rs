//! What is mutated: frames and files built here, and captures of a folder.

use std::path::Path;

use lab_capture::capture::read::Reader;

pub struct Corpus {
    pub files: Vec<Vec<u8>>,
    pub frames: Vec<(u16, Vec<u8>)>,
}

/// Captures longer than this are cut: a mutation should hit something.
const LONGEST: usize = 8 << 10;

fn tcp() -> Vec<u8> {
    let mut b = vec![
        3, 232, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0xd0, 0x12, 1, 244, 0, 0, 0, 0,
    ];
    b.extend([
        2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8, 1, 3, 3, 7,
    ]);
    b.extend([5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 1, 0]);
    b.extend_from_slice(b"hello");
    b
}

fn v4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let len = (20 + payload.len() as u16).to_be_bytes();
    let f = fragment.to_be_bytes();
    let mut b = vec![
        0x45, 0, len[0], len[1], 0, 7, f[0], f[1], 64, protocol, 0, 0,
    ];
    b.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    b.extend_from_slice(payload);
    b
}

fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16).to_be_bytes();
    let mut b = vec![0x60, 0, 0, 0, len[0], len[1], next, 64];
    b.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    b.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    b.extend_from_slice(payload);
    b
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let (p, len) = (port.to_be_bytes(), (8 + payload.len() as u16).to_be_bytes());
    [&[0x9c, 0x40, p[0], p[1], len[0], len[1], 0, 0], payload].concat()
}

fn frames() -> Vec<(u16, Vec<u8>)> {
    let cat = |parts: &[&[u8]]| parts.concat();
    let t = tcp();
    let ip = v4(6, 0, &t);
    let six = v6(6, &t);
    let ether = |kind: u16, payload: &[u8]| cat(&[&[2; 12], &kind.to_be_bytes(), payload]);
    let e = ether(0x0800, &ip);
    let llc = cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ip]);
    let over = |protocol: u8, payload: &[u8]| ether(0x0800, &v4(protocol, 0, payload));
    let tunnel = |port: u16, parts: &[&[u8]]| over(17, &udp(port, &cat(parts)));
    let extensions = cat(&[
        &[43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0],
        &[6, 0, 1, 4, 0, 0, 0, 0],
        &t,
    ]);
    let wifi = cat(&[&[0x88, 1], &[0; 24], &llc]);
    let mut list = vec![
        (1, e.clone()),
        (1, e.clone()),
        (1, ether(0x86dd, &six)),
        (1, ether(0x86dd, &v6(0, &extensions))),
        (1, ether(0x8100, &cat(&[&[0, 5, 8, 0], &ip]))),
        (1, ether(0x88a8, &cat(&[&[0, 5, 0x81, 0, 0, 6, 8, 0], &ip]))),
        (1, ether(0x8847, &cat(&[&[0, 1, 0, 64, 0, 2, 1, 64], &ip]))),
        (1, ether(0x8847, &cat(&[&[0, 1, 1, 64, 0, 0, 0, 0], &e]))),
        (
            1,
            ether(0x8864, &cat(&[&[0x11, 0, 0, 1, 0, 79, 0, 0x21], &ip])),
        ),
        (1, ether(8 + ip.len() as u16, &llc)),
        (1, ether(0x894f, &cat(&[&[0, 2, 2, 1, 0, 0, 0, 0], &ip]))),
        (1, ether(0x22f3, &cat(&[&[0; 6], &e]))),
        (1, over(4, &ip)),
        (1, over(41, &six)),
        (1, over(47, &cat(&[&[0xb0, 0, 8, 0], &[0; 12], &ip]))),
        (
            1,
            over(
                47,
                &cat(&[&[0x40, 0, 8, 0], b"\0\0\0\0\x08\0\0\x04abcd\0\0\0\0", &ip]),
            ),
        ),
        (
            1,
            over(
                47,
                &cat(&[
                    &[0x30, 0x81, 0x88, 0x0b],
                    &[0; 12],
                    &[0xff, 3, 0, 0x21],
                    &ip,
                ]),
            ),
        ),
        (1, over(51, &cat(&[&[6, 4], &[0; 22], &t]))),
        (1, over(1, &cat(&[&[3, 1, 0, 0, 0, 0, 0, 0], &ip]))),
        (
            1,
            ether(0x86dd, &v6(58, &cat(&[&[1, 0, 0, 0, 0, 0, 0, 0], &six]))),
        ),
        (1, tunnel(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0], &e])),
        (
            1,
            tunnel(6081, &[&[2, 0, 0x65, 0x58, 0, 0, 0, 0], &[0; 8], &e]),
        ),
        (
            1,
            tunnel(
                2152,
                &[
                    &[0x34, 0xff, 0, 90, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0],
                    &ip,
                ],
            ),
        ),
        (1, tunnel(3544, &[&[0, 1, 0, 0], &[0; 9], &[0; 8], &six])),
        (
            1,
            tunnel(5072, &[&[0x41, 0x51, 0x11, 0x29], &[0; 40], &six]),
        ),
        (
            1,
            tunnel(
                1701,
                &[
                    &[
                        0x4a, 2, 0, 90, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0x21,
                    ],
                    &ip,
                ],
            ),
        ),
        (1, tunnel(5247, &[&[0, 0x10, 2, 0, 0, 0, 0, 0], &e])),
        (1, tunnel(37008, &[&[1, 0, 0, 1, 0, 10, 1, 5, 1], &e])),
        (0, cat(&[&[2, 0, 0, 0], &ip])),
        (
            6,
            cat(&[&[0x10, 0x40], &[0x80; 12], &[6, 0, 1, 1, 2, 2], &llc]),
        ),
        (9, cat(&[&[0xff, 3, 0, 0x3d, 0xc0, 0, 0, 0, 0, 0x21], &ip])),
        (104, cat(&[&[0x0f, 0, 8, 0], &ip])),
        (105, wifi.clone()),
        (107, cat(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0], &ip])),
        (113, cat(&[&[0; 14], &[8, 0], &ip])),
        (117, cat(&[&[61, 2], &[0; 62], &ip])),
        (
            127,
            cat(&[&[0, 0, 13, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0], &wifi]),
        ),
        (129, cat(&[&[1, 2, 0, 0, 212, 0, 0, 1], &ip])),
        (143, cat(&[&[0, 0, 0, 90, 0, 0], &e])),
        (178, cat(&[b"MGC\x80\0\x04abcd", &e])),
        (192, cat(&[&[0, 0, 8, 0, 105, 0, 0, 0], &wifi])),
        (
            197,
            cat(&[
                &[0; 8],
                &[0x82, 0, 0, 99, 0, 0, 0, 90],
                &[0; 8],
                &[0, 0],
                &e,
            ]),
        ),
        (
            239,
            cat(&[&[2, 0, 0, 0, 5, 0, 10, 0, 97, 0, 0, 0, 81, 0, 9, 0], &ip]),
        ),
        (
            258,
            cat(&[&[108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], &[0; 96], &e]),
        ),
        (276, cat(&[&[8, 0], &[0; 18], &ip])),
    ];
    // Fragments, so that mutated neighbours meet in the reassembler.
    for (offset, more) in [(0usize, true), (24, true), (48, false)] {
        let end = if more { offset + 24 } else { t.len() };
        let word = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
        list.push((101, v4(6, word, &t[offset..end])));
        let header = [6, 0, 0, offset as u8 | u8::from(more), 0, 0, 0, 9];
        list.push((101, v6(44, &cat(&[&header, &t[offset..end]]))));
    }
    list
}

fn pcap(magic: u32, extra: usize, link: u16, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut b = magic.to_le_bytes().to_vec();
    b.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    b.extend(u32::from(link).to_le_bytes());
    for frame in frames {
        let len = frame.len() as u32;
        for word in [1_600_000_000, 5, len, len] {
            b.extend(word.to_le_bytes());
        }
        b.resize(b.len() + extra, 0);
        b.extend_from_slice(frame);
    }
    b
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let size = body.len().next_multiple_of(4);
    let len = (size as u32 + 12).to_le_bytes();
    let mut b = [&kind.to_le_bytes()[..], &len, body].concat();
    b.resize(8 + size, 0);
    b.extend(len);
    b
}

fn pcapng(frames: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut section = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    section.extend([0xff; 8]);
    section.extend(b"\x01\0\x05\0hello\0\0\0");
    let mut b = block(0x0a0d_0d0a, &section);
    for (n, (link, frame)) in frames.iter().enumerate() {
        let mut interface = [&link.to_le_bytes()[..], &[0, 0, 0, 0, 4, 0]].concat();
        interface.extend(b"\x09\0\x01\0\x09\0\0\0\x0e\0\x08\0\x01\0\0\0\0\0\0\0\0\0\0\0");
        b.extend(block(1, &interface));
        let mut packet: Vec<u8> = [n as u32, 1, 2, frame.len() as u32, frame.len() as u32]
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .collect();
        packet.extend_from_slice(frame);
        packet.resize(packet.len().next_multiple_of(4), 0);
        packet.extend(b"\x01\0\x03\0pkt\0\0\0\0\0");
        b.extend(block(6, &packet));
    }
    let (_, last) = &frames[frames.len() - 1];
    b.extend(block(
        3,
        &[&(last.len() as u32).to_le_bytes()[..], last].concat(),
    ));
    b
}

/// Frames and files that reach every parser.
pub fn built_in() -> Corpus {
    let frames = frames();
    let ethernet: Vec<Vec<u8>> = frames
        .iter()
        .filter(|(link, _)| *link == 1)
        .map(|(_, frame)| frame.clone())
        .collect();
    let files = vec![
        pcap(0xa1b2_c3d4, 0, 1, &ethernet),
        pcap(0xa1b2_3c4d, 0, 1, &ethernet[..5]),
        pcap(0xa1b2_cd34, 8, 1, &ethernet[..5]),
        pcap(0xa1b2_cd34, 12, 1, &ethernet[..5]),
        pcap(0xa1b2_c3d4, 4, 1, &ethernet[..5]),
        pcapng(&frames),
        pcapng(&frames[..4]),
    ];
    Corpus { files, frames }
}

/// Adds the captures of a folder, cut to a length at which mutations count.
pub fn add_dir(corpus: &mut Corpus, dir: &Path) {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let Ok(mut bytes) = std::fs::read(&path) else {
            continue;
        };
        if let Ok(mut reader) = Reader::open(&path) {
            for _ in 0..40 {
                match reader.next() {
                    Ok(Some(frame)) => corpus.frames.push((frame.link.0, frame.data.to_vec())),
                    _ => break,
                }
            }
            bytes.truncate(LONGEST);
            corpus.files.push(bytes);
        }
    }
}
