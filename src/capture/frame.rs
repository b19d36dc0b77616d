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
    chunk: u32,
    start: u32,
    len: u32,
    wire_len: u32,
}

/// Bytes of a chunk: many frames each, and little is lost at its end.
const CHUNK: usize = 4 << 20;

/// Frames in capture order, without an allocation each.
#[derive(Debug, Clone, Default)]
pub struct FrameStore {
    slots: Vec<Slot>,
    /// The frames' bytes, in chunks that are never moved: one large array would be copied, and be
    /// there twice, whenever it grows.
    chunks: Vec<Vec<u8>>,
    /// Frames that have been forgotten, all before the first in `slots`.
    forgotten: usize,
}

impl FrameStore {
    /// Appends a frame; its number is its position, from 1.
    pub fn push(&mut self, time: Nanos, wire_len: u32, data: &[u8]) {
        let full = |chunk: &Vec<u8>| chunk.len() + data.len() > CHUNK;
        if self.chunks.last().is_none_or(full) {
            // The first grows, since most captures are small; the others are had at once.
            let room = match self.chunks.len() {
                0 => data.len(),
                _ => CHUNK.max(data.len()),
            };
            self.chunks.push(Vec::with_capacity(room));
        }
        let index = self.chunks.len() - 1;
        let chunk = &mut self.chunks[index];
        let start = chunk.len() as u32;
        chunk.extend_from_slice(data);
        self.slots.push(Slot {
            time,
            chunk: index as u32,
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
        let chunks = self.chunks.iter().map(Vec::capacity);
        chunks.sum::<usize>() + self.slots.capacity() * size_of::<Slot>()
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
            data: &self.chunks[slot.chunk as usize][slot.start as usize..][..slot.len as usize],
        })
    }

    /// All frames in capture order.
    pub fn iter(&self, link: LinkType) -> impl Iterator<Item = Frame<'_>> {
        (0..self.len()).filter_map(move |i| self.get(i, link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_they_were_over_many_chunks() {
        let mut store = FrameStore::default();
        let frame = |n: usize| vec![n as u8; 1 + n * 7919 % 66_000];
        for n in 0..400 {
            store.push(n as i64, 70_000, &frame(n));
        }
        assert!(store.chunks.len() > 2);
        assert_eq!(store.len(), 400);
        for (n, stored) in store.iter(LinkType::ETHERNET).enumerate() {
            assert_eq!((stored.number, stored.time), (n as u64 + 1, n as i64));
            assert_eq!(stored.data, frame(n));
        }
        // One that is larger than a chunk has one of its own.
        store.push(0, 0, &vec![1; CHUNK + 1]);
        store.push(0, 0, &[2]);
        assert_eq!(
            store.get(400, LinkType::ETHERNET).unwrap().data.len(),
            CHUNK + 1
        );
        assert_eq!(store.get(401, LinkType::ETHERNET).unwrap().data, [2]);
    }

    #[test]
    fn what_is_forgotten_still_counts() {
        let mut store = FrameStore::default();
        store.push(1, 1, &[1]);
        store.forget();
        assert_eq!((store.len(), store.held()), (1, 0));
        assert!(store.get(0, LinkType::ETHERNET).is_none());
        store.push(2, 1, &[2]);
        assert_eq!(store.get(1, LinkType::ETHERNET).unwrap().number, 2);
        assert!(!store.is_empty());
    }
}
