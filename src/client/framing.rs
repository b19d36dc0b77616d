//! How a message is told from the next: one idea, five ways. Pure: bytes in, messages out.

use thiserror::Error;

use crate::scenario::Framing;

/// Longest message accepted where the framing itself sets no limit, in bytes.
pub const MAX_MESSAGE: u64 = 16 * 1024 * 1024;

/// A message that breaks its frame.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The peer's stream ended within a message.
    #[error("the message was cut off: {have} bytes came{}, then the peer's end", missing(.needed))]
    CutOff {
        /// Bytes of the frame that came.
        have: u64,
        /// Bytes that the whole frame has, if known.
        needed: Option<u64>,
    },
    /// The peer's stream ended where a message should begin.
    #[error("no message came: the peer's end instead")]
    Ended,
    /// Longer than accepted. Nothing of that size was allocated.
    #[error("the message is too long: {claimed} bytes, at most {max} are accepted")]
    TooLong {
        /// Its length, or how much had come without an end in sight.
        claimed: u64,
        /// The limit.
        max: u64,
    },
    /// A signed prefix below zero.
    #[error("the length prefix is negative: {0}")]
    Negative(i64),
    /// To send: not the fixed length.
    #[error("a message of {have} bytes does not fit a fixed length of {fixed}")]
    NotFixed {
        /// The message's length.
        have: u64,
        /// The length that every message must have.
        fixed: u64,
    },
    /// To send: the delimiter occurs inside.
    #[error("the message contains its own delimiter at byte {0}")]
    ContainsDelimiter(usize),
    /// To send: the length does not fit into the prefix.
    #[error("a length of {len} does not fit a prefix of {width} bytes")]
    PrefixTooNarrow {
        /// The message's length.
        len: u64,
        /// The prefix's width in bytes.
        width: u8,
    },
    /// The framing itself makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
}

impl FrameError {
    /// The word of a step's `fails` for what is wrong with a message that comes.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            FrameError::CutOff { .. } => Some("cut-off"),
            FrameError::Ended => Some("ended"),
            FrameError::TooLong { .. } => Some("too-long"),
            FrameError::Negative(_) => Some("negative"),
            _ => None,
        }
    }
}

fn missing(needed: &Option<u64>) -> String {
    needed.map(|n| format!(" of {n}")).unwrap_or_default()
}

/// What stands before and after a message of `len` bytes on the wire.
///
/// # Errors
/// [`FrameError::NotFixed`], [`FrameError::PrefixTooNarrow`], [`FrameError::TooLong`], [`FrameError::Invalid`].
pub fn envelope(framing: &Framing, len: u64) -> Result<(Vec<u8>, Vec<u8>), FrameError> {
    match framing {
        Framing::Close | Framing::Stream => Ok((Vec::new(), Vec::new())),
        Framing::Fixed(fixed) if *fixed as u64 == len => Ok((Vec::new(), Vec::new())),
        Framing::Fixed(fixed) => Err(FrameError::NotFixed {
            have: len,
            fixed: *fixed as u64,
        }),
        Framing::Delimiter(end) => Ok((Vec::new(), end.clone())),
        Framing::Prefix {
            width,
            big_endian,
            signed,
            max,
        } => {
            let bits = prefix_bits(*width)? - u32::from(*signed);
            if bits < 64 && len >> bits != 0 {
                return Err(FrameError::PrefixTooNarrow { len, width: *width });
            }
            if len > *max {
                return Err(FrameError::TooLong {
                    claimed: len,
                    max: *max,
                });
            }
            let mut head = len.to_le_bytes()[..usize::from(*width)].to_vec();
            if *big_endian {
                head.reverse();
            }
            Ok((head, Vec::new()))
        }
    }
}

/// A whole message in its frame.
///
/// # Errors
/// As [`envelope`], and [`FrameError::ContainsDelimiter`].
pub fn encode(framing: &Framing, message: &[u8]) -> Result<Vec<u8>, FrameError> {
    if let Framing::Delimiter(end) = framing {
        check_delimiter(end, message)?;
    }
    let (mut bytes, tail) = envelope(framing, message.len() as u64)?;
    bytes.extend_from_slice(message);
    bytes.extend_from_slice(&tail);
    Ok(bytes)
}

/// A delimited message must not end before its end: neither inside nor across the border to the delimiter.
fn check_delimiter(end: &[u8], message: &[u8]) -> Result<(), FrameError> {
    let mut whole = message.to_vec();
    whole.extend_from_slice(end);
    match find(&whole, end, 0) {
        Some(at) if at < message.len() => Err(FrameError::ContainsDelimiter(at)),
        _ => Ok(()),
    }
}

fn prefix_bits(width: u8) -> Result<u32, FrameError> {
    match width {
        1 | 2 | 4 | 8 => Ok(u32::from(width) * 8),
        _ => Err(FrameError::Invalid(
            "a length prefix has 1, 2, 4 or 8 bytes",
        )),
    }
}

/// First place of `needle` in `hay` at or after `from`.
fn find(hay: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let rest = hay.get(from..)?;
    rest.windows(needle.len().max(1))
        .position(|w| w == needle)
        .map(|at| at + from)
}

/// Takes one message out of a stream, and never a byte more.
#[derive(Debug, Clone)]
pub struct Decoder {
    framing: Framing,
    /// The frame so far, its prefix included.
    frame: Vec<u8>,
    /// Length of the prefix and of the whole frame, once known.
    length: Option<u64>,
    complete: bool,
}

impl Decoder {
    /// For one message.
    pub fn new(framing: Framing) -> Self {
        Decoder {
            complete: framing == Framing::Fixed(0),
            framing,
            frame: Vec::new(),
            length: None,
        }
    }

    /// Is the message complete?
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Bytes of this frame so far.
    pub fn taken(&self) -> u64 {
        self.frame.len() as u64
    }

    /// Bytes of the frame that are still missing, as far as known: reading at most that many reads nothing of the next.
    /// `None`: unknown, look before you read.
    pub fn missing(&self) -> Option<u64> {
        let taken = self.taken();
        match &self.framing {
            Framing::Fixed(n) => Some((*n as u64).saturating_sub(taken)),
            Framing::Prefix { width, .. } => Some(
                self.length
                    .unwrap_or(u64::from(*width))
                    .saturating_sub(taken),
            ),
            Framing::Delimiter(_) => None,
            Framing::Close | Framing::Stream => Some(u64::MAX),
        }
    }

    /// Takes from `bytes` what belongs to this message; how many those are. None are taken once it is complete.
    ///
    /// Memory grows only by bytes that really came.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], [`FrameError::Negative`], [`FrameError::Invalid`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, FrameError> {
        let mut taken = 0;
        while !self.complete && taken < bytes.len() {
            taken += self.feed_some(&bytes[taken..])?;
        }
        Ok(taken)
    }

    fn feed_some(&mut self, bytes: &[u8]) -> Result<usize, FrameError> {
        match &self.framing {
            Framing::Close => {
                self.limit(MAX_MESSAGE, bytes.len() as u64)?;
                self.frame.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            Framing::Stream => {
                self.limit(MAX_MESSAGE, bytes.len() as u64)?;
                self.frame.extend_from_slice(bytes);
                self.complete = true;
                Ok(bytes.len())
            }
            Framing::Fixed(fixed) => {
                let end = *fixed as u64;
                Ok(self.take(bytes, end, true))
            }
            Framing::Delimiter(end) => {
                if end.is_empty() {
                    return Err(FrameError::Invalid("the delimiter is empty"));
                }
                let end = end.clone();
                let before = self.frame.len();
                // The limit bounds what is kept, however much is offered at once.
                let room = (MAX_MESSAGE as usize + end.len()).saturating_sub(before);
                if room == 0 {
                    self.limit(MAX_MESSAGE, end.len() as u64)?;
                }
                let offered = &bytes[..bytes.len().min(room)];
                self.frame.extend_from_slice(offered);
                let from = before.saturating_sub(end.len() - 1);
                let Some(at) = find(&self.frame, &end, from) else {
                    return Ok(offered.len());
                };
                self.frame.truncate(at + end.len());
                self.complete = true;
                Ok(self.frame.len() - before)
            }
            Framing::Prefix {
                width,
                big_endian,
                signed,
                max,
            } => {
                let (width, big_endian, signed, max) = (*width, *big_endian, *signed, *max);
                prefix_bits(width)?;
                if let Some(length) = self.length {
                    return Ok(self.take(bytes, length, true));
                }
                let n = self.take(bytes, u64::from(width), false);
                if self.frame.len() == usize::from(width) {
                    let len = read_prefix(&self.frame, big_endian, signed)?;
                    if len > max {
                        return Err(FrameError::TooLong { claimed: len, max });
                    }
                    let whole = len.checked_add(u64::from(width));
                    self.length = Some(whole.ok_or(FrameError::TooLong { claimed: len, max })?);
                    self.complete = len == 0;
                }
                Ok(n)
            }
        }
    }

    fn limit(&self, max: u64, more: u64) -> Result<(), FrameError> {
        let claimed = self.taken().saturating_add(more);
        if claimed > max {
            return Err(FrameError::TooLong { claimed, max });
        }
        Ok(())
    }

    /// Takes bytes until the frame has `end` of them.
    fn take(&mut self, bytes: &[u8], end: u64, last: bool) -> usize {
        let missing = end.saturating_sub(self.taken());
        let n = bytes
            .len()
            .min(usize::try_from(missing).unwrap_or(usize::MAX));
        self.frame.extend_from_slice(&bytes[..n]);
        if last && self.taken() >= end {
            self.complete = true;
        }
        n
    }

    /// The stream has ended here.
    ///
    /// # Errors
    /// [`FrameError::CutOff`] or [`FrameError::Ended`], unless the end is what ends the message.
    pub fn end(&mut self) -> Result<(), FrameError> {
        match (&self.framing, self.complete) {
            (_, true) => {}
            (Framing::Close, _) => self.complete = true,
            _ if self.frame.is_empty() => return Err(FrameError::Ended),
            (framing, _) => {
                return Err(FrameError::CutOff {
                    have: self.taken(),
                    needed: match framing {
                        Framing::Fixed(n) => Some(*n as u64),
                        _ => self.length,
                    },
                });
            }
        }
        Ok(())
    }

    /// The message, without its frame.
    pub fn message(&self) -> &[u8] {
        match &self.framing {
            Framing::Prefix { width, .. } => self.frame.get(usize::from(*width)..).unwrap_or(&[]),
            Framing::Delimiter(end) if self.complete => &self.frame[..self.frame.len() - end.len()],
            _ => &self.frame,
        }
    }
}

fn read_prefix(bytes: &[u8], big_endian: bool, signed: bool) -> Result<u64, FrameError> {
    let mut wide = [0u8; 8];
    for (i, byte) in bytes.iter().enumerate() {
        let place = if big_endian { bytes.len() - 1 - i } else { i };
        wide[place] = *byte;
    }
    let value = u64::from_le_bytes(wide);
    if signed {
        let shift = 64 - 8 * bytes.len() as u32;
        let value = ((value << shift) as i64) >> shift;
        return u64::try_from(value).map_err(|_| FrameError::Negative(value));
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
