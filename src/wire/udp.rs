//! Tunnels over UDP that Wireshark opens by default, told by their ports.

use super::ip::{self, Path};
use super::view::View;
use super::{Datagram, Packet, ether, ppp, tags, tunnel, wifi};

/// What the tunnel carries; `None` where the datagram is no tunnel, or carries nothing of ours:
/// then it is a UDP datagram like any other.
#[inline]
pub(super) fn tunnel<'a>(d: &Datagram<'a>, body: View<'a>, path: Path) -> Option<Packet<'a>> {
    let (low, high) = (d.src_port.min(d.dst_port), d.src_port.max(d.dst_port));
    let found = open(low, body, path).or_else(|| open(high, body, path))?;
    match found {
        Packet::Skipped(_) => None,
        packet => Some(packet),
    }
}

fn open<'a>(port: u16, body: View<'a>, path: Path) -> Option<Packet<'a>> {
    match port {
        // Mobile IP, tunnelled through address translation (RFC 3519).
        434 if body.u8(0)? == 4 => Some(ip::v4(body.skip(4)?, path)),
        1701 => l2tp(body, path),
        2123 | 2152 => gtp(body, path),
        2268 => (body.u8(0)? & 0xf == 6).then(|| body.skip(2).map(|b| ip::either(b, path)))?,
        3544 => teredo(body, path),
        4341 => Some(ip::either(body.skip(8)?, path)),
        4754 => Some(tunnel::gre(body, path)),
        // VXLAN's I flag need not be set for Wireshark.
        4789 => Some(ether::ethernet(body.skip(8)?, path)),
        4790 => tags::inner(body.u8(3)?, body.skip(8)?, path),
        5072 => ayiya(body, path),
        5247 => capwap(body, path),
        6081 => {
            let options = usize::from(body.u8(0)? & 0x3f) * 4;
            Some(ether::ethertype(
                body.u16(2)?,
                body.skip(8 + options)?,
                path,
            ))
        }
        6635 => Some(ether::mpls(body, path)),
        12000..=12004 => Some(ether::llc(body, path)),
        // Juniper's packet mirroring: two identifiers.
        30030 => Some(ip::either(body.skip(8)?, path)),
        37008 => tzsp(body, path),
        _ => None,
    }
}

/// L2TP version 2 (RFC 2661): PPP in its data messages.
fn l2tp<'a>(body: View<'a>, path: Path) -> Option<Packet<'a>> {
    let flags = body.u16(0)?;
    if flags & 0x8000 != 0 || flags & 0xf != 2 {
        return None;
    }
    let (mut header, mut body) = (6, body);
    if flags & 0x4000 != 0 {
        header += 2;
        body = body.limit(body.u16(2)?.into());
    }
    if flags & 0x0800 != 0 {
        header += 4; // sequence numbers
    }
    if flags & 0x0200 != 0 {
        header += 2 + usize::from(body.u16(header)?); // offset
    }
    Some(ppp::framed(body.skip(header)?, path))
}

/// GTP version 1, user plane (3GPP TS 29.281).
fn gtp<'a>(body: View<'a>, path: Path) -> Option<Packet<'a>> {
    let flags = body.u8(0)?;
    if flags >> 5 != 1 || flags & 0x10 == 0 || body.u8(1)? != 0xff {
        return None;
    }
    let body = body.limit(u32::from(body.u16(2)?) + 8);
    let mut header = 8;
    if flags & 7 != 0 {
        header = 12;
        let mut next = if flags & 4 != 0 { body.u8(11)? } else { 0 };
        while next != 0 {
            let len = usize::from(body.u8(header)?) * 4;
            if len == 0 {
                return None;
            }
            next = body.u8(header + len - 1)?;
            header += len;
        }
    }
    let rest = body.skip(header)?;
    Some(match rest.u8(0)? {
        0x45..=0x4e => ip::v4(rest, path),
        0x60..=0x6f => ip::v6(rest, path),
        _ => ether::ethernet(rest, path),
    })
}

/// Teredo (RFC 4380): authentication and origin, then IPv6.
fn teredo<'a>(mut body: View<'a>, path: Path) -> Option<Packet<'a>> {
    if body.u16(0)? == 1 {
        let len = 13 + usize::from(body.u8(2)?) + usize::from(body.u8(3)?);
        body = body.skip(len)?;
    }
    if body.u16(0)? == 0 {
        body = body.skip(8)?;
    }
    Some(ip::v6(body, path))
}

/// AYIYA (draft-massar-v6ops-ayiya): identity, signature, then an IP protocol.
fn ayiya<'a>(body: View<'a>, path: Path) -> Option<Packet<'a>> {
    let identity = 1usize << (body.u8(0)? >> 4);
    let signature = usize::from(body.u8(1)? >> 4) * 4;
    let rest = body.skip(8 + identity + signature)?;
    match (body.u8(2)? & 0xf, body.u8(3)?) {
        (1, 4) => Some(ip::v4(rest, path)),
        (1, 41) => Some(ip::v6(rest, path)),
        _ => None,
    }
}

/// CAPWAP data (RFC 5415): Ethernet, or 802.11 with its first two bytes swapped, as Cisco sends it.
fn capwap<'a>(body: View<'a>, path: Path) -> Option<Packet<'a>> {
    let (first, flags) = (body.u16(0)?, body.u16(2)?);
    // Encrypted, a fragment, or a keep-alive.
    if first >> 8 & 0xf == 1 || flags & 0x0088 != 0 {
        return None;
    }
    let rest = body.skip(usize::from(first >> 3 & 0x1f) * 4)?;
    let swapped = wifi::Layout {
        swapped: true,
        ..wifi::Layout::default()
    };
    Some(match flags & 0x0100 != 0 {
        true => wifi::frame(rest, swapped, path),
        false => ether::ethernet(rest, path),
    })
}

/// TaZmen sniffer protocol: tagged fields, then a frame.
fn tzsp<'a>(body: View<'a>, path: Path) -> Option<Packet<'a>> {
    let kind = body.u16(2)?;
    if matches!(body.u8(1)?, 4 | 5) {
        return None; // a keep-alive, or to open a port
    }
    let mut at = 4;
    loop {
        match body.u8(at)? {
            0 => at += 1,
            1 => break,
            _ => at += 2 + usize::from(body.u8(at + 1)?),
        }
    }
    let rest = body.skip(at + 1)?;
    match kind {
        1 => Some(ether::ethernet(rest, path)),
        18 => Some(wifi::frame(rest, wifi::Layout::default(), path)),
        _ => None,
    }
}
