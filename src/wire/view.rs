//! A part of a frame: the bytes that were captured, and how many there were on the wire.

/// Captured bytes and the length that the layers below promise; Wireshark's tvbuff.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// What was captured; never longer than `len`.
    pub(super) data: &'a [u8],
    /// Bytes on the wire.
    pub(super) len: u32,
}

impl<'a> View<'a> {
    #[inline]
    pub(super) fn new(data: &'a [u8], len: u32) -> Self {
        // Some writers leave the wire length 0 or too small: what was captured was there.
        let len = len.max(data.len() as u32);
        View { data, len }
    }

    /// What follows the first `n` bytes; `None` if the capture ends before them.
    #[inline]
    pub(super) fn skip(self, n: usize) -> Option<View<'a>> {
        Some(View {
            data: self.data.get(n..)?,
            len: self.len - n as u32,
        })
    }

    /// At most `len` bytes of it: what follows is padding or a trailer.
    #[inline]
    pub(super) fn limit(self, len: u32) -> View<'a> {
        if len >= self.len {
            return self;
        }
        View {
            data: &self.data[..self.data.len().min(len as usize)],
            len,
        }
    }

    /// Was all of it captured?
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        self.data.len() as u32 == self.len
    }

    #[inline]
    pub(super) fn u8(self, at: usize) -> Option<u8> {
        self.data.get(at).copied()
    }

    #[inline]
    pub(super) fn u16(self, at: usize) -> Option<u16> {
        let b = self.data.get(at..at + 2)?;
        Some(u16::from_be_bytes([b[0], b[1]]))
    }

    #[inline]
    pub(super) fn u32(self, at: usize) -> Option<u32> {
        let b = self.data.get(at..at + 4)?;
        Some(u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// In the byte order of the x86 and ARM hosts that wrote most files.
    #[inline]
    pub(super) fn u16_le(self, at: usize) -> Option<u16> {
        self.u16(at).map(u16::swap_bytes)
    }

    #[inline]
    pub(super) fn u32_le(self, at: usize) -> Option<u32> {
        self.u32(at).map(u32::swap_bytes)
    }

    #[inline]
    pub(super) fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.data.get(at..at + N)?.try_into().ok()
    }
}
