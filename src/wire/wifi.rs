//! 802.11 frames, and the headers that capture programs put before them.

use super::ip::Path;
use super::tunnel::after;
use super::view::View;
use super::{Packet, Reason, ether};

/// Radiotap: little endian, a bitmap of fields, of which one matters here.
pub(super) fn radiotap<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    let (Some(len), Some(present)) = (view.u16_le(2), view.u32_le(4)) else {
        return Packet::Skipped(Reason::Snapped("radiotap"));
    };
    if len < 8 {
        return Packet::Skipped(Reason::Malformed("radiotap"));
    }
    // Further bitmaps follow while bit 31 is set.
    let (mut fields, mut word) = (8, present);
    while word & 1 << 31 != 0 {
        let Some(next) = view.u32_le(fields) else {
            return Packet::Skipped(Reason::Snapped("radiotap"));
        };
        (fields, word) = (fields + 4, next);
    }
    if present & 1 != 0 {
        fields = fields.next_multiple_of(8) + 8; // TSFT
    }
    let flags = match present & 2 != 0 {
        true => view.u8(fields).unwrap_or(0),
        false => 0,
    };
    // A frame check sequence at the end.
    let view = match flags & 0x10 != 0 {
        true => view.limit(view.len.saturating_sub(4)),
        false => view,
    };
    after(view, len.into(), "radiotap", |rest| {
        let layout = Layout {
            padded: flags & 0x20 != 0,
            ..Layout::default()
        };
        frame(rest, layout, path)
    })
}

/// AVS: a header that tells its length.
pub(super) fn avs<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match view.u32(4) {
        Some(len) => after(view, len as usize, "AVS", |rest| {
            frame(rest, Layout::default(), path)
        }),
        None => Packet::Skipped(Reason::Snapped("AVS")),
    }
}

/// Prism, or AVS, which captures of its link type may hold as well.
pub(super) fn prism<'a>(view: View<'a>, path: Path) -> Packet<'a> {
    match view.u32(0) {
        Some(0x44 | 0x4400_0000) => after(view, 144, "Prism", |rest| {
            frame(rest, Layout::default(), path)
        }),
        Some(0x8021_0000..=0x8021_ffff) => avs(view, path),
        Some(_) => Packet::Skipped(Reason::Malformed("Prism")),
        None => Packet::Skipped(Reason::Snapped("Prism")),
    }
}

/// How a capture program or a tunnel arranges the frame.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Layout {
    /// The header is padded to four bytes.
    pub(super) padded: bool,
    /// The two bytes of the frame control field are swapped.
    pub(super) swapped: bool,
}

/// An 802.11 frame.
pub(super) fn frame<'a>(view: View<'a>, layout: Layout, path: Path) -> Packet<'a> {
    let Some(mut control) = view.u16_le(0) else {
        return Packet::Skipped(Reason::Snapped("802.11"));
    };
    if layout.swapped {
        control = control.swap_bytes();
    }
    if control & 3 != 0 {
        return Packet::Skipped(Reason::Malformed("802.11"));
    }
    if control & 0x0400 != 0 {
        return Packet::Skipped(Reason::Control("802.11 fragment"));
    }
    let subtype = control >> 4 & 0xf;
    match control >> 2 & 3 {
        0 => return Packet::Skipped(Reason::Control("802.11 management")),
        2 => {}
        _ => return Packet::Skipped(Reason::Control("802.11 control")),
    }
    if subtype & 4 != 0 {
        return Packet::Skipped(Reason::Control("802.11 without data"));
    }
    if control & 0x4000 != 0 {
        return Packet::Skipped(Reason::Encrypted("802.11"));
    }
    let mut header = 24;
    if control & 0x0300 == 0x0300 {
        header += 6; // to and from the distribution system: a fourth address
    }
    let mut aggregated = false;
    if subtype & 8 != 0 {
        aggregated = view.u8(header).is_some_and(|qos| qos & 0x80 != 0);
        header += 2;
        if control & 0x8000 != 0 {
            header += 4; // high throughput
        }
    }
    if layout.padded {
        header = header.next_multiple_of(4);
    }
    after(view, header, "802.11", |rest| {
        if aggregated {
            return aggregate(rest, path);
        }
        ether::llc(rest, path)
    })
}

/// Several frames in one (A-MSDU): the first that carries TCP.
fn aggregate<'a>(mut view: View<'a>, path: Path) -> Packet<'a> {
    let mut first = None;
    while let (Some(len), Some(rest)) = (view.u16(12), view.skip(14)) {
        let packet = ether::llc(rest.limit(len.into()), path);
        if matches!(packet, Packet::Tcp(_)) {
            return packet;
        }
        first.get_or_insert(packet);
        match view.skip((14 + usize::from(len)).next_multiple_of(4)) {
            Some(next) => view = next,
            None => break,
        }
    }
    first.unwrap_or(Packet::Skipped(Reason::Snapped("802.11 aggregate")))
}
