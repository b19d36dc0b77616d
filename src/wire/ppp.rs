//! PPP (RFC 1661, RFC 1662) and Cisco HDLC.

use super::ip::{self, Path};
use super::view::View;
use super::{Packet, Reason, ether};

/// PPP with HDLC address and control, without, or Cisco HDLC: told by the first bytes.
pub(super) fn framed<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match (view.u8(0), view.u8(1)) {
        (Some(0xff), Some(_)) => match view.skip(2) {
            Some(rest) => ppp(rest, path),
            None => Packet::Skipped(Reason::Snapped("PPP")),
        },
        (Some(0x0f | 0x8f), Some(_)) => cisco(view, path),
        _ => ppp(view, path),
    }
}

/// PPP from its protocol field on.
pub(super) fn ppp<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    // A protocol number may be sent in one byte, which is odd; the first of two is even.
    let (protocol, header) = match (view.u8(0), view.u16(0)) {
        (Some(short), _) if short & 1 == 1 => (u16::from(short), 1),
        (_, Some(long)) => (long, 2),
        _ => return Packet::Skipped(Reason::Snapped("PPP")),
    };
    let Some(rest) = view.skip(header) else {
        return Packet::Skipped(Reason::Snapped("PPP"));
    };
    match protocol {
        0x0021 | 0x0800 => ip::either(rest, path),
        0x0057 | 0x86dd => ip::v6(rest, path),
        // Van Jacobson's compression, a header in full: the protocol field has another use.
        0x002f if rest.u8(0).is_some_and(|b| b >> 4 == 4) => ip::v4_tcp(rest, path),
        0x004b => ether::llc(rest, path),
        // Bridging (RFC 3518): flags, MAC type; 1 is Ethernet.
        0x0031 if rest.u8(1) == Some(1) => match rest.skip(2) {
            Some(rest) => ether::ethernet(rest, path),
            None => Packet::Skipped(Reason::Snapped("PPP")),
        },
        // Multilink (RFC 1990): a packet that is its own first and last fragment.
        0x003d if rest.u8(0).is_some_and(|b| b & 0xc0 == 0xc0) => {
            match (rest.skip(4), path.deeper()) {
                (Some(rest), Some(path)) => ppp(rest, path),
                (None, _) => Packet::Skipped(Reason::Snapped("PPP")),
                (_, None) => Packet::Skipped(Reason::TooDeep),
            }
        }
        0x0281 | 0x0283 => ether::mpls(rest, path),
        other => Packet::Skipped(Reason::Ppp(other)),
    }
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match (view.u16(2), view.skip(4)) {
        (Some(kind), Some(rest)) => ether::ethertype(kind, rest, path),
        _ => Packet::Skipped(Reason::Snapped("Cisco HDLC")),
    }
}
