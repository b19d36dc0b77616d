//! pcapng: sections, interfaces, packets in blocks (draft-ietf-opsawg-pcapng).

use super::error::{Problem, Truncated};
use super::pcap::{max_packet, u16_at, u32_at};
use super::reader::{Interface, Record, Shared, Stop, Subject};
use crate::timeline::Nanos;
use crate::wire::LinkType;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Blocks without packets longer than this are stepped over, not read (Wireshark refuses them).
const MAX_BLOCK: u32 = 16 * 1024 * 1024;
/// Interfaces of one section beyond which a file is taken for garbage.
const MAX_INTERFACES: usize = 1 << 16;

/// Timestamp units of an interface.
#[derive(Clone, Copy)]
enum Units {
    /// Each unit is this many ns.
    Nanos(u64),
    /// This many units in a second.
    PerSecond(u128),
}

struct Source {
    link: LinkType,
    fcs: u8,
    snaplen: u32,
    units: Units,
    /// `if_tsoffset` in ns.
    offset: i128,
}

pub(super) struct Pcapng {
    big: bool,
    /// Of the current section.
    sources: Vec<Source>,
}

impl Pcapng {
    pub(super) fn open(shared: &mut Shared, magic: &[u8]) -> Result<Option<Pcapng>, Stop> {
        if magic != SECTION.to_be_bytes() {
            return Ok(None);
        }
        let mut pcapng = Pcapng {
            big: false,
            sources: vec![],
        };
        pcapng.block(shared)?;
        Ok(Some(pcapng))
    }

    pub(super) fn next(&mut self, shared: &mut Shared) -> Result<Option<Record>, Stop> {
        loop {
            if shared.window.want(1)? == 0 {
                return Ok(None);
            }
            if let Some(record) = self.block(shared)? {
                shared.frames += 1;
                return Ok(Some(record));
            }
        }
    }

    /// Reads one block; `None` if it holds no packet.
    fn block(&mut self, shared: &mut Shared) -> Result<Option<Record>, Stop> {
        let have = shared.window.want(12)?;
        if have < 12 {
            return Err(cut(shared, have as u64, 12));
        }
        let head = shared.window.ready();
        let kind = u32_at(self.big, head, 0);
        if kind == SECTION {
            // The same in both byte orders; what follows tells which.
            match u32_at(true, head, 8) {
                0x1a2b_3c4d => self.big = true,
                0x4d3c_2b1a => self.big = false,
                other => return Err(Stop::Problem(Problem::ByteOrder(other))),
            }
        }
        let len = u32_at(self.big, head, 4);
        let least = if kind == SECTION { 28 } else { 12 };
        if len < least {
            return Err(Stop::Problem(Problem::BlockLength { kind, len }));
        }
        if len > MAX_BLOCK {
            return self.large(shared, kind, len);
        }
        // Wireshark accepts lengths that are no multiple of four and steps over the padding.
        let size = len.next_multiple_of(4) as usize;
        let have = shared.window.want(size)?;
        if have < size {
            return Err(cut(shared, have as u64, size as u64));
        }
        let trailer = u32_at(self.big, shared.window.ready(), size - 4);
        if trailer != len {
            return Err(Stop::Problem(Problem::BlockTrailer(len, trailer)));
        }
        let body = 8..size - 4;
        let found = match kind {
            ENHANCED_PACKET => Some(self.packet(shared, body, false)?),
            SIMPLE_PACKET => Some(self.simple(shared, body)?),
            OBSOLETE_PACKET => Some(self.packet(shared, body, true)?),
            SECTION => {
                self.section(shared, body)?;
                None
            }
            INTERFACE => {
                self.interface(shared, body)?;
                None
            }
            _ => None,
        };
        shared.window.consume(size);
        Ok(found)
    }

    /// A block too long to be read whole: only link types with very large packets have such.
    #[cold]
    fn large(&mut self, shared: &mut Shared, kind: u32, len: u32) -> Result<Option<Record>, Stop> {
        if matches!(
            kind,
            SECTION | INTERFACE | OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET
        ) {
            return Err(Stop::Problem(Problem::BlockLength { kind, len }));
        }
        let at = shared.window.offset();
        let need = u64::from(len).next_multiple_of(4);
        let have = shared.window.skip(need)?;
        if have < need {
            return Err(Stop::Truncated(Truncated {
                what: "block",
                at,
                have,
                need,
            }));
        }
        Ok(None)
    }

    fn section(&mut self, shared: &mut Shared, body: std::ops::Range<usize>) -> Result<(), Stop> {
        let block = &shared.window.ready()[body];
        let (major, minor) = (u16_at(self.big, block, 4), u16_at(self.big, block, 6));
        if major != 1 || !matches!(minor, 0 | 2) {
            return Err(Stop::Problem(Problem::Version {
                format: "pcapng",
                major,
                minor,
            }));
        }
        self.sources.clear();
        let texts = comments(self.big, &block[16..])?;
        for text in texts {
            shared.comment(Subject::Section, &text);
        }
        Ok(())
    }

    fn interface(&mut self, shared: &mut Shared, body: std::ops::Range<usize>) -> Result<(), Stop> {
        let (kind, len) = (INTERFACE, body.len() as u32 + 12);
        if body.len() < 8 || self.sources.len() >= MAX_INTERFACES {
            return Err(Stop::Problem(Problem::BlockLength { kind, len }));
        }
        let big = self.big;
        let block = &shared.window.ready()[body];
        let link = LinkType(u16_at(big, block, 0));
        let snaplen = u32_at(big, block, 4);
        let mut source = Source {
            link,
            fcs: 0,
            snaplen,
            units: Units::Nanos(1000),
            offset: 0,
        };
        let (mut name, mut fcs) = (None, None);
        options(big, &block[8..], |code, value| match (code, value) {
            (2, name_bytes) if name_bytes.len() <= 256 => {
                name = Some(String::from_utf8_lossy(name_bytes).into_owned());
            }
            (9, &[resolution]) => source.units = units(resolution),
            // In bits, says the draft; in bytes, say those who write it.
            (13, &[n]) => fcs = Some(if n >= 8 { n / 8 } else { n }),
            (14, seconds) => {
                if let Ok(b) = <[u8; 8]>::try_from(seconds) {
                    let s = if big {
                        i64::from_be_bytes(b)
                    } else {
                        i64::from_le_bytes(b)
                    };
                    source.offset = i128::from(s) * 1_000_000_000;
                }
            }
            _ => {}
        })?;
        let texts = comments(big, &block[8..])?;
        source.fcs = fcs.unwrap_or(0);
        let number = shared.interfaces.len();
        self.sources.push(source);
        // Over many sections the list could grow without end; nobody asks beyond this.
        if number < MAX_INTERFACES {
            shared.interfaces.push(Interface {
                link,
                snaplen,
                fcs,
                name,
            });
        }
        for text in texts {
            shared.comment(Subject::Interface(number), &text);
        }
        Ok(())
    }

    /// An enhanced packet block, or its predecessor with a 16-bit interface number.
    #[inline]
    fn packet(
        &mut self,
        shared: &mut Shared,
        body: std::ops::Range<usize>,
        obsolete: bool,
    ) -> Result<Record, Stop> {
        let big = self.big;
        let size = body.end + 4;
        let block = &shared.window.ready()[body];
        if block.len() < 20 {
            return Err(Stop::Problem(Problem::BlockLength {
                kind: if obsolete {
                    OBSOLETE_PACKET
                } else {
                    ENHANCED_PACKET
                },
                len: size as u32,
            }));
        }
        let id = if obsolete {
            u16_at(big, block, 0).into()
        } else {
            u32_at(big, block, 0)
        };
        let ticks = u64::from(u32_at(big, block, 4)) << 32 | u64::from(u32_at(big, block, 8));
        let (captured, wire_len) = (u32_at(big, block, 12), u32_at(big, block, 16));
        let source = self.source(id)?;
        let room = block.len() as u32 - 20;
        check(captured, room, source.link)?;
        let record = Record {
            time: source.time(ticks),
            link: source.link,
            wire_len,
            size,
            from: 28,
            len: captured as usize,
            fcs: source.fcs,
        };
        let rest = (20 + captured as usize).next_multiple_of(4);
        if rest + 4 < block.len() {
            for text in comments(big, &block[rest..])? {
                shared.comment(Subject::Frame(shared.frames + 1), &text);
            }
        }
        Ok(record)
    }

    fn simple(
        &mut self,
        shared: &mut Shared,
        body: std::ops::Range<usize>,
    ) -> Result<Record, Stop> {
        let size = body.end + 4;
        let block = &shared.window.ready()[body];
        if block.len() < 4 {
            return Err(Stop::Problem(Problem::BlockLength {
                kind: SIMPLE_PACKET,
                len: size as u32,
            }));
        }
        let wire_len = u32_at(self.big, block, 0);
        let source = self.source(0)?;
        let room = block.len() as u32 - 4;
        let mut captured = wire_len;
        if source.snaplen != 0 {
            captured = captured.min(source.snaplen);
        }
        check(captured, room, source.link)?;
        Ok(Record {
            time: 0,
            link: source.link,
            wire_len,
            size,
            from: 12,
            len: captured as usize,
            fcs: source.fcs,
        })
    }

    #[inline]
    fn source(&self, id: u32) -> Result<&Source, Stop> {
        let known = self.sources.len();
        self.sources
            .get(id as usize)
            .ok_or(Stop::Problem(Problem::NoInterface { id, known }))
    }
}

impl Source {
    #[inline]
    fn time(&self, ticks: u64) -> Nanos {
        let nanos = match self.units {
            Units::Nanos(n) => u128::from(ticks) * u128::from(n),
            Units::PerSecond(0) => 0,
            // Below 2^64 ticks and at least 2^30 a second: fits.
            Units::PerSecond(per) => {
                let (seconds, rest) = (u128::from(ticks) / per, u128::from(ticks) % per);
                seconds * 1_000_000_000 + fraction(rest, per)
            }
        };
        wrap(nanos as i128 + self.offset)
    }
}

/// `rest / per` of a second in ns, for `per` up to 2^127.
fn fraction(rest: u128, per: u128) -> u128 {
    rest.checked_mul(1_000_000_000)
        .map_or_else(|| rest / (per / 1_000_000_000).max(1), |r| r / per)
}

/// Times beyond the year 2262 wrap: some writers store small negative times, and the distance
/// between two frames stays right.
fn wrap(nanos: i128) -> Nanos {
    nanos as Nanos
}

/// `if_tsresol`: a power of ten, or of two with the high bit set.
fn units(resolution: u8) -> Units {
    let power = u32::from(resolution & 0x7f);
    if resolution & 0x80 != 0 {
        return Units::PerSecond(1u128.checked_shl(power).unwrap_or(0));
    }
    match power {
        0..=9 => Units::Nanos(10u64.pow(9 - power)),
        _ => Units::PerSecond(10u128.checked_pow(power).unwrap_or(0)),
    }
}

#[inline]
fn check(captured: u32, room: u32, link: LinkType) -> Result<(), Stop> {
    let max = max_packet(link);
    if captured > max {
        return Err(Stop::Problem(Problem::PacketTooLong(
            captured.into(),
            max.into(),
        )));
    }
    if captured > room {
        return Err(Stop::Problem(Problem::PacketInBlock { captured, room }));
    }
    Ok(())
}

/// Calls `each` for every option, until the end; one that runs over it is an error, as for
/// Wireshark.
fn options(big: bool, mut bytes: &[u8], mut each: impl FnMut(u16, &[u8])) -> Result<(), Stop> {
    while bytes.len() >= 4 {
        let (code, len) = (u16_at(big, bytes, 0), u16_at(big, bytes, 2));
        if code == 0 {
            break;
        }
        let room = bytes.len() - 4;
        let Some(value) = bytes.get(4..4 + usize::from(len)) else {
            return Err(Stop::Problem(Problem::Option { code, len, room }));
        };
        each(code, value);
        bytes = bytes
            .get(4 + usize::from(len).next_multiple_of(4)..)
            .unwrap_or(&[]);
    }
    Ok(())
}

fn comments(big: bool, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Stop> {
    let mut found = vec![];
    options(big, bytes, |code, value| {
        if code == 1 {
            found.push(value.to_vec());
        }
    })?;
    Ok(found)
}

#[cold]
fn cut(shared: &Shared, have: u64, need: u64) -> Stop {
    Stop::Truncated(Truncated {
        what: "block",
        at: shared.window.offset(),
        have,
        need,
    })
}
