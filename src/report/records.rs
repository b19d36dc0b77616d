//! The JSON Lines of a capture file: as [`json`](super::json) writes them of a run, written
//! straight into a buffer, since there may be many millions.

use super::buffer::Buffer;
use crate::tcp::{Analysis, By, Handshake, How, Sent, Side, Summary, Tracked};
use crate::timeline::Nanos;
use crate::wire::{Flags, Segment};

/// A `segment` record.
#[inline]
pub fn segment(b: &mut Buffer, frame: u64, time: Nanos, segment: &Segment<'_>, tracked: &Tracked) {
    b.text(r#"{"type":"segment","frame":"#);
    b.number(frame);
    b.text(r#","stream":"#);
    b.number(tracked.stream.into());
    b.text(r#","time":"#);
    b.seconds(time);
    b.text(match tracked.from {
        Side::Client => r#","from":"client","src":""#,
        Side::Server => r#","from":"server","src":""#,
    });
    b.address(segment.src, segment.src_port);
    b.text(r#"","dst":""#);
    b.address(segment.dst, segment.dst_port);
    b.text(r#"","flags":""#);
    flags(b, segment.flags);
    b.text(r#"","seq":"#);
    b.number(tracked.seq.into());
    b.text(r#","ack":"#);
    b.number(tracked.ack.into());
    b.text(r#","len":"#);
    b.number(segment.len.into());
    b.text(r#","window":"#);
    b.number(segment.window.into());
    b.text(r#","analysis":["#);
    analysis(b, tracked.analysis);
    b.text("]}\n");
}

pub(super) fn flags(b: &mut Buffer, flags: Flags) {
    // Nearly all segments.
    if flags == Flags::ACK {
        return b.text("ACK");
    }
    if flags == Flags::PSH | Flags::ACK {
        return b.text("PSH,ACK");
    }
    let mut first = true;
    for (name, _) in flags.iter_names() {
        if !first {
            b.byte(b',');
        }
        first = false;
        b.text(name);
    }
}

#[inline]
fn analysis(b: &mut Buffer, analysis: Analysis) {
    if analysis.is_empty() {
        return;
    }
    for (index, name) in analysis.names().enumerate() {
        b.text(if index == 0 { "\"" } else { ",\"" });
        b.text(name);
        b.byte(b'"');
    }
}

/// The word of the JSON records.
pub fn handshake(handshake: Handshake) -> &'static str {
    match handshake {
        Handshake::Complete => "complete",
        Handshake::Refused => "refused",
        Handshake::Unanswered => "unanswered",
        Handshake::Partial => "partial",
        Handshake::Unseen => "unseen",
    }
}

/// The word of the JSON records.
pub fn how(how: How) -> &'static str {
    match how {
        How::Fin => "fin",
        How::Reset => "reset",
        How::Open => "open",
        How::Half => "half",
    }
}

/// The word of the JSON records.
pub fn by(by: By) -> &'static str {
    match by {
        By::Client => "client",
        By::Server => "server",
        By::Both => "both",
    }
}

/// A `connection` record.
pub fn connection(b: &mut Buffer, s: &Summary) {
    b.text(r#"{"type":"connection","stream":"#);
    b.number(s.stream.into());
    b.text(r#","client":""#);
    b.address(s.client.ip(), s.client.port());
    b.text(r#"","server":""#);
    b.address(s.server.ip(), s.server.port());
    b.text(r#"","handshake":""#);
    b.text(handshake(s.handshake));
    b.text(r#"","close":{"how":""#);
    b.text(how(s.close.how));
    b.text(r#"","by":"#);
    match s.close.by {
        Some(who) => b.string(by(who)),
        None => b.text("null"),
    }
    b.text(r#"},"bytes":"#);
    both(b, s, |sent| sent.bytes);
    b.text(r#","completeness":"#);
    b.number(s.completeness.bits().into());
    b.text(r#","state":""#);
    b.text(s.state);
    b.text(r#"","history":"#);
    b.string(&s.history);
    for (name, of) in FACTS {
        b.byte(b',');
        b.string(name);
        b.byte(b':');
        both(b, s, of);
    }
    b.text(r#","options":{"client":"#);
    options(b, &s.sent[0]);
    b.text(r#","server":"#);
    options(b, &s.sent[1]);
    b.text(r#"},"initial_rtt":"#);
    duration(b, s.initial_rtt);
    b.text(r#","syn_rtt":"#);
    duration(b, s.syn_rtt);
    b.text(r#","time":["#);
    b.seconds(s.time[0]);
    b.byte(b',');
    b.seconds(s.time[1]);
    b.text(r#"],"frames":["#);
    b.number(s.frames[0]);
    b.byte(b',');
    b.number(s.frames[1]);
    b.text(r#"],"evicted":"#);
    b.display(s.evicted);
    b.text(r#","continued":"#);
    b.display(s.continued);
    b.text("}\n");
}

type Fact = (&'static str, fn(&Sent) -> u64);

const FACTS: [Fact; 7] = [
    ("missing", |sent| sent.missing),
    ("segments", |sent| sent.segments),
    ("payload", |sent| sent.payload),
    ("retransmissions", |sent| sent.retransmissions),
    ("out_of_order", |sent| sent.out_of_order),
    ("duplicate_acks", |sent| sent.duplicate_acks),
    ("zero_windows", |sent| sent.zero_windows),
];

fn both(b: &mut Buffer, s: &Summary, of: impl Fn(&Sent) -> u64) {
    b.text(r#"{"client":"#);
    b.number(of(&s.sent[0]));
    b.text(r#","server":"#);
    b.number(of(&s.sent[1]));
    b.byte(b'}');
}

fn options(b: &mut Buffer, sent: &Sent) {
    let number = |b: &mut Buffer, n: Option<u64>| match n {
        Some(n) => b.number(n),
        None => b.text("null"),
    };
    b.text(r#"{"mss":"#);
    number(b, sent.mss.map(u64::from));
    b.text(r#","window_scale":"#);
    number(b, sent.window_scale.map(u64::from));
    b.text(r#","sack_permitted":"#);
    b.display(sent.sack_permitted);
    b.text(r#","timestamps":"#);
    b.display(sent.timestamps);
    b.byte(b'}');
}

/// Seconds, or `null`.
fn duration(b: &mut Buffer, time: Option<Nanos>) {
    match time {
        Some(time) => b.seconds(time),
        None => b.text("null"),
    }
}
