//! Accounts of whole connections.

use super::*;

fn close(how: How, by: By) -> Close {
    Close { how, by: Some(by) }
}

#[test]
fn a_whole_connection() {
    let mut w = Wire::open();
    w.c("PA", 101, 501, 10);
    w.c("PA", 101, 501, 10);
    w.s("A", 501, 111, 0);
    w.s("PA", 501, 111, 20);
    w.c("FA", 111, 521, 0);
    w.s("FA", 521, 112, 0);
    w.c("A", 112, 522, 0);
    let s = w.summary();
    assert_eq!(s.handshake, Handshake::Complete);
    assert_eq!(s.close, close(How::Fin, By::Client));
    assert_eq!((s.sent[0].payload, s.sent[0].bytes), (20, 10));
    assert_eq!(s.sent[1].bytes, 20);
    assert_eq!(s.sent[0].retransmissions, 1);
    assert_eq!((s.state, s.history.as_str()), ("SF", "ShADTadFf"));
    assert_eq!(s.completeness.bits(), 31);
    assert_eq!(s.initial_rtt, Some(2 * MS));
    assert_eq!(s.syn_rtt, Some(MS));
    assert_eq!(s.frames, [1, 10]);
}

#[test]
fn fins_that_cross_are_of_both() {
    let mut w = Wire::open();
    w.c("FA", 101, 501, 0);
    w.s("FA", 501, 101, 0);
    w.c("A", 102, 502, 0);
    w.s("A", 502, 102, 0);
    let s = w.summary();
    assert_eq!(s.close, close(How::Fin, By::Both));
    assert_eq!((s.state, s.history.as_str()), ("SF", "ShAFfa"));
}

#[test]
fn a_reset_after_one_fin_is_a_reset_and_after_two_is_not() {
    let mut w = Wire::open();
    w.c("FA", 101, 501, 0);
    w.s("RA", 501, 102, 0);
    let s = w.summary();
    assert_eq!(s.close, close(How::Reset, By::Server));
    assert_eq!(s.state, "RSTR");
    let mut w = Wire::open();
    w.c("FA", 101, 501, 0);
    w.s("FA", 501, 102, 0);
    w.c("R", 102, 0, 0);
    assert_eq!(w.summary().close, close(How::Fin, By::Client));
}

#[test]
fn refused_unanswered_partial_unseen() {
    let mut w = Wire::new();
    w.c("S", 100, 0, 0);
    w.s("RA", 0, 101, 0);
    let s = w.summary();
    assert_eq!(s.handshake, Handshake::Refused);
    assert_eq!(s.close, close(How::Reset, By::Server));
    assert_eq!((s.state, s.history.as_str()), ("REJ", "Sr"));

    let mut w = Wire::new();
    w.c("S", 100, 0, 0);
    w.c("S", 100, 0, 0);
    let s = w.summary();
    assert_eq!(s.handshake, Handshake::Unanswered);
    assert_eq!(
        s.close,
        Close {
            how: How::Open,
            by: None
        }
    );
    assert_eq!((s.state, s.history.as_str()), ("S0", "S"));

    let mut w = Wire::new();
    w.s("SA", 500, 101, 0);
    let s = w.summary();
    assert_eq!(s.handshake, Handshake::Partial);
    assert_eq!(s.client.port(), 40_000);

    let mut w = Wire::new();
    w.c("PA", 100, 1, 5);
    w.s("A", 1, 105, 0);
    let s = w.summary();
    assert_eq!(s.handshake, Handshake::Unseen);
    assert_eq!((s.state, s.history.as_str()), ("OTH", "Da"));
}

#[test]
fn zeeks_aborts() {
    let mut w = Wire::new();
    w.c("S", 100, 0, 0);
    w.c("R", 101, 0, 0);
    assert_eq!(w.summary().state, "RSTOS0");
    let mut w = Wire::open();
    w.c("PA", 101, 501, 3);
    w.c("RA", 104, 501, 0);
    let s = w.summary();
    assert_eq!((s.state, s.history.as_str()), ("RSTO", "ShADR"));
    let mut w = Wire::new();
    w.c("S", 100, 0, 0);
    w.c("F", 101, 0, 0);
    assert_eq!(w.summary().state, "SH");
    let mut w = Wire::open();
    w.s("FA", 501, 101, 0);
    assert_eq!(w.summary().state, "S3");
}

#[test]
fn gaps_and_repeated_letters() {
    let mut w = Wire::open();
    w.c("PA", 111, 501, 10);
    w.s("A", 501, 121, 0);
    for _ in 0..12 {
        w.c("PA", 111, 501, 10);
    }
    let s = w.summary();
    assert_eq!(s.sent[0].missing, 10);
    assert_eq!(s.history, "ShADaGTT", "the first and the tenth");
}

#[test]
fn zeek_flips_what_comes_from_a_server_port() {
    let mut w = Wire::new();
    w.port = 443;
    w.c("PA", 100, 1, 5);
    w.s("A", 1, 105, 0);
    let s = w.summary();
    assert_eq!(s.history, "^dA");
    assert_eq!(s.originator, Side::Server);
}

/// One end, which sends and acknowledges everything.
#[test]
fn a_socket_connected_to_itself() {
    let mut w = Wire::new();
    w.itself = true;
    w.c("S", 100, 0, 0);
    let t = w.c("SA", 100, 101, 0);
    assert_eq!(t.from, Side::Client);
    w.c("PA", 101, 101, 4);
    w.c("A", 105, 105, 0);
    w.c("FA", 105, 105, 0);
    w.c("A", 106, 106, 0);
    let s = w.summary();
    assert_eq!(s.handshake, Handshake::Complete);
    assert_eq!(s.close, close(How::Fin, By::Both));
    assert_eq!((s.sent[0].bytes, s.sent[1]), (4, Sent::default()));
}
