//! File formats: the same frames and times as tshark, and an error where tshark has one.

use std::io::Write;
use std::path::PathBuf;

use lab_capture::capture::read::{Compression, Reader, Subject};

use crate::build::*;
use crate::compare::{ours, tshark};

struct File {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

fn file(bytes: &[u8]) -> File {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    File { path, _dir: dir }
}

#[track_caller]
fn same(name: &str, bytes: &[u8], frames: usize) {
    let file = file(bytes);
    let (theirs, mine) = (tshark(&file.path), ours(&file.path));
    assert_eq!(theirs, mine, "{name}");
    assert_eq!(mine.len(), frames, "{name}");
}

fn word(big: bool, value: u32) -> [u8; 4] {
    if big {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    }
}

fn half(big: bool, value: u16) -> [u8; 2] {
    if big {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    }
}

/// A pcap file with `extra` bytes more in each record's header.
fn dialect(magic: u32, big: bool, extra: &[u8], minor: u16) -> Vec<u8> {
    let w = |value| word(big, value);
    let frame = ether(&ip());
    let len = frame.len() as u32;
    let mut b = cat(&[
        &w(magic),
        &half(big, 2),
        &half(big, minor),
        &w(0),
        &w(0),
        &w(262_144),
        &w(1),
    ]);
    for n in 0..3 {
        b.extend(cat(&[
            &w(1_600_000_000 + n),
            &w(999_999),
            &w(len),
            &w(len),
            extra,
            &frame,
        ]));
    }
    b
}

#[test]
fn pcap_and_its_dialects() {
    for big in [false, true] {
        same("µs", &dialect(0xa1b2_c3d4, big, b"", 4), 3);
        same("ns", &dialect(0xa1b2_3c4d, big, b"", 4), 3);
        same("Kuznetzov", &dialect(0xa1b2_cd34, big, &[0; 8], 4), 3);
        same(
            "Kuznetzov with processor",
            &dialect(0xa1b2_cd34, big, &[0; 12], 4),
            3,
        );
        same(
            "patched, magic of 2.4",
            &dialect(0xa1b2_c3d4, big, &[0, 0, 0, 2, 0, 8, 0, 0], 4),
            3,
        );
        same("Nokia", &dialect(0xa1b2_c3d4, big, &[0, 0, 0, 1], 4), 3);
        same("2.2", &dialect(0xa1b2_c3d4, big, b"", 2), 3);
        same("2.3", &dialect(0xa1b2_c3d4, big, b"", 3), 3);
    }
    // AIX: RFC 1573's numbers of link types, and nanoseconds.
    for big in [false, true] {
        let mut aix = dialect(0xa1b2_c3d4, big, b"", 2);
        aix[20..24].copy_from_slice(&word(big, 6));
        same("AIX", &aix, 3);
    }
    let mut fcs = dialect(0xa1b2_c3d4, false, b"", 4);
    fcs[23] = 0x24;
    same("FCS length", &fcs, 3);
    assert_eq!(
        Reader::open(file(&fcs).path).unwrap().interfaces()[0].fcs,
        Some(4)
    );
}

fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = word(big, body.len() as u32 + 12);
    cat(&[&word(big, kind), &len, &body, &len])
}

fn option(big: bool, code: u16, value: &[u8]) -> Vec<u8> {
    let mut b = cat(&[&half(big, code), &half(big, value.len() as u16), value]);
    b.resize(b.len().next_multiple_of(4), 0);
    b
}

fn section(big: bool, options: &[u8]) -> Vec<u8> {
    let body = cat(&[
        &word(big, 0x1a2b_3c4d),
        &half(big, 1),
        &half(big, 0),
        &[0xff; 8],
        options,
    ]);
    block(big, 0x0a0d_0d0a, &body)
}

fn interface(big: bool, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
    block(
        big,
        1,
        &cat(&[&half(big, link), &[0, 0], &word(big, snaplen), options]),
    )
}

fn packet(big: bool, id: u32, ticks: u64, frame: &[u8], options: &[u8]) -> Vec<u8> {
    let w = |value| word(big, value);
    let mut data = frame.to_vec();
    data.resize(frame.len().next_multiple_of(4), 0);
    let len = frame.len() as u32;
    let body = [
        w(id),
        w((ticks >> 32) as u32),
        w(ticks as u32),
        w(len),
        w(len),
    ]
    .concat();
    block(big, 6, &cat(&[&body, &data, options]))
}

#[test]
fn pcapng_sections_interfaces_and_blocks() {
    let (e, i) = (ether(&ip()), ip());
    let micros = 1_600_000_000_000_000;
    let mut b = vec![];
    let mut frames = 0;
    for big in [false, true, false] {
        b.extend(section(big, b""));
        b.extend(interface(big, 1, 0, b""));
        b.extend(interface(big, 101, 0, b""));
        b.extend(interface(big, 113, 0, b""));
        b.extend(packet(big, 1, micros, &i, b""));
        b.extend(packet(big, 0, micros + 1, &e, b""));
        let cooked = cat(&[&[0; 14], &[8, 0], &i]);
        b.extend(packet(big, 2, micros + 2, &cooked, b""));
        let w = |value| word(big, value);
        let (high, low) = (w((micros >> 32) as u32), w(micros as u32));
        let len = w(e.len() as u32);
        let old = cat(&[&half(big, 0), &[0, 0], &high, &low, &len, &len, &e]);
        b.extend(block(big, 2, &old));
        b.extend(block(big, 4, &[0; 4]));
        frames += 4;
    }
    same("sections", &b, frames);
}

#[test]
fn pcapng_timestamps_in_every_unit() {
    let e = ether(&ip());
    for resolution in [0, 3, 6, 7, 9, 10, 12, 0x80, 0x8a, 0x9e] {
        let options = cat(&[&option(false, 9, &[resolution]), &option(false, 0, b"")]);
        let mut b = section(false, b"");
        b.extend(interface(false, 1, 0, &options));
        b.extend(packet(false, 0, 1_600_000_000, &e, b""));
        same(&format!("if_tsresol {resolution:#x}"), &b, 1);
    }
    for offset in [1000i64, -1000] {
        let mut b = section(false, b"");
        b.extend(interface(
            false,
            1,
            0,
            &option(false, 14, &offset.to_le_bytes()),
        ));
        b.extend(packet(false, 0, 1_600_000_000_000_000, &e, b""));
        same(&format!("if_tsoffset {offset}"), &b, 1);
    }
}

#[test]
fn pcapng_simple_packets_have_a_length_and_no_time() {
    let e = ether(&ip());
    let mut b = section(false, b"");
    b.extend(interface(false, 1, 50, b""));
    let body = cat(&[&100u32.to_le_bytes(), &e[..50]]);
    b.extend(block(false, 3, &body));
    let file = file(&b);
    let mut reader = Reader::open(&file.path).unwrap();
    let frame = reader.next().unwrap().unwrap();
    assert_eq!((frame.data, frame.wire_len, frame.time), (&e[..50], 100, 0));
    assert_eq!(tshark(&file.path).len(), 1);
}

#[test]
fn comments_are_kept_with_what_they_speak_of() {
    for big in [false, true] {
        let comment = |text: &str| option(big, 1, text.as_bytes());
        let mut b = section(big, &comment("of the section"));
        b.extend(interface(big, 1, 0, &comment("of the interface")));
        b.extend(packet(big, 0, 5, &ether(&ip()), b""));
        let two = cat(&[
            &comment("of the frame"),
            &comment("again"),
            &option(big, 0, b""),
        ]);
        b.extend(packet(big, 0, 6, &ether(&ip()), &two));
        let file = file(&b);
        let mut reader = Reader::open(&file.path).unwrap();
        while reader.next().unwrap().is_some() {}
        let comments: Vec<_> = reader
            .comments()
            .iter()
            .map(|c| (c.on, c.text.as_str()))
            .collect();
        assert_eq!(
            comments,
            [
                (Subject::Section, "of the section"),
                (Subject::Interface(0), "of the interface"),
                (Subject::Frame(2), "of the frame"),
                (Subject::Frame(2), "again"),
            ]
        );
    }
}

#[test]
fn compressed_files() {
    let plain = dialect(0xa1b2_c3d4, false, b"", 4);
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    let gzip = encoder.finish().unwrap();
    same("gzip", &gzip, 3);
    let two = cat(&[&gzip[..], &b""[..]]);
    assert_eq!(
        Reader::open(file(&two).path).unwrap().compression(),
        Some(Compression::Gzip)
    );
    let zstd = zstd::encode_all(&plain[..], 1).unwrap();
    same("zstd", &zstd, 3);
}

#[test]
fn a_file_cut_anywhere_keeps_what_came_before() {
    let pcap = dialect(0xa1b2_3c4d, false, b"", 4);
    let record = (pcap.len() - 24) / 3;
    let mut pcapng = section(false, b"");
    pcapng.extend(interface(false, 1, 0, b""));
    let head = pcapng.len();
    for n in 0..3 {
        pcapng.extend(packet(false, 0, n, &ether(&ip()), b""));
    }
    let size = (pcapng.len() - head) / 3;
    for (bytes, head, record) in [(&pcap, 24, record), (&pcapng, head, size)] {
        for cut in head..=bytes.len() {
            let source = std::io::Cursor::new(bytes[..cut].to_vec());
            let mut reader = Reader::from_read(Box::new(source)).unwrap();
            let mut frames = 0;
            while reader.next().unwrap().is_some() {
                frames += 1;
            }
            assert_eq!(frames, (cut - head) / record, "cut at {cut}");
            let inside = (cut - head) % record;
            match reader.truncated() {
                None => assert_eq!(inside, 0, "cut at {cut}"),
                Some(t) => assert_eq!((t.at, t.have), ((cut - inside) as u64, inside as u64)),
            }
        }
    }
}

/// Also among the first records, which the reader looks at to tell the dialect.
#[test]
fn a_gzip_stream_cut_anywhere_keeps_what_came_before() {
    let plain = dialect(0xa1b2_c3d4, false, b"", 4);
    let record = (plain.len() - 24) / 3;
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::none());
    encoder.write_all(&plain).unwrap();
    let gzip = encoder.finish().unwrap();
    // The header of gzip and of the stored block, the check value and length behind.
    let (before, after) = (15, 8);
    assert_eq!(gzip.len(), before + plain.len() + after);
    for cut in before + 24..gzip.len() - after {
        let source = std::io::Cursor::new(gzip[..cut].to_vec());
        let mut reader = Reader::from_read(Box::new(source)).expect("the file header is there");
        let mut frames = 0;
        while reader.next().expect("no damage, only an end").is_some() {
            frames += 1;
        }
        let (whole, rest) = ((cut - before - 24) / record, (cut - before - 24) % record);
        // See below for what looks like a dialect.
        let sure = !(whole == 1 && [4, 8, 34].contains(&rest));
        assert!(
            frames == whole || !sure,
            "cut at {cut}: {frames} of {whole}"
        );
        assert!(reader.truncated().is_some(), "cut at {cut}");
    }
}

/// One record and a few bytes may also be one whole record of a dialect with a longer header: the
/// magic number is the same. tshark takes it for that, and so do we.
#[test]
fn a_cut_that_looks_like_a_dialect_is_read_as_tshark_does() {
    let pcap = dialect(0xa1b2_c3d4, false, b"", 4);
    let record = (pcap.len() - 24) / 3;
    for rest in [4, 8, 34] {
        let file = file(&pcap[..24 + record + rest]);
        assert_eq!(
            tshark(&file.path),
            ours(&file.path),
            "{rest} bytes of the second record"
        );
    }
}

#[test]
fn files_that_tshark_rejects_have_an_error_that_says_why() {
    let good = dialect(0xa1b2_c3d4, false, b"", 4);
    let changed = |at: usize, bytes: &[u8]| {
        let mut b = good.clone();
        b[at..at + bytes.len()].copy_from_slice(bytes);
        b
    };
    let ng = cat(&[&section(false, b""), &interface(false, 1, 0, b"")]);
    let frame = ether(&ip());
    let mut version = section(false, b"");
    version[12] = 2;
    let mut trailer = packet(false, 0, 1, &frame, b"");
    let last = trailer.len() - 1;
    trailer[last] = 9;
    let over = [1, 0, 0xff, 0, 0, 0, 0, 0];
    for (bytes, says) in [
        (vec![], "empty"),
        (b"hello, this is no capture".to_vec(), "not a pcap"),
        (good[..20].to_vec(), "20 of 24"),
        (changed(4, &[1, 0]), "version 1.4"),
        (changed(22, &[1]), "reserved"),
        (changed(32, &[0xff; 4]), "no packet is longer"),
        (version, "pcapng version 2.0"),
        (
            cat(&[&ng, &packet(false, 3, 1, &frame, b"")]),
            "interface 3",
        ),
        (cat(&[&ng, &trailer]), "two lengths differ"),
        (cat(&[&ng, &block(false, 6, &[0; 8])]), "impossible length"),
        (
            cat(&[&ng, &packet(false, 0, 1, &frame, &over)]),
            "option 1 of 255 bytes",
        ),
    ] {
        let file = file(&bytes);
        let error = match Reader::open(&file.path) {
            Err(error) => error,
            Ok(mut reader) => reader.next().expect_err(says),
        };
        assert!(
            error.to_string().contains(says),
            "{error} does not say {says:?}"
        );
    }
}
