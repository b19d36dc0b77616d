//! Bounded memory: what makes room, what is remembered, what never breaks.

use super::*;

#[test]
fn half_open_connections_are_closed_into_the_result() {
    let mut w = Wire::new();
    w.tracker = Tracker::with_limits(Limits {
        live: 100,
        kept: 10,
    });
    let mut taken = Vec::new();
    for n in 0..5_000 {
        w.port = n;
        assert_eq!(w.c("S", 100, 0, 0).stream, u32::from(n));
        taken.extend(w.tracker.take_finished());
    }
    assert_eq!(taken.len(), 4_900);
    assert!(taken.iter().all(|s| s.evicted && s.state == "S0"));
    taken.extend(w.tracker.finish());
    let mut streams: Vec<u32> = taken.iter().map(|s| s.stream).collect();
    streams.sort_unstable();
    assert!(streams.into_iter().eq(0..5_000));
}

#[test]
fn a_busy_connection_stays_and_an_evicted_one_keeps_its_numbers() {
    let mut w = Wire::new();
    w.tracker = Tracker::with_limits(Limits { live: 4, kept: 64 });
    w.port = 1;
    w.handshake();
    w.c("PA", 101, 501, 10);
    for n in 2..40 {
        w.port = n;
        w.c("S", 100, 0, 0);
        w.port = 50_000;
        let seq = 1_000 + u32::from(n);
        assert_eq!(w.c("PA", seq, 1, 1).stream, 2, "always busy");
    }
    w.port = 1;
    let t = w.c("PA", 101, 501, 10);
    assert_eq!((t.stream, t.seq, t.ack), (0, 1, 1));
    assert_eq!(t.analysis, Analysis::RETRANSMISSION);
    let finished: Vec<Summary> = w.tracker.take_finished().collect();
    let busy = finished.iter().filter(|s| s.stream == 2).count();
    assert_eq!(busy, 0);
    let last = w.tracker.summary(0).expect("it is back");
    assert!(last.continued);
}

/// Anything at all, in a tracker with little room: no panic (overflow checks are on here), every
/// stream once in the result unless it was evicted.
#[test]
fn random_segments() {
    let mut x = 1u64;
    let mut next = move || {
        x = x
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (x >> 20) as u32
    };
    let mut w = Wire::new();
    w.tracker = Tracker::with_limits(Limits { live: 20, kept: 5 });
    let mut summaries = 0;
    let mut whole = 0;
    for n in 0..300_000u32 {
        w.port = (next() % 40) as u16;
        w.time = if n % 1_000 == 0 {
            i64::from(next()) << 31
        } else {
            w.time + i64::from(next() % 9_000_000)
        };
        w.window = next() as u16;
        w.header_len = if next() % 50 == 0 {
            (next() % 16 * 4) as u8
        } else {
            20
        };
        w.options.window_scale = (next() % 20 == 0).then(|| next() as u8);
        w.options.mptcp = (next() % 100 == 0) as u16 * next() as u16;
        let mut flags = String::new();
        for letter in ["S", "F", "R", "A", "A", "P"] {
            if next() % 3 == 0 {
                flags.push_str(letter);
            }
        }
        let far = next() % 4 == 0;
        let mut number = || if far { next() } else { next() % 3_000 };
        let (seq, ack, len) = (number(), number(), number() % 65_536);
        let t = w.put((n % 2) as u8, &flags, seq, ack, len);
        assert!(t.stream < w.tracker.streams());
        for s in w.tracker.take_finished() {
            summaries += 1;
            whole += u32::from(!s.evicted && !s.continued);
            assert!(s.history.len() <= 200);
        }
    }
    assert!(summaries > 1_000 && whole > 100, "{summaries} {whole}");
    assert!(w.tracker.finish().count() <= 20);
}
