//! One captured frame, and a store of many without an allocation each.

use crate::timeline::Nanos;
use crate::wire::LinkType;

/// One captured frame, borrowed from where it was read or stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// 1 for the first packet of the file or run; never renumbered.
    pub number: u64,
    /// Timestamp, ns since the Unix epoch.
    pub time: Nanos,
    /// How to read `data`.
    pub link: LinkType,
    /// Length on the wire in bytes; larger than `data.len()` when the frame was snapped.
    pub wire_len: u32,
    /// The captured bytes, link-layer header first.
    pub data: &'a [u8],
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    time: Nanos,
    start: usize,
    len: u32,
    wire_len: u32,
}

/// Frames in capture order, their bytes in one arena.
#[derive(Debug, Clone, Default)]
pub struct FrameStore {
    slots: Vec<Slot>,
    bytes: Vec<u8>,
    /// Frames that have been forgotten, all before the first in `slots`.
    forgotten: usize,
}

impl FrameStore {
    /// Appends a frame; its number is its position, from 1.
    pub fn push(&mut self, time: Nanos, wire_len: u32, data: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(data);
        self.slots.push(Slot {
            time,
            start,
            len: data.len() as u32,
            wire_len,
        });
    }

    /// How many frames.
    pub fn len(&self) -> usize {
        self.forgotten + self.slots.len()
    }

    /// Frees the frames; only their number stays.
    pub fn forget(&mut self) {
        *self = FrameStore {
            forgotten: self.len(),
            ..FrameStore::default()
        };
    }

    /// Bytes of memory held, about.
    pub fn held(&self) -> usize {
        self.bytes.capacity() + self.slots.capacity() * size_of::<Slot>()
    }

    /// No frames?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame at `index` (from 0), read as `link`; `None` past the end or if it was forgotten.
    pub fn get(&self, index: usize, link: LinkType) -> Option<Frame<'_>> {
        let slot = self.slots.get(index.checked_sub(self.forgotten)?)?;
        Some(Frame {
            number: index as u64 + 1,
            time: slot.time,
            link,
            wire_len: slot.wire_len,
            data: &self.bytes[slot.start..slot.start + slot.len as usize],
        })
    }

    /// All frames in capture order.
    pub fn iter(&self, link: LinkType) -> impl Iterator<Item = Frame<'_>> {
        (0..self.len()).filter_map(move |i| self.get(i, link))
    }
}
