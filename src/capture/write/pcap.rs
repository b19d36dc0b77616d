//! pcap: one header, then the frames, nanosecond timestamps.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::output::{Output, WriteError};
use crate::capture::FrameStore;
use crate::capture::frame::record_header;
use crate::wire::Frame;
use crate::wire::LinkType;

/// Magic number of a file whose timestamps are nanoseconds, written in this machine's byte order.
const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;

/// Writes a pcap file, frame by frame.
#[derive(Debug)]
pub struct PcapWriter {
    output: Output,
    frames: u64,
}

impl PcapWriter {
    /// Starts a file that will be at `path` when finished. `snaplen` in bytes.
    ///
    /// # Errors
    /// The folder cannot be written to, or the disk is full.
    pub fn create(path: &Path, link: LinkType, snaplen: u32) -> Result<Self, WriteError> {
        Self::to(Output::create(path)?, link, snaplen)
    }

    /// Starts a file that is read while it grows, or a pipe.
    ///
    /// # Errors
    /// As [`PcapWriter::create`].
    pub fn in_place(path: &Path, link: LinkType, snaplen: u32) -> Result<Self, WriteError> {
        Self::to(Output::in_place(path)?, link, snaplen)
    }

    fn to(output: Output, link: LinkType, snaplen: u32) -> Result<Self, WriteError> {
        let mut header = [0; 24];
        header[0..4].copy_from_slice(&MAGIC_NANOSECONDS.to_ne_bytes());
        header[4..6].copy_from_slice(&2u16.to_ne_bytes());
        header[6..8].copy_from_slice(&4u16.to_ne_bytes());
        // 8..16: time zone and accuracy, always 0.
        header[16..20].copy_from_slice(&snaplen.to_ne_bytes());
        header[20..24].copy_from_slice(&u32::from(link.0).to_ne_bytes());
        let mut writer = PcapWriter { output, frames: 0 };
        writer.record(&[&header])?;
        // So that the file is valid from now on, and a full disk is known early.
        writer.flush()?;
        Ok(writer)
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// The disk is full, or the file system failed; nothing more can be written then.
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), WriteError> {
        let header = record_header(frame.time, frame.data.len(), frame.wire_len);
        self.record(&[&header, frame.data])?;
        self.frames += 1;
        Ok(())
    }

    /// Appends all frames of a store, whose bytes are a pcap file's records already.
    ///
    /// # Errors
    /// As [`PcapWriter::write`].
    pub fn write_all(&mut self, frames: &FrameStore) -> Result<(), WriteError> {
        let (chunks, rest) = frames.records();
        for chunk in chunks {
            match chunk.file() {
                Some((file, offset)) => self.output.copy(file.as_fd(), offset, chunk)?,
                None => self.record(&[chunk.bytes()])?,
            }
        }
        self.record(&[rest])?;
        self.frames += frames.len() as u64;
        Ok(())
    }

    fn record(&mut self, parts: &[&[u8]]) -> Result<(), WriteError> {
        for part in parts {
            self.output.put(part);
        }
        self.output.end_record()
    }

    /// Frames written.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Hands what is buffered to the kernel.
    ///
    /// # Errors
    /// As [`PcapWriter::write`].
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.output.flush_records()
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// As [`PcapWriter::write`]; a file that was there before is untouched.
    pub fn finish(self) -> Result<PathBuf, WriteError> {
        self.output.finish()
    }
}
