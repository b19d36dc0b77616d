//! A window on a byte stream: large reads, frames borrowed from it, grown only by bytes that came.

use std::io::{ErrorKind, Read};

/// How much is read at once: large enough that the system call does not count, small enough to
/// stay in a second-level cache.
const CHUNK: usize = 256 * 1024;

/// A window on a stream.
pub(super) struct Window {
    source: Box<dyn Read>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the stream of `bytes[0]`.
    base: u64,
    eof: bool,
}

impl Window {
    pub(super) fn new(source: Box<dyn Read>) -> Self {
        Window {
            source,
            bytes: vec![0; CHUNK],
            start: 0,
            end: 0,
            base: 0,
            eof: false,
        }
    }

    /// Offset in the stream of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// What is in the window now.
    #[inline]
    pub(super) fn ready(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Bytes at a range relative to the position before the last [`Window::consume`] of `back`.
    #[inline]
    pub(super) fn behind(&self, back: usize, from: usize, len: usize) -> &[u8] {
        let begin = self.start - back + from;
        &self.bytes[begin..begin + len]
    }

    /// Makes `n` bytes available, or as many as the stream still has. Memory grows with bytes
    /// that arrived, not with `n`.
    #[inline]
    pub(super) fn want(&mut self, n: usize) -> std::io::Result<usize> {
        let have = self.end - self.start;
        if have >= n {
            return Ok(have);
        }
        self.fill(n)
    }

    #[cold]
    fn fill(&mut self, n: usize) -> std::io::Result<usize> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        while self.end < n && !self.eof {
            if self.end == self.bytes.len() {
                let len = self.bytes.len() * 2;
                self.bytes.resize(len, 0);
            }
            match self.source.read(&mut self.bytes[self.end..]) {
                Ok(0) => self.eof = true,
                Ok(read) => self.end += read,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(self.end)
    }

    /// Steps over `n` bytes that are in the window.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.start += n;
    }

    /// Steps over `n` bytes without keeping them; how many there were.
    pub(super) fn skip(&mut self, n: u64) -> std::io::Result<u64> {
        let mut left = n;
        while left > 0 {
            let have = self.want(1)? as u64;
            if have == 0 {
                break;
            }
            let step = have.min(left);
            self.consume(step as usize);
            left -= step;
        }
        Ok(n - left)
    }
}
