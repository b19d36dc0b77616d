//! What a run leaves behind: frames, events, and whether the frames are all there.

use std::sync::Arc;

use super::FrameStore;
use crate::timeline::Event;
use crate::wire::LinkType;

/// Counters of libpcap (`pcap_stats`). On `lo` the kernel counts each frame twice in `received`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// `ps_recv`
    pub received: u32,
    /// `ps_drop`: frames lost because the ring was full.
    pub dropped: u32,
    /// `ps_ifdrop`
    pub if_dropped: u32,
}

/// Are all frames of the exchange in the recording?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// Proven: barrier before and after, no drop, no hole.
    Complete,
    /// Not proven; the reasons in words.
    Incomplete(Vec<String>),
    /// A capture file: nobody proved anything.
    Unknown,
}

/// Frames with timestamps, events, statistics.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Link type of all frames.
    pub link: LinkType,
    /// Snapshot length in bytes.
    pub snaplen: u32,
    /// The frames of the exchange, no sentinels.
    pub frames: FrameStore,
    /// What actors did, in the order in which they reported it.
    pub events: Vec<Event>,
    /// libpcap's counters.
    pub stats: Stats,
    /// The proof.
    pub complete: Completeness,
    /// Output of external programs.
    pub output: Vec<Printed>,
}

/// What an external program printed on one of its streams; nothing is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The program's actor.
    pub actor: Arc<str>,
    /// On standard error? Otherwise on standard output.
    pub stderr: bool,
    /// The bytes, bounded; see [`crate::lab::program::output::KEPT`].
    pub bytes: Vec<u8>,
}
