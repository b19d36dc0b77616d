//! The TCP header and its options (RFC 9293, section 3.1), read as Wireshark reads them.

use std::net::SocketAddr;

use super::ip::Ip;
use super::view::View;
use super::{Flags, Options, Packet, Reason, Segment, SeqNumber, Stub, StubReason};

/// Bytes of the header that Wireshark needs before it looks up the connection.
const NEEDED: usize = 16;

/// Reads a TCP header. `whole`: is `view` the whole IP payload, so that its length is the
/// segment's?
#[inline]
pub(super) fn parse<'a>(view: View<'a>, ip: &Ip, whole: bool) -> Packet<'a> {
    let Some(head) = view.array::<NEEDED>(0) else {
        return Packet::Skipped(Reason::Snapped("TCP"));
    };
    let word = u16::from_be_bytes([head[12], head[13]]);
    let header_len = (word >> 12) as u8 * 4;
    let flags = Flags::from_bits_truncate(word & 0x1ff);
    let (src_port, dst_port) = (be16(&head, 0), be16(&head, 2));
    let seq = be32(&head, 4);
    let start = usize::from(header_len);
    // A header length below 20 is not one that a capture could cut.
    let cut = header_len >= 20 && view.data.len() < start;
    if !whole || view.len < u32::from(header_len) {
        let reason = if whole {
            StubReason::Short
        } else {
            StubReason::Fragment
        };
        let stub = Stub {
            src: SocketAddr::new(ip.src, src_port),
            dst: SocketAddr::new(ip.dst, dst_port),
            seq,
            flags,
            options: (!cut).then(|| options(view.data.get(20..start).unwrap_or(&[]))),
        };
        return Packet::Stub(stub, reason);
    }
    // With a header length below 20, Wireshark still analyses the segment, without options and
    // without a payload to read.
    let sane = header_len >= 20;
    let payload = if sane {
        view.data.get(start..).unwrap_or(&[])
    } else {
        &[]
    };
    let mut options = if header_len > 20 {
        options(&view.data[20.min(view.data.len())..start.min(view.data.len())])
    } else {
        Options::default()
    };
    options.cut = cut && into_the_cut(view.data.get(20..), start - 20);
    Packet::Tcp(Segment {
        src: ip.src,
        dst: ip.dst,
        src_port,
        dst_port,
        seq: SeqNumber(seq),
        ack: SeqNumber(be32(&head, 8)),
        flags,
        window: be16(&head, 14),
        urgent: view.u16(18).unwrap_or(0),
        options,
        header_len,
        len: view.len - u32::from(header_len),
        payload,
        checksum: view.u16(16).unwrap_or(0),
        ip_id: ip.id,
        ttl: ip.ttl,
    })
}

/// Does Wireshark read on where the capture ends, in options of `len` bytes of which the first were
/// captured? It stops at one whose length cannot be, and looks at the padding behind their end.
#[cold]
fn into_the_cut(captured: Option<&[u8]>, len: usize) -> bool {
    let Some(captured) = captured else {
        return true;
    };
    let mut at = 0;
    while at < len {
        at += match captured.get(at..) {
            Some([0, ..]) => return true,
            Some([1, ..]) => 1,
            Some([_, n, ..]) if *n < 2 || usize::from(*n) > len - at => return false,
            Some([_, n, ..]) => usize::from(*n),
            Some([_]) if at + 1 == len => return false,
            _ => return true,
        };
    }
    at > captured.len()
}

/// Reads options until the end-of-list option, the end, or one whose length cannot be.
pub fn options(mut bytes: &[u8]) -> Options {
    let mut found = Options::default();
    // The timestamp option alone, aligned by two no-operations: nearly every segment.
    if let &[1, 1, 8, 10, a, b, c, d, e, f, g, h] = bytes {
        found.timestamps = Some((
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
        ));
        return found;
    }
    while let [kind, rest @ ..] = bytes {
        match kind {
            0 => break,
            1 => {
                bytes = rest;
                continue;
            }
            _ => {}
        }
        let Some(len) = rest.first().map(|&l| usize::from(l)).filter(|&l| l >= 2) else {
            break;
        };
        let Some(value) = bytes.get(2..len) else {
            break;
        };
        match (kind, value) {
            (2, &[a, b]) => found.mss = Some(u16::from_be_bytes([a, b])),
            (3, &[shift]) => found.window_scale = Some(shift),
            (4, []) => found.sack_permitted = true,
            (5, blocks) if blocks.len() % 8 == 0 => {
                let blocks = blocks.chunks_exact(8);
                found.sack_blocks = blocks.len() as u8;
                for (to, b) in found.sack.iter_mut().zip(blocks) {
                    *to = (be32(b, 0), be32(b, 4));
                }
            }
            (30, &[subtype, ..]) => found.mptcp |= 1 << (subtype >> 4),
            (8, v) if v.len() == 8 => found.timestamps = Some((be32(v, 0), be32(v, 4))),
            _ => {}
        }
        bytes = &bytes[len..];
    }
    found
}

#[inline]
fn be16(b: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([b[at], b[at + 1]])
}

#[inline]
fn be32(b: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_end_before_the_capture_does_are_whole() {
        let into = |captured: &[u8], len| into_the_cut(Some(captured), len);
        assert!(into_the_cut(None, 12), "not even the fixed part");
        assert!(into(&[1, 1, 8, 10, 0, 0], 12), "in an option");
        assert!(into(&[1, 1, 4, 2], 12), "behind an option");
        assert!(into(&[3], 12), "before a length");
        assert!(into(&[1, 0, 0], 12), "in the padding");
        assert!(!into(&[1, 1, 8, 1], 12), "a length that cannot be");
        assert!(!into(&[1, 1, 8, 11], 12), "a length over the header");
        assert!(!into(&[1, 1, 1, 8], 4), "no room for a length");
    }
}
