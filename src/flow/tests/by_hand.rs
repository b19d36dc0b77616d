//! Exchanges of the curriculum, each with the programs that made it.

use super::{conversation, script};
use crate::flow::{Canonical, Programs, canonical};
use crate::timeline::Op::{self, *};

fn flow(segments: &str, client: &[Op], server: &[Op]) -> Canonical {
    let programs = Programs {
        client: Some(client),
        server: Some(server),
    };
    canonical("client-1", &conversation(&script(segments)), programs)
}

fn text(segments: &str, client: &[Op], server: &[Op]) -> String {
    let canonical = flow(segments, client, server);
    assert_eq!(canonical.unconfirmed, [], "{segments}");
    canonical.flow.to_string()
}

fn sent(start: u64, end: u64) -> Op {
    Sent {
        start,
        end,
        echo: false,
    }
}

fn echo(start: u64, end: u64) -> Op {
    Sent {
        start,
        end,
        echo: true,
    }
}

#[test]
fn echo_client_closes_first() {
    let client = [sent(0, 5), Received(5), Close { unread: 0 }];
    let server = [
        ReceivedSome { end: 5 },
        echo(0, 5),
        PeerFin,
        Close { unread: 0 },
    ];
    insta::assert_snapshot!(text("HS cAP5 sA sAP5 cA cAF sAF cA", &client, &server), @r#"
    client-1
      handshake complete
      client 5 "bcdef"
      then server 5 "bcdef"
      then client fin
      then server fin
      close client first
    "#);
}

#[test]
fn pure_acks_and_segment_boundaries_do_not_count() {
    let client = [sent(0, 6), sent(6, 12), Received(12), Close { unread: 0 }];
    let server = [
        ReceivedSome { end: 12 },
        echo(0, 12),
        PeerFin,
        Close { unread: 0 },
    ];
    let one = text("HS cAP12 sAP12 cAF sAF cA", &client, &server);
    let server = [
        ReceivedSome { end: 6 },
        echo(0, 6),
        ReceivedSome { end: 12 },
        echo(6, 12),
        PeerFin,
        Close { unread: 0 },
    ];
    let two = text(
        "HS cAP6 sA sAP6 cAP6 cA sAP6 cA cAF sA sAF cA",
        &client,
        &server,
    );
    let three = text(
        "HS cAP6 cAP6 sA sAP6@,7 cA sAP6 cAF sAF cA",
        &client,
        &server,
    );
    assert_eq!(one, two);
    assert_eq!(one, three);
    insta::assert_snapshot!(one, @r#"
    client-1
      handshake complete
      client 12 "bcdefghijklm"
      then server 12 "bcdefghijklm"
      then client fin
      then server fin
      close client first
    "#);
}

#[test]
fn waiting_for_the_answer_is_not_pipelining() {
    let waits = [
        sent(0, 6),
        Received(6),
        sent(6, 12),
        Received(12),
        Close { unread: 0 },
    ];
    let server = [
        ReceivedSome { end: 6 },
        echo(0, 6),
        ReceivedSome { end: 12 },
        echo(6, 12),
        PeerFin,
        Close { unread: 0 },
    ];
    insta::assert_snapshot!(text("HS cAP6 sA sAP6 cAP6 sAP6 cAF sAF cA", &waits, &server), @r#"
    client-1
      handshake complete
      client 6 "bcdefg"
      then server 6 "bcdefg"
      then client 6 "hijklm"
      then server 6 "hijklm"
      then client fin
      then server fin
      close client first
    "#);
}

#[test]
fn both_directions_at_once() {
    let client = [sent(0, 300), Received(300), Close { unread: 0 }];
    let server = [sent(0, 300), Received(300), PeerFin, Close { unread: 0 }];
    insta::assert_snapshot!(text("HS cAP100 sAP300@1,1 cAP200@,101 sA cAF sAF cA", &client, &server), @r#"
    client-1
      handshake complete
      client 300 sha256:467ebb0d86ced6d4f7fb32f3a81252d6a0c2477a28d58d6bb4342cdc93947030
      || server 300 sha256:467ebb0d86ced6d4f7fb32f3a81252d6a0c2477a28d58d6bb4342cdc93947030
      then client fin
      then server fin
      close client first
    "#);
}

#[test]
fn half_close() {
    let client = [
        sent(0, 8),
        Shutdown,
        Received(6),
        PeerFin,
        Close { unread: 0 },
    ];
    let server = [Received(8), PeerFin, sent(0, 6), Close { unread: 0 }];
    insta::assert_snapshot!(text("HS cAP8 sA cAF sA sAP6 cA sAF cA", &client, &server), @r#"
    client-1
      handshake complete
      client 8 "bcdefghi" fin
      then server 6 "bcdefg" fin
      close client first
    "#);
}

#[test]
fn fin_on_data_is_data_then_fin() {
    let client = [sent(0, 8), Close { unread: 0 }];
    let server = [ReceivedSome { end: 8 }, PeerFin, Close { unread: 0 }];
    let apart = text("HS cAP8 sA cAF sAF cA", &client, &server);
    let riding = text("HS cAPF8 sAF cA", &client, &server);
    assert_eq!(apart, riding);
    insta::assert_snapshot!(apart, @r#"
    client-1
      handshake complete
      client 8 "bcdefghi" fin
      then server fin
      close client first
    "#);
}

#[test]
fn crossing_fins() {
    let close = [Close { unread: 0 }];
    insta::assert_snapshot!(text("HS sAF@1,1 cAF@1,1 cA@2,2 sA@2,2", &close, &close), @r"
    client-1
      handshake complete
      client fin
      || server fin
      close crossed
    ");
}

#[test]
fn who_was_first_follows_from_acknowledgements_not_from_order() {
    let client = [Close { unread: 0 }];
    let server = [PeerFin, Close { unread: 0 }];
    let straight = text("HS cAF sAF cA", &client, &server);
    // Two CPUs: the server's FIN overtakes in the capture, but it acknowledges the client's.
    let swapped = text("HS sAF@1,2 cAF@1,1 cA@2,2", &client, &server);
    assert_eq!(straight, swapped);
    assert!(straight.contains("close client first"));
}

#[test]
fn refused() {
    insta::assert_snapshot!(text("cS sAR", &[], &[]), @r"
    client-1
      handshake refused
    ");
}

#[test]
fn server_closes_with_unread_data() {
    let client = [sent(0, 10), PeerReset];
    let server = [Received(10), Close { unread: 10 }];
    insta::assert_snapshot!(text("HS cAP10 sA sAR", &client, &server), @r#"
    client-1
      handshake complete
      client 10 "bcdefghijk"
      then server reset (abort)
      close reset by server (abort)
    "#);
}

#[test]
fn repeated_resets_count_once() {
    let client = [sent(0, 5), Received(5), Reset];
    let server = [ReceivedSome { end: 5 }, echo(0, 5)];
    let once = text("HS cAP5 sAP5 cA cAR", &client, &server);
    let twice = text("HS cAP5 sA sAP5 cA cAR cR", &client, &server);
    assert_eq!(once, twice);
    insta::assert_snapshot!(once, @r#"
    client-1
      handshake complete
      client 5 "bcdef"
      then server 5 "bcdef"
      then client reset (abort)
      close reset by client (abort)
    "#);
}

#[test]
fn answer_to_data_after_close() {
    let client = [sent(0, 26), Close { unread: 0 }];
    let server = [PeerFin, ReceivedSome { end: 26 }, sent(0, 26)];
    insta::assert_snapshot!(text("HS cAP26 sA cAF sAP26 cR@28,0", &client, &server), @r#"
    client-1
      handshake complete
      client 26 "bcdefghijklmnopqrstuvwxyza" fin
      then server 26 "bcdefghijklmnopqrstuvwxyza"
      then client reset (answer)
      close reset by client (answer), after client fin
    "#);
}

#[test]
fn bytes_that_a_reset_raced_with_are_at_least_what_the_script_fixes() {
    // The server streams; the client reads ten bytes and resets.
    let client = [Received(10), Reset];
    let server = [sent(0, 4000)];
    let some = text("HS sAP40 sAP60 cA cAR", &client, &server);
    let more = text("HS sAP40 cAR@,41 sAP60", &client, &server);
    assert_eq!(some, more);
    let none = text("HS sAP10 cAR", &client, &[sent(0, 10), sent(10, 4000)]);
    assert_eq!(some, none);
    insta::assert_snapshot!(some, @r#"
    client-1
      handshake complete
      server 10 "bcdefghijk"
      then client reset (abort)
      close reset by client (abort)
    "#);
}

#[test]
fn retransmissions_keep_alives_and_probes_are_facts() {
    let client = [sent(0, 5), Received(5), Close { unread: 0 }];
    let server = [
        ReceivedSome { end: 5 },
        echo(0, 5),
        PeerFin,
        Close { unread: 0 },
    ];
    let plain = text("HS cAP5 sAP5 cAF sAF cA", &client, &server);
    let noisy = text(
        "cS cS@0, sAS sAS@0, cA cAP5 cAP5@1, sA sA@0, cA sAP5 sAP5@1, cA@5, cA sA@5, cAF cAF@6, sAF cA sAF@6,",
        &client,
        &server,
    );
    assert_eq!(plain, noisy);
}

#[test]
fn a_wait_that_the_wire_does_not_show_is_reported() {
    let client = [sent(0, 5), Received(5), sent(5, 10)];
    let server = [ReceivedSome { end: 5 }, echo(0, 5)];
    // The second five bytes acknowledge nothing of the answer.
    let canonical = flow("HS cAP5 sAP5 cAP5@6,1", &client, &server);
    assert_eq!(canonical.unconfirmed.len(), 1);
    assert_eq!(canonical.unconfirmed[0].waited_for, 5);
    assert_eq!(canonical.unconfirmed[0].acknowledged, 0);
    assert_eq!(canonical.unconfirmed[0].frame, 6);
}

#[test]
fn unsent_bytes_are_counted() {
    let client = [sent(0, 100), Reset];
    let canonical = flow("HS cAP40 cAR", &client, &[]);
    assert_eq!(canonical.unsent, [60, 0]);
}

#[test]
fn observed_flow_of_a_foreign_capture() {
    let conversation = conversation(&script("HS cAP5 sA sAP5 cA cAP6 sAP6 cAF sAF cA"));
    let canonical = canonical("client", &conversation, Programs::default());
    assert_eq!(canonical.observed, [true, true]);
    insta::assert_snapshot!(canonical.flow, @r#"
    client
      handshake complete
      client 5 "bcdef"
      then server 5 "bcdef"
      then client 6 "ghijkl"
      then server 6 "ghijkl"
      then client fin
      then server fin
      close client first
    "#);
}

#[test]
fn a_deadlock_prints_no_byte_counts_that_vary() {
    let client = [sent(0, 9000)];
    let server = [sent(0, 9000)];
    let some = text("HS cAP400 sAP300@1,1 cAP200@,301", &client, &server);
    let more = text("HS cAP4000 sAP3000@1,1 cAP200@,3001", &client, &server);
    assert_eq!(some, more);
    insta::assert_snapshot!(some, @r#"
    client-1
      handshake complete
      client at least 1 "b"
      || server at least 1 "b"
      close none, left open
    "#);
}

/// Seen under load: the client's ACK of the FIN came after its own FIN; the server, already in
/// TIME-WAIT, acknowledged it again, and the client's kernel had no socket for that any more.
#[test]
fn a_reset_that_answers_the_echo_of_an_overtaken_ack_does_not_count() {
    let client = [sent(0, 5), PeerFin, Close { unread: 0 }];
    let server = [Received(5), Close { unread: 0 }];
    let plain = text("HS cAP5 sA sAF cA cAF sA", &client, &server);
    let overtaken = text("HS cAP5 sA sAF cAF sA cA@6,2 sA cR", &client, &server);
    assert_eq!(overtaken, plain);
    // While one FIN is not acknowledged, a RST is news.
    let cut_off = text(
        "HS cAP5 sA cAF sAF cR",
        &[sent(0, 5), Close { unread: 0 }],
        &server,
    );
    assert!(cut_off.contains("reset by client (answer)"), "{cut_off}");
}

#[test]
fn a_foreign_capture_that_ends_in_a_reset_says_what_had_arrived() {
    let conversation = conversation(&script("HS cAP5 sA sAP40 cA@,21 sAP10 cAR"));
    let canonical = canonical("client", &conversation, Programs::default());
    insta::assert_snapshot!(canonical.flow, @r#"
    client
      handshake complete
      client 5 "bcdef"
      then server at least 20 "bcdefghijklmnopqrstu"
      then client reset (abort)
      close reset by client (abort)
    "#);
}
