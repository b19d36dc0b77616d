//! Tunnels that Wireshark opens by default: GRE and EtherIP. Those over UDP are in `udp`.

use super::ip::{self, Path};
use super::view::View;
use super::{Packet, Reason, ether, ppp, tags, wifi};

/// Generic routing encapsulation (RFC 2784, RFC 2890; version 1 is PPTP's, RFC 2637).
pub(super) fn gre<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let Some(path) = path.deeper() else {
        return Packet::Skipped(Reason::TooDeep);
    };
    let (Some(flags), Some(kind)) = (view.u16(0), view.u16(2)) else {
        return Packet::Skipped(Reason::Snapped("GRE"));
    };
    let mut header = 4;
    if flags & 0xc000 != 0 {
        header += 4; // checksum and offset
    }
    for (bit, len) in [(0x2000, 4), (0x1000, 4)] {
        if flags & bit != 0 {
            header += len;
        }
    }
    // An acknowledgement number, of those that carry PPP.
    if flags & 7 != 0 && flags & 0x0080 != 0 && matches!(kind, 0x880b | 0x8881 | 0x88d2) {
        header += 4;
    }
    if flags & 0x4000 != 0 {
        // Source routes, until one of type 0 and length 0.
        loop {
            let (Some(family), Some(len)) = (view.u16(header), view.u8(header + 3)) else {
                return Packet::Skipped(Reason::Snapped("GRE"));
            };
            header += 4 + usize::from(len);
            if family == 0 {
                break;
            }
        }
    }
    let Some(rest) = view.skip(header) else {
        return Packet::Skipped(Reason::Snapped("GRE"));
    };
    // Wireshark looks there whatever fields come before.
    let redirected = matches!(view.u8(4), Some(0x40..=0x4f));
    let flags = flags & 0xf0ff | if redirected { WITHOUT_HEADER } else { 0 };
    gre_payload(kind, flags, rest, path)
}

/// A flag of our own, in a place that GRE does not use: a WCCP packet of the first version.
const WITHOUT_HEADER: u16 = 0x0100;

/// What GRE carries under a number. The flags tell ERSPAN's types apart.
pub(super) fn gre_payload<'a>(kind: u16, flags: u16, rest: View<'a>, path: Path) -> Packet<'a> {
    match kind {
        0x0800 => ip::either(rest, path),
        0x86dd => ip::v6(rest, path),
        0x8847 | 0x8848 => ether::mpls(rest, path),
        0x6558 | 0x6400 => ether::ethernet(rest, path),
        0x880b => ppp::framed(rest, path),
        0x8881 | 0x88d2 => Packet::Skipped(Reason::Tunnel("PPP byte stream in GRE")),
        // Aruba's access points: 802.11, by priority.
        0x8200..=0x8370 if kind & 0xf == 0 => wifi::frame(rest, wifi::Layout::default(), path),
        // Cisco's cache redirection, with a header of its own before IPv4 or without.
        0x883e if flags & WITHOUT_HEADER != 0 => ip::v4(rest, path),
        0x883e => after(rest, 4, "WCCP", |rest| ip::v4(rest, path)),
        // Mirrored frames: ERSPAN type I has no header, II has 8 bytes, III 12 or 20.
        0x88be if flags & 0x1000 == 0 => ether::ethernet(rest, path),
        0x88be | 0x22eb => erspan(rest, path),
        0x894f => tags::nsh(rest, path),
        0x0806 => Packet::Skipped(Reason::Arp),
        kind => Packet::Skipped(Reason::EtherType(kind)),
    }
}

/// A mirrored frame with a header: 8 bytes in version 1 (type II), 12 or 20 in 2 (type III), which
/// tells what kind of frame it is.
fn erspan<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let Some(version) = view.u8(0).map(|b| b >> 4) else {
        return Packet::Skipped(Reason::Snapped("ERSPAN"));
    };
    if version == 1 {
        return after(view, 8, "ERSPAN", |rest| ether::ethernet(rest, path));
    }
    match view.u16(10) {
        _ if version != 2 => Packet::Skipped(Reason::Malformed("ERSPAN")),
        None => Packet::Skipped(Reason::Snapped("ERSPAN")),
        Some(word) => {
            let header = if word & 1 != 0 { 20 } else { 12 };
            after(view, header, "ERSPAN", |rest| match word >> 10 & 0x1f {
                0 => ether::ethernet(rest, path),
                _ => Packet::Skipped(Reason::Control("ERSPAN of another frame type")),
            })
        }
    }
}

/// What `open` makes of what follows a header of `len` bytes.
pub(super) fn after<'a>(
    view: View<'a>,
    len: usize,
    name: &'static str,
    open: impl FnOnce(View<'a>) -> Packet<'a>,
) -> Packet<'a> {
    match view.skip(len) {
        Some(rest) => open(rest),
        None => Packet::Skipped(Reason::Snapped(name)),
    }
}

/// Ethernet in IP (RFC 3378).
pub(super) fn etherip<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match view.skip(2) {
        Some(rest) => ether::ethernet(rest, path),
        None => Packet::Skipped(Reason::Snapped("EtherIP")),
    }
}
