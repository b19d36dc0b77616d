//! Ethernet and what shares its type numbers: VLAN tags, LLC and SNAP, MPLS, PPPoE.

use super::ip::{self, Path};
use super::view::View;
use super::{Packet, Reason, ppp};

/// Largest value of the type field that is a length (802.3).
const MAX_LENGTH: u16 = 1500;

/// A frame from its destination address on.
#[inline]
pub(super) fn ethernet<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let Some(path) = path.deeper() else {
        return Packet::Skipped(Reason::TooDeep);
    };
    let Some(kind) = view.u16(12) else {
        return Packet::Skipped(Reason::Snapped("Ethernet"));
    };
    let Some(rest) = view.skip(14) else {
        return Packet::Skipped(Reason::Snapped("Ethernet"));
    };
    type_or_length(kind, rest, path)
}

/// What follows a field that is either an EtherType or a length.
#[inline]
pub(super) fn type_or_length<'a>(kind: u16, rest: View<'a>, path: Path) -> Packet<'a> {
    if kind > MAX_LENGTH {
        return ethertype(kind, rest, path);
    }
    // Novell's raw 802.3 begins with the checksum field of IPX, which is all ones.
    if rest.u16(0) == Some(0xffff) {
        return Packet::Skipped(Reason::EtherType(0x8137));
    }
    llc(rest.limit(kind.into()), path)
}

/// What an EtherType promises.
#[inline]
pub(super) fn ethertype<'a>(mut kind: u16, mut view: View<'a>, mut path: Path) -> Packet<'a> {
    loop {
        match kind {
            0x0800 => return ip::v4(view, path),
            0x86dd => return ip::v6(view, path),
            0x0806 => return Packet::Skipped(Reason::Arp),
            // 802.1Q, 802.1ad, and the tags that came before the latter.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => {
                let (Some(tag), Some(next)) = (view.u16(0), view.u16(2)) else {
                    return Packet::Skipped(Reason::Snapped("VLAN"));
                };
                let Some(rest) = view.skip(4) else {
                    return Packet::Skipped(Reason::Snapped("VLAN"));
                };
                path.vlan = tag & 0xfff;
                let Some(deeper) = path.deeper() else {
                    return Packet::Skipped(Reason::TooDeep);
                };
                path = deeper;
                if next <= MAX_LENGTH {
                    return type_or_length(next, rest, path);
                }
                (kind, view) = (next, rest);
            }
            0x8847 | 0x8848 => return mpls(view, path),
            0x8864 => return pppoe(view, path),
            0x6558 => return ethernet(view, path),
            other => return Packet::Skipped(Reason::EtherType(other)),
        }
    }
}

/// 802.2 logical link control.
pub(super) fn llc<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(dsap), Some(ssap), Some(control)) = (view.u8(0), view.u8(1), view.u8(2)) else {
        return Packet::Skipped(Reason::Snapped("LLC"));
    };
    let header = if control & 3 == 3 { 3 } else { 4 };
    if (dsap & 0xfe, ssap & 0xfe) == (0xaa, 0xaa) {
        return match view.skip(header) {
            Some(rest) => snap(rest, path),
            None => Packet::Skipped(Reason::Snapped("LLC")),
        };
    }
    match (dsap, control & 0xef, view.skip(header)) {
        (0x06, 3, Some(rest)) => ip::v4(rest, path),
        _ => Packet::Skipped(Reason::Llc(dsap)),
    }
}

/// The SNAP header: organisation and a type of its own.
pub(super) fn snap<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(high), Some(low), Some(kind)) = (view.u8(0), view.u16(1), view.u16(3)) else {
        return Packet::Skipped(Reason::Snapped("SNAP"));
    };
    let Some(rest) = view.skip(5) else {
        return Packet::Skipped(Reason::Snapped("SNAP"));
    };
    match (u32::from(high) << 16 | u32::from(low), kind) {
        // RFC 1042, and 802.1H.
        (0x00_0000 | 0x00_00f8, kind) => ethertype(kind, rest, path),
        // Bridged Ethernet of RFC 2684, with and without the frame check sequence.
        (0x00_80c2, 1 | 7) => ethernet(rest, path),
        (_, kind) => Packet::Skipped(Reason::EtherType(kind)),
    }
}

/// A stack of MPLS labels (RFC 3032), and below it what its first four bits say.
pub(super) fn mpls<'a>(mut view: View<'a>, path: Path) -> Packet<'a> {
    let Some(path) = path.deeper() else {
        return Packet::Skipped(Reason::TooDeep);
    };
    loop {
        let (Some(entry), Some(rest)) = (view.u32(0), view.skip(4)) else {
            return Packet::Skipped(Reason::Snapped("MPLS"));
        };
        view = rest;
        if entry & 0x100 != 0 {
            break;
        }
    }
    match view.u8(0).map(|b| b >> 4) {
        Some(4) => ip::v4(view, path),
        Some(6) => ip::v6(view, path),
        Some(_) => Packet::Skipped(Reason::Tunnel("MPLS pseudowire")),
        None => Packet::Skipped(Reason::Snapped("MPLS")),
    }
}

/// A PPPoE session (RFC 2516).
pub(super) fn pppoe<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(code), Some(len), Some(rest)) = (view.u8(1), view.u16(4), view.skip(6)) else {
        return Packet::Skipped(Reason::Snapped("PPPoE"));
    };
    if code != 0 {
        return Packet::Skipped(Reason::EtherType(0x8863));
    }
    ppp::ppp(rest.limit(len.into()), path)
}
