//! Tunnels that Wireshark opens by default: GRE, EtherIP, and those over UDP.

use super::ip::{Ip, Path};
use super::view::View;
use super::{Datagram, Packet, Reason, ether, ppp};

/// Generic routing encapsulation (RFC 2784, RFC 2890; version 1 is PPTP's, RFC 2637).
pub(super) fn gre<'a>(view: View<'a>, _ip: &Ip, path: Path) -> Packet<'a> {
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
    if flags & 7 == 1 && flags & 0x0080 != 0 {
        header += 4; // acknowledgement number
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
    match kind {
        0x880b => ppp::ppp_in_gre(rest, path),
        0x6558 => ether::ethernet(rest, path),
        kind => ether::ethertype(kind, rest, path),
    }
}

/// Ethernet in IP (RFC 3378).
pub(super) fn etherip<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match view.skip(2) {
        Some(rest) => ether::ethernet(rest, path),
        None => Packet::Skipped(Reason::Snapped("EtherIP")),
    }
}

/// Tunnels over UDP, told by their ports; `None` where the datagram is none.
pub(super) fn udp<'a>(d: &Datagram<'a>, body: View<'a>, path: Path) -> Option<Packet<'a>> {
    for port in [d.dst_port.min(d.src_port), d.dst_port.max(d.src_port)] {
        let packet = match port {
            4789 => body.skip(8).map(|rest| ether::ethernet(rest, path)),
            _ => None,
        };
        if let Some(Packet::Tcp(_) | Packet::Fragment(_)) = packet {
            return packet;
        }
    }
    None
}
