//! What varies within payloads is replaced, however long they are and however they were carried.

use regex::bytes::Regex;
use sha2::{Digest, Sha256};

use super::{conversation, script};
use crate::flow::Redaction;
use crate::flow::udp::Message;
use crate::flow::*;
use crate::tcp::Side;

fn redaction(pattern: &str, with: &str) -> Redaction {
    Redaction {
        name: "test".to_owned(),
        pattern: Regex::new(pattern).unwrap(),
        with: with.as_bytes().to_vec(),
    }
}

fn dates() -> Vec<Redaction> {
    vec![redaction(r"Date: [^\r]*", "Date: [date]")]
}

/// The flow of a connection whose client sends this, in segments of at most `size` bytes.
fn tcp(payload: &[u8], size: usize, redactions: &[Redaction]) -> String {
    let lengths: Vec<String> = payload
        .chunks(size)
        .map(|piece| format!("cAP{}", piece.len()))
        .collect();
    let mut made = script(&format!("HS {} cAF sAF cA", lengths.join(" ")));
    let carriers = made
        .iter_mut()
        .filter(|segment| !segment.payload.is_empty());
    for (segment, piece) in carriers.zip(payload.chunks(size)) {
        segment.payload = piece.to_vec();
    }
    let talk = conversation(&made);
    let flow = canonical_redacted("client", &talk, Programs::default(), redactions).flow;
    flow.to_string()
}

/// The flow of one datagram, of which so many bytes were captured.
fn udp(payload: &[u8], captured: usize, redactions: &[Redaction]) -> String {
    let exchange = Exchange {
        client: "127.0.0.1:40000".parse().unwrap(),
        server: "127.0.0.1:5000".parse().unwrap(),
        messages: vec![Message {
            frame: 1,
            time: 0,
            from: Side::Client,
            payload: payload[..captured].into(),
            len: payload.len() as u32,
        }],
        unreachable: vec![],
    };
    canonical_udp_redacted("client", &exchange, [None, None], redactions).to_string()
}

fn head(date: &str, body: usize, last: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nDate: {date}\r\n\r\n{}{last}",
        "x".repeat(body)
    )
    .into_bytes()
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("sha256:{hex}")
}

#[test]
fn a_short_payload_is_shown_with_the_replacement_and_without_its_length() {
    let payload = head("Mon, 1 Jan", 3, "");
    let shown = "client \"HTTP/1.1 200 OK\\r\\nDate: [date]\\r\\n\\r\\nxxx\"";
    for flow in [
        tcp(&payload, 1000, &dates()),
        udp(&payload, payload.len(), &dates()),
    ] {
        assert!(flow.contains(shown), "{flow}");
    }
}

#[test]
fn a_long_payload_is_the_digest_of_what_is_left() {
    let (one, other) = (
        head("Mon, 1 Jan", 2000, ""),
        head("Tue, 12 March", 2000, ""),
    );
    let expected = format!("client {}", digest(&head("[date]", 2000, "")));
    for flow in [
        tcp(&one, 1000, &dates()),
        tcp(&other, 1448, &dates()),
        udp(&one, one.len(), &dates()),
        udp(&other, other.len(), &dates()),
    ] {
        assert!(flow.contains(&expected), "{expected} in\n{flow}");
    }
    // What is not redacted counts, to the last byte.
    let changed = head("Mon, 1 Jan", 2000, "y");
    assert_ne!(tcp(&one, 1000, &dates()), tcp(&changed, 1000, &dates()));
    assert_ne!(
        udp(&one, one.len(), &dates()),
        udp(&changed, changed.len(), &dates())
    );
}

#[test]
fn without_a_match_length_and_digest_stay() {
    let payload = head("Mon, 1 Jan", 2000, "");
    let nothing = [redaction("no such text", "")];
    let expected = format!("client {} {}", payload.len(), digest(&payload));
    for redactions in [&nothing[..], &[]] {
        for flow in [
            tcp(&payload, 1000, redactions),
            udp(&payload, payload.len(), redactions),
        ] {
            assert!(flow.contains(&expected), "{expected} in\n{flow}");
        }
    }
}

#[test]
fn what_segments_cut_in_two_is_found_all_the_same() {
    let payload = head("Mon, 1 Jan", 300, "");
    let whole = tcp(&payload, 1000, &dates());
    for size in 1..40 {
        assert_eq!(tcp(&payload, size, &dates()), whole, "segments of {size}");
    }
}

#[test]
fn a_replacement_can_make_a_long_payload_short() {
    let payload = head("Mon, 1 Jan", 2000, "");
    let redactions = [
        redaction("x+", "[body]"),
        redaction(r"(?s)^.*\[body", "[all"),
    ];
    for flow in [
        tcp(&payload, 1000, &redactions),
        udp(&payload, payload.len(), &redactions),
    ] {
        // One after the other, each sees what the one before it left.
        assert!(flow.contains("client \"[all]\""), "{flow}");
    }
}

/// Bytes that are not in the capture cannot be searched: nothing is claimed of them.
#[test]
fn what_was_not_captured_is_not_redacted() {
    let payload = head("Mon, 1 Jan", 100, "");
    let flow = udp(&payload, 60, &dates());
    let expected = format!("client {} not captured", payload.len());
    assert!(flow.contains(&expected), "{flow}");
}
