//! Link types beside Ethernet.

use super::ip::{self, Path};
use super::tunnel::after;
use super::view::View;
use super::{LinkType, Packet, Reason, ether, juniper, ppp, tunnel, wifi};

/// What a frame of a link type holds.
pub(super) fn open<'a>(link: LinkType, view: View<'a>, path: Path) -> Packet<'a> {
    let Some(path) = path.deeper() else {
        return Packet::Skipped(Reason::TooDeep);
    };
    match link.0 {
        1 => ether::ethernet(view, path),
        0 => family(view, path),
        6 => token_ring(view, path),
        7 => arcnet(view, 2, path),
        9 | 50 | 166 => ppp::framed(view, path),
        10 => match view.u8(0) {
            Some(control) if control & 0xf0 == 0x50 => {
                after(view, 13, "FDDI", |rest| ether::llc(rest, path))
            }
            Some(_) => Packet::Skipped(Reason::Control("FDDI control")),
            None => Packet::Skipped(Reason::Snapped("FDDI")),
        },
        11 | 100 => ether::llc(view, path),
        12 | 14 | 101 => raw(view, path),
        16 | 18 | 19 | 106 => ip::either(view, path),
        51 => ether::pppoe(view, path),
        104 => ppp::cisco(view, path),
        105 => wifi::frame(view, wifi::Layout::default(), path),
        107 => frame_relay(view, path),
        108 => loopback(view, path),
        109 => enc(view, path),
        113 => cooked(view, 14, 2, 16, path),
        117 => pflog(view, path),
        119 => wifi::prism(view, path),
        163 => wifi::avs(view, path),
        122 => after(view, 16, "Fibre Channel", |rest| ether::llc(rest, path)),
        123 => sunatm(view, path),
        127 => wifi::radiotap(view, path),
        129 => arcnet(view, 4, path),
        130 | 131 | 133 | 135..=137 | 167 | 178..=181 | 183 => juniper::open(link.0, view, path),
        138 => typed(view, 16, "IP over IEEE 1394", path),
        143 => docsis(view, path),
        192 => ppi(view, path),
        197 => erf(view, path),
        204 => after(view, 1, "PPP", |rest| ppp::framed(rest, path)),
        205 => after(view, 1, "Cisco HDLC", |rest| ppp::cisco(rest, path)),
        206 => after(view, 1, "frame relay", |rest| frame_relay(rest, path)),
        219 => ether::mpls(view, path),
        226 => ipnet(view, path),
        228 => ip::either(view, path),
        229 => ip::v6(view, path),
        239 => nflog(view, path),
        242 => typed(view, 40, "IPoIB", path),
        // The first users of PKTAP took a private number.
        149 | 258 => match (view.u32_le(0), view.u32_le(4), view.u32_le(8)) {
            (Some(len), Some(1), Some(link)) => after(view, len as usize, "PKTAP", |rest| {
                inside("PKTAP", link, rest, path)
            }),
            (Some(_), Some(_), Some(_)) => Packet::Skipped(Reason::Control("PKTAP record")),
            _ => Packet::Skipped(Reason::Snapped("PKTAP")),
        },
        274 => mpacket(view, path),
        276 => cooked(view, 0, 8, 20, path),
        _ => Packet::Skipped(Reason::from(link)),
    }
}

/// A type at `at`, and the packet behind it (and two bytes of padding, where there are any).
fn typed<'a>(view: View<'a>, at: usize, name: &'static str, path: Path) -> Packet<'a> {
    let header = if at == 40 { 44 } else { at + 2 };
    match (view.u16(at), view.skip(header)) {
        (Some(kind), Some(rest)) => ether::ethertype(kind, rest, path),
        _ => Packet::Skipped(Reason::Snapped(name)),
    }
}

/// An IP packet; before it, PPP's framing or what Linux' ISDN driver puts there.
fn raw<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    const PPP: u16 = 0xff03;
    for at in [0, 6, 1] {
        if view.u16(at) == Some(PPP) {
            return after(view, at, "PPP", |rest| ppp::framed(rest, path));
        }
    }
    if view.data.starts_with(&[0; 10]) {
        return after(view, 10, "ISDN", |rest| ip::either(rest, path));
    }
    ip::either(view, path)
}

/// BSD loopback: an address family of four bytes, in whichever byte order.
fn family<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    if view.u16(0) == Some(0xff03) {
        return ppp::framed(view, path);
    }
    let (Some(value), Some(rest)) = (view.u32_le(0), view.skip(4)) else {
        return Packet::Skipped(Reason::Snapped("loopback"));
    };
    // A family is a small number: where the high half is not zero, it is in the other byte
    // order, or has 16 bits.
    let family = match value {
        v if v & 0xffff_0000 != 0 && v & 0xff00_0000 == 0 && v & 0x00ff_0000 < 0x0006_0000 => {
            v >> 16
        }
        v if v & 0xffff_0000 != 0 => v.swap_bytes(),
        v if v & 0xff == 0 && v & 0xff00 < 0x0600 => u32::from((v as u16).swap_bytes()),
        v => v,
    };
    match family {
        2 => ip::either(rest, path),
        24 | 28 | 30 => ip::v6(rest, path),
        1501..=0xffff => ether::ethertype(family as u16, rest, path),
        _ => Packet::Skipped(Reason::Control("loopback of another address family")),
    }
}

/// OpenBSD loopback: the address family in network byte order.
fn loopback<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match (view.u32(0), view.skip(4)) {
        (Some(2), Some(rest)) => ip::either(rest, path),
        (Some(24 | 28 | 30), Some(rest)) => ip::v6(rest, path),
        (Some(_), Some(_)) => {
            Packet::Skipped(Reason::Control("loopback of another address family"))
        }
        _ => Packet::Skipped(Reason::Snapped("loopback")),
    }
}

/// Linux cooked capture: the protocol at `at`, the hardware type at `hardware`.
fn cooked<'a>(view: View<'a>, at: usize, hardware: usize, len: usize, path: Path) -> Packet<'a> {
    let (Some(kind), Some(hardware), Some(rest)) =
        (view.u16(at), view.u16(hardware), view.skip(len))
    else {
        return Packet::Skipped(Reason::Snapped("Linux cooked"));
    };
    match (hardware, kind) {
        (824, _) => Packet::Skipped(Reason::Control("netlink")),
        // Numbers of Linux' own, which are below those of EtherTypes.
        (770, 0..=1536) => frame_relay(rest, path),
        (803, 0..=1536) => wifi::radiotap(rest, path),
        (_, 4) => ether::llc(rest, path),
        (_, 3) => ether::ethernet(rest, path),
        (_, 7) => ppp::framed(rest, path),
        (_, 0x0001) => Packet::Skipped(Reason::EtherType(0x8137)),
        (778, kind) => tunnel::gre_payload(kind, 0, rest, path),
        (_, kind) => ether::ethertype(kind, rest, path),
    }
}

fn token_ring<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(control), Some(source)) = (view.u8(1), view.u8(8)) else {
        return Packet::Skipped(Reason::Snapped("token ring"));
    };
    if control & 0xc0 != 0x40 {
        return Packet::Skipped(Reason::Control("token ring control"));
    }
    // The source address says whether a source route follows.
    let route = match source & 0x80 != 0 {
        true => usize::from(view.u8(14).unwrap_or(0) & 0x1f),
        false => 0,
    };
    after(view, 14 + route, "token ring", |rest| {
        ether::llc(rest, path)
    })
}

/// ARCnet: RFC 1051 without, RFC 1201 with a header for fragments.
fn arcnet<'a>(view: View<'a>, at: usize, path: Path) -> Packet<'a> {
    let Some(protocol) = view.u8(at) else {
        return Packet::Skipped(Reason::Snapped("ARCnet"));
    };
    let header = match (protocol, view.u8(at + 1)) {
        (240 | 241, _) => at + 1,
        (_, Some(0xff)) if at == 2 => at + 8, // an exception frame repeats the header
        _ => at + 4,
    };
    match protocol {
        212 | 240 => after(view, header, "ARCnet", |rest| ip::either(rest, path)),
        196 => after(view, header, "ARCnet", |rest| ip::v6(rest, path)),
        213 | 241 => Packet::Skipped(Reason::Arp),
        _ => Packet::Skipped(Reason::Control("ARCnet of another protocol")),
    }
}

/// Frame relay: RFC 2427 with an NLPID, or Cisco's with an EtherType.
pub(super) fn frame_relay<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let mut address = 0;
    loop {
        match view.u8(address) {
            Some(byte) if byte & 1 == 0 && address < 4 => address += 1,
            Some(_) => break,
            None => return Packet::Skipped(Reason::Snapped("frame relay")),
        }
    }
    let Some(view) = view.skip(address + 1) else {
        return Packet::Skipped(Reason::Snapped("frame relay"));
    };
    if view.u8(0).is_some_and(|control| control & 3 != 3) {
        return match (view.u16(0), view.skip(2)) {
            (Some(kind), Some(rest)) => ether::ethertype(kind, rest, path),
            _ => Packet::Skipped(Reason::Snapped("frame relay")),
        };
    }
    let pad = usize::from(view.u8(1) == Some(0));
    match (view.u8(1 + pad), view.skip(2 + pad)) {
        (Some(0xcc), Some(rest)) => ip::v4(rest, path),
        (Some(0x8e), Some(rest)) => ip::v6(rest, path),
        (Some(0x80), Some(rest)) => ether::snap(rest, path),
        (Some(0xcf), Some(rest)) => ppp::ppp(rest, path),
        (Some(_), Some(_)) => Packet::Skipped(Reason::Control("frame relay of another protocol")),
        _ => Packet::Skipped(Reason::Snapped("frame relay")),
    }
}

/// OpenBSD's IPsec interface: address family in the host's byte order, SPI, flags.
fn enc<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match view.u32_le(0) {
        Some(2) => after(view, 12, "enc", |rest| ip::either(rest, path)),
        Some(24) => after(view, 12, "enc", |rest| ip::v6(rest, path)),
        Some(_) => Packet::Skipped(Reason::Control("enc of another address family")),
        None => Packet::Skipped(Reason::Snapped("enc")),
    }
}

/// OpenBSD's packet filter log: a header that tells its length, padded to four bytes.
fn pflog<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(len), Some(family)) = (view.u8(0), view.u8(1)) else {
        return Packet::Skipped(Reason::Snapped("pflog"));
    };
    if len < 45 {
        return Packet::Skipped(Reason::Malformed("pflog"));
    }
    let header = usize::from(len).next_multiple_of(4);
    after(view, header, "pflog", |rest| match family {
        2 => ip::either(rest, path),
        24 | 28 | 30 => ip::v6(rest, path),
        _ => Packet::Skipped(Reason::Control("pflog of another address family")),
    })
}

/// SunATM: the kind of traffic, path and channel. Where the kind is not told, the first bytes do.
fn sunatm<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(flags), Some(rest)) = (view.u8(0), view.skip(4)) else {
        return Packet::Skipped(Reason::Snapped("SunATM"));
    };
    match (flags & 0xf, rest.data) {
        (1, _) => after(rest, 2, "SunATM", |rest| ether::ethernet(rest, path)),
        (5 | 6, _) => Packet::Skipped(Reason::Control("ATM signalling")),
        (2, _) | (_, [0xaa, 0xaa, 3, ..]) => ether::llc(rest, path),
        (_, [_, 0x21, ..]) => ppp::ppp(rest, path),
        (_, [0, 0, ..]) => after(rest, 2, "SunATM", |rest| ether::ethernet(rest, path)),
        (_, [0x45..=0x4f | 0x60..=0x6f, ..]) => ip::either(rest, path),
        _ => Packet::Skipped(Reason::Control("ATM of another protocol")),
    }
}

/// Per-packet information: a header with its length and the link type of what follows.
fn ppi<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(len), Some(link)) = (view.u16_le(2), view.u32_le(4)) else {
        return Packet::Skipped(Reason::Snapped("PPI"));
    };
    let len = usize::from(len).max(8);
    // Of fields, the common one of 802.11 tells whether there is a frame check sequence.
    let (mut at, mut view) = (8, view);
    while let (Some(kind), Some(size)) = (view.u16_le(at), view.u16_le(at + 2)) {
        if at + 4 > len {
            break;
        }
        if kind == 2 && view.u16_le(at + 4 + 8).is_some_and(|flags| flags & 1 != 0) {
            view = view.limit(view.len.saturating_sub(4));
        }
        at += 4 + usize::from(size);
    }
    after(view, len, "PPI", |rest| inside("PPI", link, rest, path))
}

/// A frame of another link type, told by a header of 32 bits.
fn inside<'a>(name: &'static str, link: u32, rest: View<'a>, path: Path) -> Packet<'a> {
    match u16::try_from(link) {
        Ok(link) => open(LinkType(link), rest, path),
        Err(_) => Packet::Skipped(Reason::Malformed(name)),
    }
}

/// Solaris: version, family, type, the packet's length, three numbers.
fn ipnet<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(family), Some(len)) = (view.u8(1), view.u32(4)) else {
        return Packet::Skipped(Reason::Snapped("ipnet"));
    };
    let Some(header) = view.data.len().checked_sub(len as usize) else {
        return Packet::Skipped(Reason::Malformed("ipnet"));
    };
    match family {
        2 => after(view, header, "ipnet", |rest| ip::either(rest, path)),
        26 => after(view, header, "ipnet", |rest| ip::v6(rest, path)),
        _ => Packet::Skipped(Reason::Control("ipnet of another address family")),
    }
}

/// Linux's netfilter log: type-length-value fields in the host's byte order, one the packet.
fn nflog<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    if !matches!(view.u8(0), Some(2 | 10)) {
        return Packet::Skipped(Reason::Control("NFLOG of another address family"));
    }
    let mut at = 4;
    while let (Some(len), Some(kind)) = (view.u16_le(at), view.u16_le(at + 2)) {
        let len = usize::from(len);
        if len < 4 {
            return Packet::Skipped(Reason::Malformed("NFLOG"));
        }
        if at + len > view.data.len() {
            return Packet::Skipped(Reason::Snapped("NFLOG"));
        }
        if kind & 0x7fff == 9 {
            return after(view, at + 4, "NFLOG", |rest| {
                ip::either(rest.limit(len as u32 - 4), path)
            });
        }
        at += len.next_multiple_of(4);
    }
    Packet::Skipped(Reason::Control("NFLOG without a packet"))
}

/// DOCSIS: its header, then an Ethernet frame, unless it is a management message.
fn docsis<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(control), Some(parameter), Some(len)) = (view.u8(0), view.u8(1), view.u16(2)) else {
        return Packet::Skipped(Reason::Snapped("DOCSIS"));
    };
    if control >> 6 != 0 {
        return Packet::Skipped(Reason::Control("DOCSIS management"));
    }
    let extended = if control & 1 != 0 { parameter } else { 0 };
    let len = u32::from(len).saturating_sub(extended.into());
    after(view, 6 + usize::from(extended), "DOCSIS", |rest| {
        ether::ethernet(rest.limit(len), path)
    })
}

/// Endace's records: Ethernet ones.
fn erf<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let Some(kind) = view.u8(8) else {
        return Packet::Skipped(Reason::Snapped("ERF"));
    };
    let (mut header, mut more) = (16, kind & 0x80 != 0);
    while more {
        let Some(next) = view.u8(header) else {
            return Packet::Skipped(Reason::Snapped("ERF"));
        };
        (header, more) = (header + 8, next & 0x80 != 0);
    }
    match kind & 0x7f {
        2 | 11 | 16 | 20 => after(view, header + 2, "ERF", |rest| ether::ethernet(rest, path)),
        1 => after(view, header, "ERF", |rest| ppp::framed(rest, path)),
        22 => after(view, header, "ERF", |rest| ip::either(rest, path)),
        _ => Packet::Skipped(Reason::Control("ERF of another type")),
    }
}

/// Ethernet with its preamble (IEEE 802.3br).
fn mpacket<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let preamble = view.data.iter().take_while(|&&b| b == 0x55).count();
    match view.u8(preamble) {
        Some(0xd5) if (1..8).contains(&preamble) => after(view, preamble + 1, "mPacket", |rest| {
            ether::ethernet(rest, path)
        }),
        _ => ether::ethernet(view, path),
    }
}
