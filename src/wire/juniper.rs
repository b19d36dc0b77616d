//! Juniper's link types: a magic number, flags and extensions, then what the interface carries,
//! behind a cookie of its processor; older routers leave all of it out.

use super::ip::{self, Path};
use super::links::frame_relay;
use super::tunnel::after;
use super::view::View;
use super::{Packet, Reason, ether, ppp};

const MAGIC: &[u8; 3] = b"MGC";
const INCOMING: u8 = 0x01;
const NO_LINK_HEADER: u8 = 0x02;
const EXTENSIONS: u8 = 0x80;

/// Juniper's numbers of protocols, as they follow where there is no link header.
const IP: u32 = 2;
const IPV6: u32 = 6;
const MPLS: u32 = 32;
const PPP: u32 = 200;
const LLC: u32 = 202;
const ETHERNET: u32 = 204;
const FRAME_RELAY: u32 = 207;
const CISCO: u32 = 208;
const UNKNOWN: u32 = u32::MAX;

/// A frame of the link type `link`.
pub(super) fn open<'a>(link: u16, view: View<'a>, path: Path) -> Packet<'a> {
    let Some(flags) = view.u8(3) else {
        return Packet::Skipped(Reason::Snapped("Juniper"));
    };
    let mut header = 0;
    if view.data.starts_with(MAGIC) {
        header = 4;
        if flags & EXTENSIONS != 0 {
            header = 6 + usize::from(view.u16(4).unwrap_or(0));
        }
        if flags & NO_LINK_HEADER != 0 {
            return match view.skip(header).and_then(|rest| rest.u32_le(0)) {
                Some(kind) => after(view, header + 4, "Juniper", |rest| {
                    carried(kind, rest, path)
                }),
                None => Packet::Skipped(Reason::Snapped("Juniper")),
            };
        }
    }
    after(view, header, "Juniper", |rest| {
        let (kind, skip) = match link {
            130 => multilink_ppp(rest, flags),
            131 => multilink_frame_relay(rest),
            133 => match rest.u16_le(0) {
                Some(kind) => (kind.into(), 4),
                None => (UNKNOWN, 0),
            },
            135 => atm(rest, true, flags),
            137 => atm(rest, false, flags),
            136 if flags & INCOMING != 0 => (IP, 16),
            136 => (IP, 12),
            167 | 178 => (ETHERNET, 0),
            179 => (PPP, 2),
            180 => (FRAME_RELAY, 0),
            181 => (CISCO, 0),
            183 => (IP, 18),
            _ => (UNKNOWN, 0),
        };
        after(rest, skip, "Juniper", |rest| carried(kind, rest, path))
    })
}

fn carried<'a>(kind: u32, rest: View<'a>, path: Path) -> Packet<'a> {
    match kind {
        IP | 3 => ip::either(rest, path),
        IPV6 | 7 => ip::v6(rest, path),
        4 | 5 | 8 | MPLS => ether::mpls(rest, path),
        PPP => ppp::ppp(rest, path),
        LLC | 203 => ether::llc(rest, path),
        ETHERNET => ether::ethernet(rest, path),
        FRAME_RELAY => frame_relay(rest, path),
        CISCO => ppp::cisco(rest, path),
        0xa248 => after(rest, 4, "Juniper", |rest| ip::either(rest, path)),
        _ => Packet::Skipped(Reason::Control("Juniper of another protocol")),
    }
}

/// A cookie's length by its first byte.
fn cookie(rest: View<'_>) -> usize {
    match rest.u8(0) {
        Some(0x54) => 4,
        Some(0x40 | 0x47) => 8,
        _ => 0,
    }
}

/// What a cookie of 8 bytes says of the protocol, and whether its direction bits are both set.
fn told_by_cookie(rest: View<'_>) -> (u32, bool) {
    let both = rest.u8(4).is_some_and(|b| b & 3 == 3);
    let kind = match rest.u8(5).map(|b| b & 0xf0) {
        Some(0x00) => IP,
        Some(0x10) => IPV6,
        Some(0x20) => MPLS,
        _ => UNKNOWN,
    };
    (kind, both)
}

fn multilink_ppp(rest: View<'_>, flags: u8) -> (u32, usize) {
    match cookie(rest) {
        4 => (PPP, 4),
        8 => match told_by_cookie(rest) {
            (IP, both) if flags & INCOMING != 0 && !both => (PPP, 8),
            (kind, _) => (kind, 8),
        },
        _ if rest.u16(0) == Some(0xff03) => (PPP, 2),
        _ if rest.u16(2).is_some_and(is_ppp) => (PPP, 2),
        _ if rest.u16(0).is_some_and(is_ppp) => (PPP, 0),
        _ => (UNKNOWN, 0),
    }
}

fn multilink_frame_relay(rest: View<'_>) -> (u32, usize) {
    match cookie(rest) {
        8 => match told_by_cookie(rest) {
            (IP, true) => (UNKNOWN, 8),
            (kind, _) => (kind, 8),
        },
        cookie => (UNKNOWN, cookie),
    }
}

/// A cookie, then what the first bytes say.
fn atm(rest: View<'_>, second_generation: bool, flags: u8) -> (u32, usize) {
    let header = match second_generation && flags & NO_LINK_HEADER == 0 {
        true => 8,
        false => 4,
    };
    let gap = rest.u8(3).unwrap_or(0) & 0x3f;
    let management = match second_generation {
        true => rest.u8(7).is_some_and(|b| b & 0x70 != 0),
        false => rest.u8(0) == Some(0x80),
    };
    let Some(inner) = rest.skip(header).filter(|_| !management) else {
        return (UNKNOWN, 0);
    };
    let kind = match *inner.data {
        [0xfe, 0xfe, 3, ..] | [0xaa, 0xaa, 3, ..] => LLC,
        _ if flags & INCOMING == 0 && gap != 0 && second_generation => ETHERNET,
        [a, b, ..] if second_generation && is_ppp(u16::from_be_bytes([a, b])) => PPP,
        [0x45..=0x4f, ..] => IP,
        [0x60..=0x6f, ..] => IPV6,
        _ => UNKNOWN,
    };
    (kind, header)
}

/// The protocols of PPP that Juniper's routers send.
fn is_ppp(protocol: u16) -> bool {
    matches!(
        protocol,
        0x0021
            | 0x0023
            | 0x0281
            | 0x0283
            | 0x8021
            | 0x8023
            | 0x8281
            | 0xc021
            | 0xc023
            | 0xc223
            | 0x003d
            | 0x0057
            | 0x8057
    )
}
