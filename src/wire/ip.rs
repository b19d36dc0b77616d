//! IPv4 and IPv6 with its extension headers, down to the transport.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::view::View;
use super::{Datagram, Fragment, Icmp, Packet, Reason, Stub, extension, tcp, tunnel, udp};

/// What the transport needs of the IP header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ip {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) id: u16,
    pub(super) ttl: u8,
    /// VLAN of the frame, 0 for none.
    pub(super) vlan: u16,
    /// Is the datagram longer than the frame it came in?
    pub(super) cut: bool,
}

/// Layers opened so far and what was met on the way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Path {
    pub(super) depth: u8,
    pub(super) vlan: u16,
}

/// Headers nested deeper are not opened.
const MAX_DEPTH: u8 = 40;

impl Path {
    #[inline]
    pub(super) fn deeper(self) -> Option<Path> {
        (self.depth < MAX_DEPTH).then_some(Path {
            depth: self.depth + 1,
            ..self
        })
    }
}

/// IPv4 or IPv6, by the version in its first four bits; Wireshark does so wherever IPv4 is
/// announced.
pub(super) fn either<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match view.u8(0).map(|b| b >> 4) {
        Some(4) => v4(view, path),
        Some(6) => v6(view, path),
        Some(_) => Packet::Skipped(Reason::Malformed("IP")),
        None => Packet::Skipped(Reason::Snapped("IP")),
    }
}

#[inline]
pub(super) fn v4<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    v4_with(view, view.u8(9).unwrap_or(0), path)
}

/// An IPv4 packet that carries TCP, whatever its protocol field says.
pub(super) fn v4_tcp<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    v4_with(view, 6, path)
}

#[inline]
fn v4_with<'a>(view: View<'a>, protocol: u8, path: Path) -> Packet<'a> {
    let Some(path) = path.deeper() else {
        return Packet::Skipped(Reason::TooDeep);
    };
    let Some(head) = view.array::<20>(0) else {
        return Packet::Skipped(Reason::Snapped("IPv4"));
    };
    let header_len = usize::from(head[0] & 0x0f) * 4;
    if head[0] >> 4 != 4 || header_len < 20 {
        if head[0] >> 4 == 6 {
            return v6(view, path);
        }
        return Packet::Skipped(Reason::Malformed("IPv4"));
    }
    let total = u32::from(u16::from_be_bytes([head[2], head[3]]));
    let view = match total {
        // The network card cuts the segment and fills the length in (offload).
        0 => view,
        len if (len as usize) < header_len => {
            return Packet::Skipped(Reason::Malformed("IPv4"));
        }
        len => view.limit(len),
    };
    let mut ip = Ip {
        src: IpAddr::V4(Ipv4Addr::new(head[12], head[13], head[14], head[15])),
        dst: IpAddr::V4(Ipv4Addr::new(head[16], head[17], head[18], head[19])),
        id: u16::from_be_bytes([head[4], head[5]]),
        ttl: head[8],
        vlan: path.vlan,
        cut: total > view.len,
    };
    let Some(payload) = view.skip(header_len) else {
        return Packet::Skipped(Reason::Snapped("IPv4"));
    };
    if header_len > 20 {
        match extension::source_route(&view.data[20..header_len]) {
            Ok(None) => {}
            Ok(Some(last)) => ip.dst = IpAddr::V4(last),
            Err(reason) => return Packet::Skipped(reason),
        }
    }
    let word = u16::from_be_bytes([head[6], head[7]]);
    let (more, offset) = (word & 0x2000 != 0, u32::from(word & 0x1fff) * 8);
    let mut whole = true;
    if more || offset != 0 {
        if payload.len > 0 && payload.data.len() as u32 == payload.len && !ip.cut {
            return Packet::Fragment(Fragment {
                src: ip.src,
                dst: ip.dst,
                id: ip.id.into(),
                protocol,
                vlan: path.vlan,
                offset,
                more,
                payload: payload.data,
                ttl: ip.ttl,
            });
        }
        if offset != 0 {
            return Packet::Skipped(Reason::Fragment);
        }
        whole = false;
    }
    transport(payload, protocol, &mut ip, whole, path)
}

pub(super) fn v6<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let Some(path) = path.deeper() else {
        return Packet::Skipped(Reason::TooDeep);
    };
    let Some(head) = view.array::<40>(0) else {
        return Packet::Skipped(Reason::Snapped("IPv6"));
    };
    if head[0] >> 4 != 6 {
        return Packet::Skipped(Reason::Malformed("IPv6"));
    }
    let (mut src, mut dst) = ([0; 16], [0; 16]);
    src.copy_from_slice(&head[8..24]);
    dst.copy_from_slice(&head[24..40]);
    let mut ip = Ip {
        src: IpAddr::V6(Ipv6Addr::from(src)),
        dst: IpAddr::V6(Ipv6Addr::from(dst)),
        id: 0,
        ttl: head[7],
        vlan: path.vlan,
        cut: false,
    };
    let len = u32::from(u16::from_be_bytes([head[4], head[5]]));
    ip.cut = len + 40 > view.len;
    let view = match len {
        // What 16 bits cannot say (BIG TCP, jumbograms): to the end of the frame. tshark wants
        // the jumbo payload option for it, which Linux no longer writes. A smaller packet of
        // length 0 has no payload.
        0 if view.len > 40 + 0xffff => view,
        len => view.limit(len + 40),
    };
    let Some(payload) = view.skip(40) else {
        return Packet::Skipped(Reason::Snapped("IPv6"));
    };
    transport(payload, head[6], &mut ip, true, path)
}

/// What follows an IP header or an extension header.
#[inline]
pub(super) fn transport<'a>(
    mut view: View<'a>,
    mut protocol: u8,
    ip: &mut Ip,
    whole: bool,
    path: Path,
) -> Packet<'a> {
    loop {
        if protocol == 6 {
            return tcp::parse(view, ip, whole);
        }
        let step = match protocol {
            17 => return datagram(view, ip, path),
            1 | 58 => return icmp(view, ip, protocol == 58),
            0 | 43 | 60 => match extension::open(view, protocol, ip) {
                Ok(step) => step,
                Err(reason) => return Packet::Skipped(reason),
            },
            // Shim6, with a payload behind it (RFC 5533).
            140 => match (view.u8(0), view.u8(1), view.u8(2)) {
                (Some(next), Some(len), Some(flag)) if len == 0 || flag & 0x80 != 0 => {
                    (next, usize::from(len) * 8 + 8)
                }
                _ => return Packet::Skipped(Reason::IpProtocol(140)),
            },
            51 => {
                let (Some(next), Some(len)) = (view.u8(0), view.u8(1)) else {
                    return Packet::Skipped(Reason::Snapped("authentication"));
                };
                (next, (usize::from(len) + 2) * 4)
            }
            44 => {
                let (Some(word), Some(id)) = (view.u16(2), view.u32(4)) else {
                    return Packet::Skipped(Reason::Snapped("IPv6 fragment"));
                };
                let next = view.data[0];
                let (more, offset) = (word & 1 != 0, u32::from(word & 0xfff8));
                if more || offset != 0 {
                    let part = view.skip(8).filter(|p| p.is_whole() && p.len > 0);
                    let Some(part) = part.filter(|_| !ip.cut) else {
                        return Packet::Skipped(Reason::Fragment);
                    };
                    return Packet::Fragment(Fragment {
                        src: ip.src,
                        dst: ip.dst,
                        id,
                        protocol: next,
                        vlan: ip.vlan,
                        offset,
                        more,
                        payload: part.data,
                        ttl: ip.ttl,
                    });
                }
                (next, 8)
            }
            4 => return v4(view, path),
            41 => return v6(view, path),
            47 => return tunnel::gre(view, path),
            97 => return tunnel::etherip(view, path),
            143 => return super::ether::ethernet(view, path),
            137 => return super::ether::mpls(view, path),
            other => return Packet::Skipped(Reason::IpProtocol(other)),
        };
        protocol = step.0;
        view = match view.skip(step.1) {
            Some(rest) => rest,
            None => return Packet::Skipped(Reason::Snapped("IPv6 extension")),
        };
    }
}

fn datagram<'a>(view: View<'a>, ip: &Ip, path: Path) -> Packet<'a> {
    let Some(head) = view.array::<8>(0) else {
        return Packet::Skipped(Reason::Snapped("UDP"));
    };
    // Length 0 is a jumbogram's, of IPv6; one that reaches beyond the datagram is cut to it.
    let len = u32::from(u16::from_be_bytes([head[4], head[5]]));
    let body = match len {
        0 if ip.src.is_ipv6() => view.skip(8),
        0..8 => return Packet::Skipped(Reason::Malformed("UDP")),
        len => view.limit(len).skip(8),
    };
    let Some(body) = body else {
        return Packet::Skipped(Reason::Snapped("UDP"));
    };
    let datagram = Datagram {
        src: ip.src,
        dst: ip.dst,
        src_port: u16::from_be_bytes([head[0], head[1]]),
        dst_port: u16::from_be_bytes([head[2], head[3]]),
        len: body.len,
        payload: body.data,
    };
    udp::tunnel(&datagram, body, path).unwrap_or(Packet::Udp(datagram))
}

fn icmp<'a>(view: View<'a>, ip: &Ip, v6: bool) -> Packet<'a> {
    let (Some(kind), Some(code)) = (view.u8(0), view.u8(1)) else {
        return Packet::Skipped(Reason::Snapped("ICMP"));
    };
    Packet::Icmp(Icmp {
        src: ip.src,
        dst: ip.dst,
        v6,
        kind,
        code,
        quoted: view.data.get(8..).unwrap_or(&[]),
    })
}

impl Icmp<'_> {
    /// The TCP header that an error quotes, if it holds enough for Wireshark to look up the
    /// connection (16 bytes). It is no segment, but Wireshark gives it a `tcp.stream`, and a new
    /// one where there is none.
    pub fn quoted_tcp(&self) -> Option<Stub> {
        let error = match (self.v6, self.kind) {
            (false, 3 | 4 | 11 | 12) | (true, 1..=4) => self.quoted,
            // Redirect: two addresses, options; the packet is in option 4 behind 6 bytes.
            (true, 137) => {
                let mut options = self.quoted.get(32..)?;
                loop {
                    match *options {
                        [4, ..] => break options.get(8..)?,
                        [_, n, ..] if n > 0 => options = options.get(usize::from(n) * 8..)?,
                        _ => return None,
                    }
                }
            }
            _ => return None,
        };
        let view = View::new(error, error.len() as u32);
        match either(view, Path::default()) {
            Packet::Tcp(s) => Some(Stub {
                src: s.source(),
                dst: s.destination(),
                seq: s.seq.0,
                flags: s.flags,
                options: (!s.options.cut).then_some(s.options),
            }),
            Packet::Stub(stub, _) => Some(stub),
            _ => None,
        }
    }
}
