//! Rarer tags and encapsulations between an EtherType and a packet.

use super::ip::{self, Path};
use super::tunnel::after;
use super::view::View;
use super::{Packet, Reason, ether};

/// What the EtherTypes promise that [`ether::ethertype`] does not open itself.
pub(super) fn open<'a>(kind: u16, view: View<'a>, path: Path) -> Packet<'a> {
    let Some(path) = path.deeper() else {
        return Packet::Skipped(Reason::TooDeep);
    };
    match kind {
        // Cisco's VNTag and 802.1BR's E-tag: a tag, then the next type.
        0x8926 => typed(view, 4, "VNTag", path),
        0x893f => typed(view, 6, "E-tag", path),
        // High-availability seamless redundancy: path, size, sequence number.
        0x892f => typed(view, 4, "HSR", path),
        // Provider backbone bridging: the instance tag, then the customer's frame.
        0x88e7 => after(view, 4, "PBB", |rest| ether::ethernet(rest, path)),
        0x22f3 => match view.u16(0) {
            Some(word) => {
                let options = usize::from(word >> 6 & 0x1f) * 4;
                after(view, 6 + options, "TRILL", |rest| {
                    ether::ethernet(rest, path)
                })
            }
            None => Packet::Skipped(Reason::Snapped("TRILL")),
        },
        0x894f => nsh(view, path),
        0x8870 => ether::llc(view, path),
        0x88e5 => macsec(view, path),
        0x4305 => batman(view, path),
        0x8909 => typed(view, 6, "Cisco metadata", path),
        other => Packet::Skipped(Reason::EtherType(other)),
    }
}

/// A tag of `len` bytes, then a type or length.
fn typed<'a>(view: View<'a>, len: usize, name: &'static str, path: Path) -> Packet<'a> {
    match (view.u16(len), view.skip(len + 2)) {
        (Some(kind), Some(rest)) => ether::type_or_length(kind, rest, path),
        _ => Packet::Skipped(Reason::Snapped(name)),
    }
}

/// MACsec (IEEE 802.1AE) where the frame is authenticated, not encrypted: the tag, the next type,
/// and a check value at the end.
fn macsec<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
    const IDENTIFIER: u8 = 0x20;
    const CHECK_VALUE: u32 = 16;
    match view.u8(0) {
        None => Packet::Skipped(Reason::Snapped("MACsec")),
        Some(0x80..) => Packet::Skipped(Reason::Malformed("MACsec")),
        Some(control) if control & ENCRYPTED_OR_CHANGED != 0 => {
            Packet::Skipped(Reason::Encrypted("MACsec"))
        }
        Some(control) => {
            let view = view.limit(view.len.saturating_sub(CHECK_VALUE));
            typed(
                view,
                if control & IDENTIFIER != 0 { 14 } else { 6 },
                "MACsec",
                path,
            )
        }
    }
}

/// B.A.T.M.A.N. advanced: frames to one host of a mesh or to all. Types and headers by version.
fn batman<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let header = match (view.u8(1), view.u8(0)) {
        (Some(6..=9), Some(4)) | (Some(14), Some(3)) | (Some(15), Some(0x40)) => 10,
        (Some(14), Some(4)) | (Some(15), Some(1)) => 14,
        (Some(14), Some(9)) | (Some(15), Some(0x42)) => 18,
        (None, _) => return Packet::Skipped(Reason::Snapped("B.A.T.M.A.N.")),
        _ => return Packet::Skipped(Reason::EtherType(0x4305)),
    };
    after(view, header, "B.A.T.M.A.N.", |rest| {
        ether::ethernet(rest, path)
    })
}

/// Network service header (RFC 8300). Of type 1 it has 24 bytes whatever it says, of type 2 at
/// least 8.
pub(super) fn nsh<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(word), Some(kind), Some(next)) = (view.u16(0), view.u8(2), view.u8(3)) else {
        return Packet::Skipped(Reason::Snapped("NSH"));
    };
    let header = match (kind, usize::from(word & 0x3f) * 4) {
        (1, _) => 24,
        (2, len) => len.max(8),
        (_, len) => len.max(4),
    };
    after(view, header, "NSH", |rest| {
        inner(next, rest, path).unwrap_or(Packet::Skipped(Reason::Tunnel("NSH")))
    })
}

/// The numbers that NSH and VXLAN-GPE share for what they carry.
pub(super) fn inner<'a>(next: u8, rest: View<'a>, path: Path) -> Option<Packet<'a>> {
    Some(match next {
        1 => ip::v4(rest, path),
        2 => ip::v6(rest, path),
        3 => ether::ethernet(rest, path),
        4 => nsh(rest, path.deeper()?),
        5 => ether::mpls(rest, path),
        _ => return None,
    })
}
