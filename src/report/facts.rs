//! A connection's account, made by the room that makes it for capture files, too.

use std::net::SocketAddr;

use crate::tcp::{Conversation, Seg, Side, Summary, Tracker};
use crate::wire::{Segment, SeqNumber};

/// The account of a conversation; `None` if it has no segments.
pub(super) fn summary(talk: &Conversation) -> Option<Summary> {
    let mut tracker = Tracker::default();
    for seg in &talk.segments {
        tracker.push(seg.frame, seg.time, &segment(talk, seg));
    }
    tracker.finish().next()
}

/// The segment that `seg` was made from, as far as an account looks at it.
fn segment<'a>(talk: &Conversation, seg: &'a Seg) -> Segment<'a> {
    let (src, dst): (SocketAddr, SocketAddr) = match seg.from {
        Side::Client => (talk.client, talk.server),
        Side::Server => (talk.server, talk.client),
    };
    Segment {
        src: src.ip(),
        dst: dst.ip(),
        src_port: src.port(),
        dst_port: dst.port(),
        seq: SeqNumber(seg.raw_seq),
        ack: SeqNumber(seg.raw_ack),
        flags: seg.flags,
        window: seg.window,
        urgent: 0,
        options: seg.options,
        header_len: 20,
        len: seg.len,
        payload: &seg.payload,
        checksum: 0,
        ip_id: 0,
        ttl: 64,
    }
}
