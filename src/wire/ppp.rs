//! PPP (RFC 1661, RFC 1662) and Cisco HDLC.

use super::ip::{self, Path};
use super::view::View;
use super::{Packet, Reason, ether};

/// PPP with HDLC address and control, without, or Cisco HDLC: told by the first bytes.
pub(super) fn framed<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match (view.u8(0), view.u8(1)) {
        (Some(0xff), Some(0x03)) => match view.skip(2) {
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
        0x0021 => ip::v4(rest, path),
        0x0057 => ip::v6(rest, path),
        0x0281 | 0x0283 => ether::mpls(rest, path),
        other => Packet::Skipped(Reason::Ppp(other)),
    }
}

/// PPP in GRE: the address and control bytes may be left out.
pub(super) fn ppp_in_gre<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    framed(view, path)
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match (view.u16(2), view.skip(4)) {
        (Some(kind), Some(rest)) => ether::ethertype(kind, rest, path),
        _ => Packet::Skipped(Reason::Snapped("Cisco HDLC")),
    }
}
