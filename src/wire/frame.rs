//! One captured frame: what this room reads.

use super::LinkType;
use crate::timeline::Nanos;

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
