//! pcap: one header, records without structure. Both byte orders, µs and ns, and the dialects with
//! longer record headers.

use super::error::{Problem, Truncated};
use super::reader::{Format, Interface, Record, Shared, Stop};
use crate::timeline::Nanos;
use crate::wire::LinkType;

/// Wireshark's limit for a packet of most link types.
pub(super) const MAX_PACKET: u32 = 262_144;
/// Its limit for the link types whose packets may be larger (D-Bus, USBPcap, eBHSCR).
const MAX_LARGE_PACKET: u32 = 128 * 1024 * 1024;

/// The most bytes that one packet of a link type may have.
pub(super) fn max_packet(link: LinkType) -> u32 {
    match link.0 {
        231 | 249 | 279 => MAX_LARGE_PACKET,
        _ => MAX_PACKET,
    }
}

/// How the two lengths of a record are ordered: files before version 2.4 had them swapped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lengths {
    Right,
    Swapped,
    Unsure,
}

pub(super) struct Pcap {
    big: bool,
    nanos: bool,
    lengths: Lengths,
    /// Bytes of a record's header: 16, 20 (Nokia), 24 or 28 (Kuznetzov's patches).
    header: usize,
    link: LinkType,
    fcs: u8,
    max: u32,
}

const HEADER: usize = 24;

impl Pcap {
    pub(super) fn open(shared: &mut Shared, magic: &[u8]) -> Result<Option<Pcap>, Stop> {
        let Ok(magic) = <[u8; 4]>::try_from(magic) else {
            return Ok(None);
        };
        let (big, value) = match u32::from_be_bytes(magic) {
            v @ (0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34) => (true, v),
            v => (false, v.swap_bytes()),
        };
        let (nanos, modified) = match value {
            0xa1b2_c3d4 => (false, false),
            0xa1b2_3c4d => (true, false),
            0xa1b2_cd34 => (false, true),
            _ => return Ok(None),
        };
        let have = shared.window.want(HEADER)?;
        if have < HEADER {
            return Err(Stop::Truncated(Truncated {
                what: "pcap header",
                at: 0,
                have: have as u64,
                need: HEADER as u64,
            }));
        }
        let head = &shared.window.ready()[..HEADER];
        let (major, minor) = (u16_at(big, head, 4), u16_at(big, head, 6));
        let (snaplen, network) = (u32_at(big, head, 16), u32_at(big, head, 20));
        if major < 2 {
            return Err(Stop::Problem(Problem::Version {
                format: "pcap",
                major,
                minor,
            }));
        }
        // Bits 16-25 are reserved, 26 says that 28-31 hold the FCS length in 16-bit words.
        if network & 0x03ff_0000 != 0 {
            return Err(Stop::Problem(Problem::ReservedLinkBits(network)));
        }
        let fcs = (network & 0x0400_0000 != 0).then_some((network >> 28) as u8 * 2);
        let aix = match (major, minor) {
            (2, 2) => aix(network),
            _ => None,
        };
        let nanos = nanos || aix.is_some();
        let link = aix.unwrap_or(LinkType(network as u16));
        shared.interfaces.push(Interface {
            link,
            snaplen,
            fcs,
            name: None,
        });
        let lengths = match (major, minor) {
            (2, 0..=2) => Lengths::Swapped,
            (2, 3) => Lengths::Unsure,
            _ => Lengths::Right,
        };
        shared.window.consume(HEADER);
        let mut pcap = Pcap {
            big,
            nanos,
            lengths,
            header: 16,
            link,
            fcs: fcs.unwrap_or(0),
            max: max_packet(link),
        };
        let dialects: &[usize] = match (nanos, modified) {
            (true, _) => &[16],
            (false, true) => &[24, 28],
            (false, false) => &[16, 24, 20],
        };
        pcap.header = pcap.dialect(shared, dialects)?;
        Ok(Some(pcap))
    }

    pub(super) fn format(&self) -> Format {
        Format::Pcap {
            nanos: self.nanos,
            big: self.big,
            modified: self.header != 16,
        }
    }

    /// The first of the header lengths under which the first records make sense: the dialects
    /// have no reliable mark. As Wireshark: up to three records, the fewest problems win.
    fn dialect(&self, shared: &mut Shared, sizes: &[usize]) -> Result<usize, Stop> {
        if sizes.len() == 1 {
            return Ok(sizes[0]);
        }
        let mut best = (usize::MAX, sizes[0]);
        for &size in sizes {
            let problems = self.problems(shared, size)?;
            if problems < best.0 {
                best = (problems, size);
            }
            if problems == 0 {
                break;
            }
        }
        Ok(best.1)
    }

    fn problems(&self, shared: &mut Shared, size: usize) -> Result<usize, Stop> {
        let (mut at, mut problems) = (0, 0);
        for _ in 0..3 {
            // What cannot be read ends the looking ahead; it is an error when it is its turn.
            let have = shared
                .window
                .want(at + size)
                .unwrap_or_else(|_| shared.window.ready().len());
            if have <= at {
                break;
            }
            if have < at + size {
                problems += 1;
                break;
            }
            let head = &shared.window.ready()[at..at + size];
            let (captured, wire) = self.lengths(head);
            problems += usize::from(captured > self.max)
                + usize::from(wire > 64 * 1024 * 1024)
                + usize::from(captured > wire);
            if captured > self.max {
                problems += 2;
                break;
            }
            at += size + captured as usize;
            if shared.window.want(at).map_or(true, |have| have < at) {
                problems += 1;
                break;
            }
        }
        Ok(problems)
    }

    #[inline]
    fn lengths(&self, head: &[u8]) -> (u32, u32) {
        let (a, b) = (u32_at(self.big, head, 8), u32_at(self.big, head, 12));
        match self.lengths {
            Lengths::Right => (a, b),
            Lengths::Swapped => (b, a),
            Lengths::Unsure => (a.min(b), a.max(b)),
        }
    }

    pub(super) fn next(&mut self, shared: &mut Shared) -> Result<Option<Record>, Stop> {
        let have = shared.window.want(self.header)?;
        if have < self.header {
            return self.ended(shared, have, self.header);
        }
        let head = shared.window.ready();
        let seconds = u32_at(self.big, head, 0);
        let fraction = u32_at(self.big, head, 4);
        let (captured, wire_len) = self.lengths(head);
        if captured > self.max {
            return Err(Stop::Problem(Problem::PacketTooLong(
                captured.into(),
                self.max.into(),
            )));
        }
        let size = self.header + captured as usize;
        let have = shared.window.want(size)?;
        if have < size {
            return self.ended(shared, have, size);
        }
        shared.window.consume(size);
        shared.frames += 1;
        let fraction = Nanos::from(fraction) * if self.nanos { 1 } else { 1000 };
        Ok(Some(Record {
            time: Nanos::from(seconds) * 1_000_000_000 + fraction,
            link: self.link,
            wire_len,
            size,
            from: self.header,
            len: captured as usize,
            fcs: self.fcs,
        }))
    }

    #[cold]
    fn ended(&self, shared: &Shared, have: usize, need: usize) -> Result<Option<Record>, Stop> {
        if have == 0 {
            return Ok(None);
        }
        Err(Stop::Truncated(Truncated {
            what: "packet record",
            at: shared.window.offset(),
            have: have as u64,
            need: need as u64,
        }))
    }
}

/// AIX writes version 2.2 with the numbers of RFC 1573 (`ifType`), and nanoseconds.
fn aix(network: u32) -> Option<LinkType> {
    Some(match network {
        6 => LinkType::ETHERNET,
        9 => LinkType(6),   // token ring
        15 => LinkType(10), // FDDI
        24 => LinkType(0),  // loopback
        _ => return None,
    })
}

#[inline]
pub(super) fn u16_at(big: bool, b: &[u8], at: usize) -> u16 {
    let v = [b[at], b[at + 1]];
    if big {
        u16::from_be_bytes(v)
    } else {
        u16::from_le_bytes(v)
    }
}

#[inline]
pub(super) fn u32_at(big: bool, b: &[u8], at: usize) -> u32 {
    let v = [b[at], b[at + 1], b[at + 2], b[at + 3]];
    if big {
        u32::from_be_bytes(v)
    } else {
        u32::from_le_bytes(v)
    }
}
