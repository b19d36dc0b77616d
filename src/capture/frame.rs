//! A store of many frames without an allocation each.

use super::bytes::Chunk;
use super::spill::{CUT, Spill};
use crate::timeline::Nanos;
use crate::wire::{Frame, LinkType};

/// What stands before a frame in a pcap file of nanoseconds, in this machine's byte order. The
/// format has 32 bits for the seconds: unsigned, until 2106.
pub(super) fn record_header(time: Nanos, captured: usize, wire_len: u32) -> [u8; HEADER] {
    let seconds = time.div_euclid(1_000_000_000) as u32;
    let nanoseconds = time.rem_euclid(1_000_000_000) as u32;
    let mut header = [0; HEADER];
    header[0..4].copy_from_slice(&seconds.to_ne_bytes());
    header[4..8].copy_from_slice(&nanoseconds.to_ne_bytes());
    header[8..12].copy_from_slice(&(captured as u32).to_ne_bytes());
    header[12..16].copy_from_slice(&wire_len.to_ne_bytes());
    header
}

/// Bytes of a pcap record's header.
const HEADER: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Slot {
    time: Nanos,
    chunk: u32,
    /// Of the frame's bytes in the chunk.
    start: u32,
    len: u32,
    wire_len: u32,
}

/// Bytes of a chunk: many frames each, and little is lost at its end.
const CHUNK: usize = 4 << 20;

/// Frames in capture order, without an allocation each.
///
/// Their bytes lie in chunks that are never moved and never copied again: the payloads of
/// conversations are parts of them, and, since each frame stands behind its pcap header, they are the
/// records of the capture file, one after the other.
#[derive(Debug, Clone, Default)]
pub struct FrameStore {
    slots: Vec<Slot>,
    /// Chunks that are complete.
    chunks: Vec<Chunk>,
    /// The one after them, being filled.
    open: Vec<u8>,
    /// Bytes of memory that the complete chunks take.
    held: usize,
    /// Frames that have been forgotten, all before the first in `slots`.
    forgotten: usize,
}

impl FrameStore {
    /// Appends a frame; its number is its position, from 1.
    pub fn push(&mut self, time: Nanos, wire_len: u32, data: &[u8]) {
        let needed = HEADER + data.len();
        if !self.open.is_empty() && self.open.len() + needed > CHUNK {
            self.seal();
            // The first grows, since most captures are small; the others are had at once.
            self.open = Vec::with_capacity(CHUNK.max(needed));
        }
        let header = record_header(time, data.len(), wire_len);
        self.open.extend_from_slice(&header);
        let start = self.open.len() as u32;
        self.open.extend_from_slice(data);
        self.slots.push(Slot {
            time,
            chunk: self.chunks.len() as u32,
            start,
            len: data.len() as u32,
            wire_len,
        });
    }

    /// An empty store with room for about as much as this one has, which is about to be taken.
    pub(super) fn like(&self) -> FrameStore {
        let bytes = match self.chunks.is_empty() {
            true => self.open.len(),
            false => CHUNK,
        };
        FrameStore {
            slots: Vec::with_capacity(self.slots.len()),
            open: Vec::with_capacity(bytes),
            ..FrameStore::default()
        }
    }

    /// Completes the chunk under way, so that its frames can be shared.
    fn seal(&mut self) {
        if !self.open.is_empty() {
            let chunk = Chunk::from(std::mem::take(&mut self.open));
            self.held += chunk.held();
            self.chunks.push(chunk);
        }
    }

    /// Moves the frames of `new` behind these; what is too much for memory goes into `spill`. Where
    /// that fails, frames are cut to their headers from then on, and [`Spill::error`] says so.
    pub fn append(&mut self, mut new: FrameStore, spill: &mut Spill) {
        self.seal();
        new.seal();
        let mut slots = new.slots.into_iter().peekable();
        for (number, chunk) in new.chunks.into_iter().enumerate() {
            let from = self.slots.len();
            while let Some(slot) = slots.next_if(|slot| slot.chunk as usize == number) {
                let chunk = self.chunks.len() as u32;
                self.slots.push(Slot { chunk, ..slot });
            }
            let chunk = self.settle(chunk, from, spill);
            self.held += chunk.held();
            self.chunks.push(chunk);
        }
    }

    /// Where a chunk stays, whose frames are those in the slots from `from` on.
    fn settle(&mut self, chunk: Chunk, from: usize, spill: &mut Spill) -> Chunk {
        if !spill.takes(self.held, chunk.held()) {
            return chunk;
        }
        if spill.failed.is_none() {
            match spill.write(chunk.bytes()) {
                Ok(chunk) => return chunk,
                Err(error) => {
                    let frame = self.forgotten + from + 1;
                    spill.fail(frame as u64, self.held, &error);
                }
            }
        }
        let mut cut = vec![];
        for slot in &mut self.slots[from..] {
            let len = (slot.len as usize).min(CUT);
            let data = &chunk.bytes()[slot.start as usize..][..len];
            cut.extend_from_slice(&record_header(slot.time, len, slot.wire_len));
            (slot.start, slot.len) = (cut.len() as u32, len as u32);
            cut.extend_from_slice(data);
        }
        cut.into()
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

    /// Bytes of memory held, about; what lies in a file does not count.
    pub fn held(&self) -> usize {
        self.held + self.open.capacity() + self.slots.capacity() * size_of::<Slot>()
    }

    /// No frames?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame at `index` (from 0), read as `link`; `None` past the end or if it was forgotten.
    pub fn get(&self, index: usize, link: LinkType) -> Option<Frame<'_>> {
        let slot = self.slots.get(index.checked_sub(self.forgotten)?)?;
        let chunk = match self.chunks.get(slot.chunk as usize) {
            Some(chunk) => chunk.bytes(),
            None => &self.open,
        };
        Some(Frame {
            number: index as u64 + 1,
            time: slot.time,
            link,
            wire_len: slot.wire_len,
            data: &chunk[slot.start as usize..][..slot.len as usize],
        })
    }

    /// What the frame at `index` can be shared from, if its chunk is complete.
    pub fn chunk_of(&self, index: usize) -> Option<&Chunk> {
        let slot = self.slots.get(index.checked_sub(self.forgotten)?)?;
        self.chunks.get(slot.chunk as usize)
    }

    /// All frames in capture order.
    pub fn iter(&self, link: LinkType) -> impl Iterator<Item = Frame<'_>> {
        (0..self.len()).filter_map(move |i| self.get(i, link))
    }

    /// The frames as the records of a pcap file, in pieces: complete chunks, then the rest.
    pub(super) fn records(&self) -> (&[Chunk], &[u8]) {
        (&self.chunks, &self.open)
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
