//! The byte streams.

use crate::build::{ACK, Capture, FIN, PSH, Talk, everything};
use crate::{file, show, shown};

#[test]
fn as_text_and_hex() {
    let (path, _folder) = file(&everything());
    let follow = |form, stream| shown(&[&path, "--stream", stream, "--follow", form]);
    insta::assert_snapshot!("follow_text", follow("text", "0"));
    insta::assert_snapshot!("follow_hex", follow("hex", "0"));
    insta::assert_snapshot!("follow_text_with_a_hole", follow("text", "3"));
}

/// Segments in the wrong order, twice, overlapping; 200 kB each way.
fn muddled() -> (Vec<u8>, [Vec<u8>; 2]) {
    let mut capture = Capture::new();
    let streams = [0u8, 1].map(|side| {
        let byte = |n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ side;
        (0..200_000).map(byte).collect::<Vec<u8>>()
    });
    let mut talk = Talk {
        capture: &mut capture,
        ends: [("10.0.0.1", 40_000), ("10.0.0.2", 80)],
        next: [u32::MAX - 70_000, 5],
    };
    talk.handshake();
    for from in [0, 1] {
        let first = talk.next[from];
        let stream = &streams[from];
        let send = |talk: &mut Talk<'_>, at: usize, len: usize| {
            let end = (at + len).min(stream.len());
            let seq = first.wrapping_add(at as u32);
            talk.at(from, PSH | ACK, seq, &stream[at..end]);
        };
        for group in 0..50 {
            let at = group * 4000;
            for (offset, len) in [
                (3000, 1000),
                (1000, 1400),
                (0, 1000),
                (2000, 1200),
                (500, 100),
            ] {
                send(&mut talk, at + offset, len);
            }
        }
        talk.next[from] = first.wrapping_add(stream.len() as u32);
        talk.send(1 - from, ACK, b"");
    }
    talk.send(0, FIN | ACK, b"");
    talk.send(1, FIN | ACK, b"");
    (capture.bytes, streams)
}

#[test]
fn raw_bytes_are_those_that_were_sent() {
    let (bytes, [client, server]) = muddled();
    let (path, folder) = file(&bytes);
    for (from, wanted) in [("client", &client), ("server", &server)] {
        let output = show(&[&path, "--stream", "0", "--follow", "raw", "--from", from]);
        assert!(output.stdout == *wanted, "{from}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let out = folder.path().join(from);
        let out = out.to_str().unwrap();
        shown(&[
            &path, "--stream", "0", "--follow", "raw", "--from", from, "--out", out,
        ]);
        assert!(std::fs::read(out).unwrap() == *wanted, "{from}");
    }
    let both = show(&[&path, "--stream", "0", "--follow", "raw"]).stdout;
    assert!(both == [client.clone(), server.clone()].concat());
    let out = folder.path().join("both");
    let out = out.to_str().unwrap();
    shown(&[&path, "--stream", "0", "--follow", "raw", "--out", out]);
    assert!(std::fs::read(format!("{out}.client")).unwrap() == client);
    assert!(std::fs::read(format!("{out}.server")).unwrap() == server);
}

/// tshark shows the same bytes.
#[test]
fn as_tshark_follows() {
    let (bytes, _) = muddled();
    let (path, _folder) = file(&bytes);
    let theirs = std::process::Command::new("tshark")
        .args(["-n", "-q", "-r", &path, "-z", "follow,tcp,raw,0"])
        .output()
        .expect("tshark is installed");
    let text = String::from_utf8(theirs.stdout).expect("UTF-8");
    let mut sides = [String::new(), String::new()];
    for line in text.lines() {
        let side = usize::from(line.starts_with('\t'));
        let line = line.trim();
        if !line.is_empty() && line.bytes().all(|b| b.is_ascii_hexdigit()) {
            sides[side].push_str(line);
        }
    }
    for (from, theirs) in ["client", "server"].into_iter().zip(sides) {
        let ours = show(&[&path, "--stream", "0", "--follow", "raw", "--from", from]).stdout;
        let ours: String = ours.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!ours.is_empty() && ours == theirs, "{from}");
    }
}

#[test]
fn holes_in_raw_bytes_are_told() {
    let (path, _folder) = file(&everything());
    let output = show(&[
        &path, "--stream", "3", "--follow", "raw", "--from", "server",
    ]);
    assert_eq!(output.stdout, b"abcxyz");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "lab-capture: 1000 bytes of the server's stream, at offset 3, are not in the capture; they are left out\n"
    );
}

#[test]
fn what_the_snapshot_length_cut_is_told() {
    let mut capture = Capture::snapped(60);
    let mut talk = Talk {
        capture: &mut capture,
        ends: [("10.0.0.1", 40_000), ("10.0.0.2", 80)],
        next: [1, 1],
    };
    talk.handshake();
    talk.send(0, PSH | ACK, b"a message of 24 bytes...");
    talk.send(1, ACK, b"");
    talk.send(0, PSH | ACK, b"short");
    let (path, _folder) = file(&capture.bytes);
    let text = shown(&[&path, "--stream", "0", "--follow", "text"]);
    assert!(
        text.contains("a mess\n[18 bytes were cut by the snapshot length]\nshort\n"),
        "{text}"
    );
}
