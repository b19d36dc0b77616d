//! The IP headers of a frame, outermost first, and what ICMP errors quote.
//!
//! Wireshark gives a frame one value of `ip.src` for each IP header in it: of a tunnel, and of a
//! packet quoted in an ICMP error. [`crate::wire`] opens a frame down to its innermost header and
//! forgets the rest; here it is the rest that counts.

use crate::wire::Frame;

/// A header that filters can ask about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layer<'a> {
    /// An IPv4 header: its first 20 bytes.
    Ipv4(&'a [u8; 20]),
    /// An IPv6 header.
    Ipv6(&'a [u8; 40]),
    /// ICMP or ICMPv6: version 6?, type, code.
    Icmp(bool, u8, u8),
    /// A UDP header quoted in an ICMP error, and the payload behind it.
    QuotedUdp(&'a [u8; 8], &'a [u8]),
    /// A TCP header quoted in an ICMP error: its first 8 bytes at least.
    QuotedTcp(&'a [u8]),
}

/// All of a frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers<'a> {
    pub ethernet: bool,
    pub list: Vec<Layer<'a>>,
    /// What could not be looked into: there may be more headers.
    pub closed: Option<&'static str>,
    /// Among them headers of TCP and UDP that [`crate::wire`] does not know either.
    pub quotes: bool,
}

pub(super) fn walk<'a>(frame: &Frame<'a>) -> Layers<'a> {
    let mut layers = Layers::default();
    layers.link(frame.link.0, frame.data);
    layers
}

fn u16(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}

impl<'a> Layers<'a> {
    fn link(&mut self, link: u16, data: &'a [u8]) {
        match link {
            1 => {
                self.ethernet = true;
                self.ethertype(data, 12);
            }
            0 | 108 => {
                let Some(head) = data.get(..4) else { return };
                let word = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
                match word.min(word.swap_bytes()) {
                    2 => self.ipv4(&data[4..], false),
                    10 | 24 | 28 | 30 => self.ipv6(&data[4..], false),
                    _ => self.closed = Some("the payload of this link type"),
                }
            }
            12 | 14 | 101 | 228 | 229 => match data.first().map(|byte| byte >> 4) {
                Some(4) => self.ipv4(data, false),
                Some(6) => self.ipv6(data, false),
                _ => {}
            },
            113 => self.ethertype(data, 14),
            276 => {
                if let Some(kind) = u16(data, 0) {
                    self.network(kind, data.get(20..).unwrap_or_default());
                }
            }
            _ => self.closed = Some("this link type"),
        }
    }

    /// An EtherType at `at`, the payload behind it.
    fn ethertype(&mut self, data: &'a [u8], at: usize) {
        let mut at = at;
        let Some(mut kind) = u16(data, at) else {
            return;
        };
        while matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
            at += 4;
            match u16(data, at) {
                Some(inner) => kind = inner,
                None => return,
            }
        }
        self.network(kind, &data[at + 2..]);
    }

    fn network(&mut self, kind: u16, data: &'a [u8]) {
        match kind {
            0x0800 => self.ipv4(data, false),
            0x86dd => self.ipv6(data, false),
            0x0806 => {}
            // PPPoE, MPLS and the like may carry IP.
            0x0600.. => self.closed = Some("a frame of another EtherType"),
            _ => self.closed = Some("an 802.3 frame"),
        }
    }

    fn ipv4(&mut self, data: &'a [u8], quoted: bool) {
        let Some(header) = data.first_chunk::<20>() else {
            return;
        };
        let header_len = usize::from(header[0] & 15) * 4;
        if header[0] >> 4 != 4 || header_len < 20 {
            return;
        }
        self.list.push(Layer::Ipv4(header));
        let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
        // What stands behind the datagram is padding; length 0 is filled in by the network card.
        let end = match total {
            0 => data.len(),
            _ => total.min(data.len()),
        };
        let Some(payload) = data.get(header_len..end) else {
            return;
        };
        if !fragment {
            self.transport(header[9], payload, quoted);
        }
    }

    fn ipv6(&mut self, data: &'a [u8], quoted: bool) {
        let Some(header) = data.first_chunk::<40>() else {
            return;
        };
        if header[0] >> 4 != 6 {
            return;
        }
        self.list.push(Layer::Ipv6(header));
        let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
        let end = match len {
            0 => data.len(),
            _ => (40 + len).min(data.len()),
        };
        let (mut next, mut rest) = (header[6], &data[40..end]);
        // Extension headers; each is at least 8 bytes long, so this ends.
        loop {
            let len = match next {
                0 | 43 | 60 => rest.get(1).map(|len| 8 + usize::from(*len) * 8),
                51 => rest.get(1).map(|len| 8 + usize::from(*len) * 4),
                44 => {
                    let more = u16(rest, 2).is_some_and(|word| word & 0xfff9 != 0);
                    if more {
                        return;
                    }
                    Some(8)
                }
                _ => break,
            };
            let (Some(len), Some(&after)) = (len, rest.first()) else {
                return;
            };
            match rest.get(len..) {
                Some(behind) => (next, rest) = (after, behind),
                None => return,
            }
        }
        self.transport(next, rest, quoted);
    }

    fn transport(&mut self, protocol: u8, data: &'a [u8], quoted: bool) {
        if self.list.len() > 16 {
            self.closed = Some("so many headers in one another");
            return;
        }
        match protocol {
            4 => self.ipv4(data, quoted),
            41 => self.ipv6(data, quoted),
            1 | 58 => {
                let (Some(&kind), Some(&code)) = (data.first(), data.get(1)) else {
                    return;
                };
                self.list.push(Layer::Icmp(protocol == 58, kind, code));
                let Some(behind) = data.get(8..) else { return };
                // RFC 4884: a length, and extensions behind the quoted packet.
                let extended = match (protocol, kind) {
                    (1, 3 | 11 | 12) => data[5] != 0,
                    (58, 1 | 3) => data[4] != 0,
                    _ => false,
                };
                if extended {
                    self.closed = Some("an ICMP error with extensions");
                    self.quotes = true;
                    return;
                }
                match (protocol, kind) {
                    (1, 3 | 4 | 5 | 11 | 12) => self.ipv4(behind, true),
                    (58, 1..=4) => self.ipv6(behind, true),
                    _ => {}
                }
            }
            17 if quoted => {
                if let Some((header, payload)) = data.split_first_chunk::<8>() {
                    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
                    let len = len.saturating_sub(8).min(payload.len());
                    self.list.push(Layer::QuotedUdp(header, &payload[..len]));
                }
            }
            6 if quoted && data.len() >= 8 => self.list.push(Layer::QuotedTcp(data)),
            47 => self.closed = Some("a GRE tunnel"),
            50 => self.closed = Some("an ESP packet"),
            _ => {}
        }
    }
}
