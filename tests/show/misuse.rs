//! Files that are no good, questions without an answer, readers that go away.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::build::{Capture, SYN, everything};
use crate::{file, show, shown};

#[track_caller]
fn refused(arguments: &[&str], words: &[&str]) {
    let output = show(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
    for word in words {
        assert!(errors.contains(word), "{arguments:?}: {errors}");
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    refused(&["/no/such/file"], &["/no/such/file", "cannot open"]);
    let (path, _folder) = file(b"#!/bin/sh\n");
    refused(&[&path], &["not a pcap or pcapng file"]);
    let (path, _folder) = file(b"");
    refused(&[&path], &["empty"]);
    let (path, _folder) = file(&everything()[..10]);
    refused(&[&path], &["ends inside its header"]);
}

/// `show captures/*.pcap`: each below its name; one that is no capture spoils only itself.
#[test]
fn several_files_are_shown_one_after_the_other() {
    let (path, _folder) = file(&everything());
    let alone = shown(&[&path]);
    assert_eq!(
        shown(&[&path, &path]),
        format!("{path}:\n{alone}\n{path}:\n{alone}")
    );
    let output = show(&[&path, "/no/such/file", &path]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.matches(&alone).count(), 2, "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/file"));
    // Stream numbers and records are one file's.
    refused(&[&path, &path, "--json"], &["cannot be used with"]);
    refused(&[&path, &path, "--stream", "0"], &["cannot be used with"]);
}

#[test]
fn a_file_cut_short_is_shown_up_to_there() {
    let whole = everything();
    let (path, _folder) = file(&whole[..whole.len() - 5]);
    let output = show(&[&path]);
    assert_eq!(output.status.code(), Some(0));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("cut short in the middle of a packet record"),
        "{errors}"
    );
    let (whole, _other) = file(&whole);
    let table = |text: String| text.split("\n\n").next().map(String::from);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(table(text), table(shown(&[&whole])));
}

#[test]
fn a_damaged_file_is_shown_up_to_there() {
    let mut bytes = everything();
    let len = bytes.len();
    // The last record says that it has 2 GiB.
    let last = len - 16 - (14 + 28);
    bytes[last + 8..last + 12].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    let (path, _folder) = file(&bytes);
    let output = show(&[&path]);
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("no packet is longer") && errors.contains("what came before"),
        "{errors}"
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("reset server"));
}

#[test]
fn questions_without_an_answer() {
    let (path, _folder) = file(&everything());
    refused(&[&path, "--stream", "9"], &["no stream 9", "0 to 4"]);
    refused(
        &[&path, "--stream", "9", "--follow", "text"],
        &["no stream 9"],
    );
    refused(
        &[&path, "--filter", "tcp.flag.syn"],
        &["did you mean `tcp.flags.syn`"],
    );
    refused(&[&path, "--state", "closed"], &["'closed'", "RSTO"]);
    refused(&[&path, "--follow", "text"], &["--stream"]);
    let (empty, _folder) = file(&everything()[..24]);
    refused(&[&empty, "--stream", "0"], &["no TCP connection"]);
    assert_eq!(shown(&[&empty]), "0 frames: 0 TCP segments\n");
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let bytes = everything();
    let (path, _folder) = file(&bytes);
    let mut child = Command::new(env!("CARGO_BIN_EXE_lab-capture"))
        .args(["show", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().unwrap();
    input.write_all(&bytes).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), shown(&[&path]));
}

/// More connections than are remembered, all half open, in 64 MiB: none is lost, all in order.
#[test]
fn many_connections_take_bounded_memory() {
    const CONNECTIONS: u32 = 150_000;
    let mut bytes = everything()[..24].to_vec();
    let frame = {
        let mut capture = Capture::new();
        capture.tcp(("10.0.0.1", 1), ("192.168.1.1", 80), SYN, 1, 0, b"");
        capture.bytes[24..].to_vec()
    };
    for n in 0..CONNECTIONS {
        let start = bytes.len();
        bytes.extend_from_slice(&frame);
        // Record header, Ethernet, source address; the port lies at 20 behind the IP header.
        let ip = start + 16 + 14;
        bytes[ip + 13..ip + 16].copy_from_slice(&(n / 50_000 + 1).to_be_bytes()[1..]);
        bytes[ip + 20..ip + 22].copy_from_slice(&((n % 50_000 + 1) as u16).to_be_bytes());
    }
    let (path, _folder) = file(&bytes);
    let output = Command::new("sh")
        .args(["-c", "ulimit -d 65536 && exec \"$@\"", "sh"])
        .args([env!("CARGO_BIN_EXE_lab-capture"), "show", &path])
        .output()
        .expect("starts");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<u32> = text
        .lines()
        .skip(1)
        .map_while(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    assert!(
        rows.iter().copied().eq(0..CONNECTIONS),
        "{} rows",
        rows.len()
    );
    assert!(text.contains("connections silent for long"), "told");
}

/// A reader that has seen enough is no error: neither a message nor an exit code.
#[test]
fn a_closed_pipe_is_quiet() {
    // More output than a pipe holds.
    let once = everything();
    let mut bytes = once.clone();
    for _ in 0..200 {
        bytes.extend_from_slice(&once[24..]);
    }
    let (path, _folder) = file(&bytes);
    for arguments in [&["--json"][..], &["--packets"], &[]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lab-capture"))
            .args(["show", &path])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut byte = [0];
        child.stdout.take().unwrap().read_exact(&mut byte).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}
