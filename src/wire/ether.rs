//! Ethernet and what shares its type numbers: VLAN tags, LLC and SNAP, MPLS, PPPoE.

use super::ip::{self, Path};
use super::view::View;
use super::{Packet, Reason, ppp, tags};

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
    if kind <= MAX_LENGTH && matches!(view.data[..5], [0x01 | 0x0c, 0, 0x0c, 0, 0]) {
        return isl(kind, view, path);
    }
    type_or_length(kind, rest, path)
}

/// Cisco's inter-switch link, told by its destination address: a frame in a frame, the inner one
/// with its check sequence.
#[cold]
fn isl<'a>(len: u16, view: View<'a>, path: Path) -> Packet<'a> {
    match view.skip(26) {
        Some(rest) => ethernet(rest.limit(u32::from(len).saturating_sub(12 + 4)), path),
        None => Packet::Skipped(Reason::Snapped("ISL")),
    }
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
            // 802.1Q, 802.1ad, and the tag that came before the latter.
            0x8100 | 0x88a8 | 0x9100 => {
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
            other => return tags::open(other, view, path),
        }
    }
}

/// 802.2 logical link control.
pub(super) fn llc<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(dsap), Some(ssap), Some(control)) = (view.u8(0), view.u8(1), view.u8(2)) else {
        return Packet::Skipped(Reason::Snapped("LLC"));
    };
    let header = if control & 3 == 3 { 3 } else { 4 };
    let information = control & 1 == 0 || control == 3;
    if (dsap, ssap) == (0xaa, 0xaa) && information {
        return match view.skip(header) {
            Some(rest) => snap(rest, path),
            None => Packet::Skipped(Reason::Snapped("LLC")),
        };
    }
    match (dsap, view.skip(header)) {
        (0x06, Some(rest)) if information => ip::either(rest, path),
        // OSI with a network layer protocol identifier (RFC 2684).
        (0xfe, Some(rest)) if information => match (rest.u8(0), rest.skip(1)) {
            (Some(0xcc), Some(rest)) => ip::either(rest, path),
            (Some(0x8e), Some(rest)) => ip::v6(rest, path),
            (Some(0x80), Some(rest)) => snap(rest, path),
            (Some(0xcf), Some(rest)) => ppp::ppp(rest, path),
            _ => Packet::Skipped(Reason::Llc(dsap)),
        },
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
        // Bridged Ethernet of RFC 2684, with and without the frame check sequence; two bytes pad.
        (0x00_80c2, 1 | 7) => match rest.skip(2) {
            Some(rest) => ethernet(rest, path),
            None => Packet::Skipped(Reason::Snapped("SNAP")),
        },
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
            if entry >> 12 == 13 {
                return Packet::Skipped(Reason::Tunnel("MPLS associated channel"));
            }
            break;
        }
    }
    match view.u8(0).map(|b| b >> 4) {
        Some(4) => ip::v4(view, path),
        Some(6) => ip::v6(view, path),
        // A pseudowire: Ethernet, with a control word (RFC 4448) or without.
        Some(0) if !looks_like_ethernet(view) => match view.skip(4) {
            Some(rest) => ethernet(rest, path),
            None => Packet::Skipped(Reason::Snapped("MPLS")),
        },
        Some(0) => ethernet(view, path),
        Some(1) => Packet::Skipped(Reason::Tunnel("MPLS associated channel")),
        Some(_) => Packet::Skipped(Reason::Tunnel("MPLS pseudowire")),
        None => Packet::Skipped(Reason::Snapped("MPLS")),
    }
}

/// Is there a plausible type or length where Ethernet has it?
fn looks_like_ethernet(view: View<'_>) -> bool {
    view.u16(12).is_some_and(|kind| {
        matches!(
            kind,
            0x0800 | 0x0806 | 0x86dd | 0x8100 | 0x8847 | 0x8848 | 0x88a8
        ) || u32::from(kind) == view.len.saturating_sub(14)
    })
}

/// A PPPoE session (RFC 2516).
pub(super) fn pppoe<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(len), Some(rest)) = (view.u16(4), view.skip(6)) else {
        return Packet::Skipped(Reason::Snapped("PPPoE"));
    };
    ppp::ppp(rest.limit(len.into()), path)
}
