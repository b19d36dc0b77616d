//! What the tracker says, flag by flag. Each expectation is what tshark 4.0 prints for the same
//! segments; `tests/tcp_tshark` compares many more with tshark itself.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::wire::{Flags, Options, Segment, SeqNumber};

/// Two ends, 0 the client; sends a segment a millisecond unless told otherwise.
pub(super) struct Wire {
    pub(super) tracker: Tracker,
    frame: u64,
    time: i64,
    window: u16,
    port: u16,
    header_len: u8,
    /// Is the other end the same?
    itself: bool,
    options: Options,
}

const MS: i64 = 1_000_000;

impl Wire {
    pub(super) fn new() -> Wire {
        Wire {
            tracker: Tracker::default(),
            frame: 0,
            time: 1_700_000_000_000_000_000,
            window: 1_000,
            port: 40_000,
            header_len: 20,
            itself: false,
            options: Options::default(),
        }
    }

    /// After the handshake: client at 101, server at 501; round trip 2 ms.
    fn open() -> Wire {
        let mut w = Wire::new();
        w.handshake();
        w
    }

    fn handshake(&mut self) {
        self.c("S", 100, 0, 0);
        self.s("SA", 500, 101, 0);
        self.c("A", 101, 501, 0);
    }

    fn later(&mut self, ns: i64) -> &mut Wire {
        self.time += ns;
        self
    }

    fn window(&mut self, window: u16) -> &mut Wire {
        self.window = window;
        self
    }

    fn put(&mut self, from: u8, flags: &str, seq: u32, ack: u32, len: u32) -> Tracked {
        self.frame += 1;
        self.time += MS;
        let end = |n: u8| {
            let n = if self.itself { 0 } else { n };
            let port = if n == 0 { self.port } else { 9_999 };
            (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1 + n)), port)
        };
        let ((src, src_port), (dst, dst_port)) = (end(from), end(1 - from));
        let flags = flags.chars().fold(Flags::empty(), |all, letter| {
            all | match letter {
                'S' => Flags::SYN,
                'A' => Flags::ACK,
                'F' => Flags::FIN,
                'R' => Flags::RST,
                _ => Flags::PSH,
            }
        });
        self.tracker.push(
            self.frame,
            self.time,
            &Segment {
                src,
                dst,
                src_port,
                dst_port,
                seq: SeqNumber(seq),
                ack: SeqNumber(ack),
                flags,
                window: self.window,
                urgent: 0,
                options: self.options,
                header_len: self.header_len,
                len,
                payload: &[],
                checksum: 0,
                ip_id: 0,
                ttl: 64,
            },
        )
    }

    /// The client sends.
    fn c(&mut self, flags: &str, seq: u32, ack: u32, len: u32) -> Tracked {
        self.put(0, flags, seq, ack, len)
    }

    /// The server sends.
    fn s(&mut self, flags: &str, seq: u32, ack: u32, len: u32) -> Tracked {
        self.put(1, flags, seq, ack, len)
    }

    /// The only connection's account.
    fn summary(self) -> Summary {
        let mut all: Vec<Summary> = self.tracker.finish().collect();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

const NONE: Analysis = Analysis::empty();

#[test]
fn retransmission() {
    let mut w = Wire::open();
    w.c("PA", 101, 501, 10);
    assert_eq!(
        w.later(200 * MS).c("PA", 101, 501, 10).analysis,
        Analysis::RETRANSMISSION
    );
    // A SYN that comes again is one, too.
    let mut w = Wire::new();
    w.c("S", 100, 0, 0);
    assert_eq!(w.c("S", 100, 0, 0).analysis, Analysis::RETRANSMISSION);
}

#[test]
fn fast_retransmission_within_20_ms_of_two_duplicate_acks() {
    for (delay, expected) in [
        (18, Analysis::FAST_RETRANSMISSION | Analysis::RETRANSMISSION),
        (19, Analysis::RETRANSMISSION),
    ] {
        let mut w = Wire::open();
        w.s("A", 501, 101, 0);
        w.c("PA", 101, 501, 10);
        w.c("PA", 111, 501, 10);
        w.s("A", 501, 101, 0);
        w.s("A", 501, 101, 0);
        assert_eq!(w.later(delay * MS).c("PA", 101, 501, 10).analysis, expected);
    }
}

#[test]
fn spurious_retransmission() {
    let mut w = Wire::open();
    w.c("PA", 101, 501, 10);
    w.s("A", 501, 111, 0);
    assert_eq!(
        w.c("PA", 101, 501, 10).analysis,
        Analysis::SPURIOUS_RETRANSMISSION | Analysis::RETRANSMISSION
    );
}

#[test]
fn out_of_order_within_the_initial_round_trip() {
    let mut w = Wire::open();
    w.c("PA", 101, 501, 10);
    assert_eq!(w.c("PA", 121, 501, 10).analysis, Analysis::LOST_SEGMENT);
    assert_eq!(w.c("PA", 111, 501, 10).analysis, Analysis::OUT_OF_ORDER);
    // The highest one again is a retransmission, however soon.
    assert_eq!(w.c("PA", 121, 501, 10).analysis, Analysis::RETRANSMISSION);
    // Later than the round trip.
    w.c("PA", 151, 501, 10);
    assert_eq!(
        w.later(MS).c("PA", 141, 501, 10).analysis,
        Analysis::RETRANSMISSION
    );
}

#[test]
fn out_of_order_within_3_ms_without_a_handshake() {
    let mut w = Wire::new();
    w.c("PA", 101, 501, 10);
    w.c("PA", 121, 501, 10);
    assert_eq!(
        w.later(MS).c("PA", 111, 501, 5).analysis,
        Analysis::OUT_OF_ORDER
    );
    assert_eq!(w.c("PA", 116, 501, 5).analysis, Analysis::RETRANSMISSION);
}

#[test]
fn duplicate_acks_are_numbered_from_the_one_they_repeat() {
    let mut w = Wire::open();
    w.c("PA", 101, 501, 10);
    w.s("A", 501, 111, 0);
    for n in 1..=300 {
        let t = w.s("A", 501, 111, 0);
        assert_eq!(t.analysis, Analysis::DUPLICATE_ACK);
        assert_eq!((t.dup_ack, t.dup_ack_frame), (n, 5));
    }
    assert_eq!(
        w.s("PA", 501, 111, 4).analysis,
        NONE,
        "with data it is none"
    );
}

#[test]
fn zero_window_probe_and_its_answer() {
    let mut w = Wire::open();
    w.c("PA", 101, 501, 10);
    assert_eq!(
        w.window(0).s("A", 501, 111, 0).analysis,
        Analysis::ZERO_WINDOW
    );
    assert_eq!(
        w.window(900).c("PA", 111, 501, 1).analysis,
        Analysis::ZERO_WINDOW_PROBE
    );
    assert_eq!(
        w.window(0).s("A", 501, 111, 0).analysis,
        Analysis::ZERO_WINDOW | Analysis::ZERO_WINDOW_PROBE_ACK
    );
    assert_eq!(
        w.window(700).s("A", 501, 111, 0).analysis,
        Analysis::WINDOW_UPDATE
    );
    // The probe's byte did not move the expected number.
    assert_eq!(w.window(900).c("PA", 111, 501, 20).analysis, NONE);
    assert_eq!(
        w.window(0).c("R", 131, 0, 0).analysis,
        NONE,
        "a RST has no window"
    );
}

#[test]
fn window_full_to_the_byte_with_the_scale() {
    let mut w = Wire::new();
    w.options.window_scale = Some(3);
    w.c("S", 100, 0, 0);
    w.s("SA", 500, 101, 0);
    w.options.window_scale = None;
    w.c("A", 101, 501, 0);
    w.window(10).s("A", 501, 101, 0);
    assert_eq!(w.c("PA", 101, 501, 79).analysis, NONE);
    assert_eq!(w.c("PA", 180, 501, 1).analysis, Analysis::WINDOW_FULL);
    // A scale that nobody saw is not guessed.
    let mut w = Wire::new();
    w.window(10).s("A", 501, 101, 0);
    assert_eq!(w.c("PA", 101, 501, 10).analysis, NONE);
}

#[test]
fn keep_alive_and_its_answer() {
    for len in [0, 1] {
        let mut w = Wire::open();
        w.c("PA", 101, 501, 10);
        w.s("A", 501, 111, 0);
        assert_eq!(w.c("A", 110, 501, len).analysis, Analysis::KEEP_ALIVE);
        assert_eq!(w.s("A", 501, 111, 0).analysis, Analysis::KEEP_ALIVE_ACK);
        assert_eq!(w.s("A", 501, 111, 0).analysis, Analysis::KEEP_ALIVE_ACK);
    }
}

#[test]
fn lost_segment_and_its_acknowledgement() {
    let mut w = Wire::open();
    assert_eq!(w.c("PA", 111, 501, 10).analysis, Analysis::LOST_SEGMENT);
    assert_eq!(w.s("A", 501, 121, 0).analysis, Analysis::ACK_LOST_SEGMENT);
    assert_eq!(w.c("PA", 121, 501, 10).analysis, NONE);
    assert_eq!(w.s("A", 501, 131, 0).analysis, NONE, "said once");
}

#[test]
fn reused_ports() {
    let mut w = Wire::open();
    let t = w.c("S", 9_000, 0, 0);
    assert_eq!(
        (t.analysis, t.stream, t.seq),
        (Analysis::REUSED_PORTS, 1, 0)
    );
    assert_eq!(t.completeness, Completeness::SYN, "as Wireshark has it");
    assert!(t.opens);
    // The other end may open, too.
    w.s("SA", 6_000, 9_001, 0);
    let t = w.s("S", 7_000, 0, 0);
    assert_eq!(
        (t.analysis, t.stream, t.from),
        (Analysis::REUSED_PORTS, 2, Side::Client)
    );
    // A SYN-ACK with another number renumbers its direction, and opens nothing.
    let t = w.c("SA", 100, 7_001, 0);
    assert_eq!((t.analysis, t.stream), (NONE, 2));
    let t = w.c("SA", 200, 7_001, 0);
    assert_eq!(t.analysis, Analysis::REUSED_PORTS | Analysis::LOST_SEGMENT);
    assert_eq!((t.stream, t.seq), (2, 0));
}

#[test]
fn numbers_are_relative_across_the_wrap_and_from_one_in_midstream() {
    let mut w = Wire::new();
    w.c("S", u32::MAX, 0, 0);
    w.s("SA", u32::MAX - 1, 0, 0);
    let t = w.s("PA", u32::MAX, 0, 10);
    assert_eq!((t.seq, t.ack, t.next_seq), (1, 1, 11));
    let mut w = Wire::new();
    let t = w.s("PA", 77, 99, 5);
    assert_eq!((t.from, t.seq, t.ack, t.next_seq), (Side::Client, 1, 1, 6));
    // Without ACK the field is shown as it was sent.
    assert_eq!(w.c("R", 99, 5, 0).ack, 5);
}

#[test]
fn a_header_length_below_a_header_is_analysed_unseen() {
    let mut w = Wire::open();
    w.header_len = 16;
    let t = w.c("PA", 101, 501, 14);
    assert_eq!((t.seq, t.analysis), (1, NONE));
    w.header_len = 20;
    assert_eq!(w.c("PA", 101, 501, 10).analysis, Analysis::OUT_OF_ORDER);
    w.header_len = 0;
    w.c("PA", 111, 501, 50);
    w.header_len = 20;
    assert_eq!(w.c("PA", 160, 501, 30).analysis, NONE);
}

mod limits;
mod summaries;
