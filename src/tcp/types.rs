//! The words of the room: sides, analysis flags, what the tracker says of a segment.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::timeline::Nanos;

/// An end of a connection. The client is who sent the SYN; where none was seen, the sender of the
/// first segment, unless that segment is a SYN-ACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The active opener.
    Client,
    /// The passive opener.
    Server,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }

    /// 0 for the client, 1 for the server.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Side::Client => "client",
            Side::Server => "server",
        })
    }
}

bitflags::bitflags! {
    /// Wireshark's `tcp.analysis.*`, by its names.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Analysis: u16 {
        /// `tcp.analysis.retransmission`
        const RETRANSMISSION = 1 << 0;
        /// `tcp.analysis.fast_retransmission` (Wireshark sets `retransmission` beside it)
        const FAST_RETRANSMISSION = 1 << 1;
        /// `tcp.analysis.spurious_retransmission`
        const SPURIOUS_RETRANSMISSION = 1 << 2;
        /// `tcp.analysis.out_of_order`
        const OUT_OF_ORDER = 1 << 3;
        /// `tcp.analysis.duplicate_ack`
        const DUPLICATE_ACK = 1 << 4;
        /// `tcp.analysis.zero_window`
        const ZERO_WINDOW = 1 << 5;
        /// `tcp.analysis.zero_window_probe`
        const ZERO_WINDOW_PROBE = 1 << 6;
        /// `tcp.analysis.zero_window_probe_ack`
        const ZERO_WINDOW_PROBE_ACK = 1 << 7;
        /// `tcp.analysis.window_update`
        const WINDOW_UPDATE = 1 << 8;
        /// `tcp.analysis.window_full`
        const WINDOW_FULL = 1 << 9;
        /// `tcp.analysis.keep_alive`
        const KEEP_ALIVE = 1 << 10;
        /// `tcp.analysis.keep_alive_ack`
        const KEEP_ALIVE_ACK = 1 << 11;
        /// `tcp.analysis.lost_segment`
        const LOST_SEGMENT = 1 << 12;
        /// `tcp.analysis.ack_lost_segment`
        const ACK_LOST_SEGMENT = 1 << 13;
        /// `tcp.analysis.reused_ports`
        const REUSED_PORTS = 1 << 14;
    }
}

impl Analysis {
    /// The names as in the JSON records (`zero_window_probe`), in Wireshark's words.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [(Analysis, &str); 15] = [
            (Analysis::RETRANSMISSION, "retransmission"),
            (Analysis::FAST_RETRANSMISSION, "fast_retransmission"),
            (Analysis::SPURIOUS_RETRANSMISSION, "spurious_retransmission"),
            (Analysis::OUT_OF_ORDER, "out_of_order"),
            (Analysis::DUPLICATE_ACK, "duplicate_ack"),
            (Analysis::ZERO_WINDOW, "zero_window"),
            (Analysis::ZERO_WINDOW_PROBE, "zero_window_probe"),
            (Analysis::ZERO_WINDOW_PROBE_ACK, "zero_window_probe_ack"),
            (Analysis::WINDOW_UPDATE, "window_update"),
            (Analysis::WINDOW_FULL, "window_full"),
            (Analysis::KEEP_ALIVE, "keep_alive"),
            (Analysis::KEEP_ALIVE_ACK, "keep_alive_ack"),
            (Analysis::LOST_SEGMENT, "lost_segment"),
            (Analysis::ACK_LOST_SEGMENT, "ack_lost_segment"),
            (Analysis::REUSED_PORTS, "reused_ports"),
        ];
        NAMES
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
    }
}

bitflags::bitflags! {
    /// Wireshark's `tcp.completeness`: which parts of a connection were seen.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Completeness: u8 {
        /// A SYN opened it.
        const SYN = 1;
        /// A SYN-ACK.
        const SYN_ACK = 2;
        /// An ACK without data.
        const ACK = 4;
        /// Data.
        const DATA = 8;
        /// A FIN.
        const FIN = 16;
        /// A RST.
        const RST = 32;
    }
}

/// How far a connection's handshake was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Handshake {
    /// Each side's SYN was seen, and acknowledged by the other.
    Complete,
    /// A SYN was answered by a RST, and by nothing else.
    Refused,
    /// A SYN, and nothing from the other side.
    Unanswered,
    /// Some of it: a SYN-ACK without its SYN, or without the last ACK; data before them.
    Partial,
    /// No SYN at all.
    Unseen,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Both sides sent a FIN.
    Fin,
    /// A RST came before there were two FINs.
    Reset,
    /// Neither FIN nor RST.
    Open,
    /// One FIN.
    Half,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The active opener.
    Client,
    /// The passive opener.
    Server,
    /// Both: FINs that crossed.
    Both,
}

/// How a connection ended, and by whom: of two FINs, the first is the one that the other's first
/// transmission acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Close {
    /// In which way.
    pub how: How,
    /// Who began; none if it is open.
    pub by: Option<By>,
}

/// What one side of a connection sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Segments.
    pub segments: u64,
    /// Payload bytes of all segments, repeated ones included (the sum of `tcp.len`).
    pub payload: u64,
    /// Bytes of the stream that were seen, each counted once.
    pub bytes: u64,
    /// Bytes of the stream that the other side acknowledged and nobody saw.
    pub missing: u64,
    /// Segments that Wireshark calls retransmissions, fast and spurious ones included.
    pub retransmissions: u64,
    /// Segments that Wireshark calls out of order.
    pub out_of_order: u64,
    /// Duplicate ACKs.
    pub duplicate_acks: u64,
    /// Segments with a window of 0.
    pub zero_windows: u64,
    /// Options of the SYN: maximum segment size.
    pub mss: Option<u16>,
    /// Options of the SYN: window scale, as sent.
    pub window_scale: Option<u8>,
    /// Options of the SYN: SACK permitted.
    pub sack_permitted: bool,
    /// Options of the SYN: timestamps.
    pub timestamps: bool,
}

/// The account of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// As Wireshark's `tcp.stream`.
    pub stream: u32,
    /// The active opener.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// Was the handshake seen?
    pub handshake: Handshake,
    /// How did it end?
    pub close: Close,
    /// What was sent: by the client, by the server. A connection of a socket with itself has
    /// everything under the client.
    pub sent: [Sent; 2],
    /// `tcp.completeness` when all segments are counted, as `tshark -2` and Wireshark's window
    /// show it.
    pub completeness: Completeness,
    /// Zeek's `conn_state`.
    pub state: &'static str,
    /// Zeek's `history`; upper-case letters are the originator's.
    pub history: String,
    /// Who is the originator to Zeek: the client, wherever a SYN was seen.
    pub originator: Side,
    /// From the last SYN to the first ACK after it, ns (`tcp.analysis.initial_rtt`).
    pub initial_rtt: Option<Nanos>,
    /// From the SYN to the SYN-ACK that answers it, ns: the way to the server and back as seen
    /// from where the capture was taken.
    pub syn_rtt: Option<Nanos>,
    /// Timestamps of the first and the last segment.
    pub time: [Nanos; 2],
    /// Frames of the first and the last segment.
    pub frames: [u64; 2],
    /// Closed into the result early because of the tracker's limit; more of the same stream may
    /// follow in a later summary.
    pub evicted: bool,
    /// The continuation of a stream of which an earlier summary exists.
    pub continued: bool,
}

/// What the tracker says of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked {
    /// As Wireshark's `tcp.stream`.
    pub stream: u32,
    /// Who sent it.
    pub from: Side,
    /// Relative sequence number, as Wireshark shows `tcp.seq`.
    pub seq: u32,
    /// Acknowledgement number as Wireshark shows `tcp.ack`: relative with ACK, as sent without.
    pub ack: u32,
    /// Relative number that follows this segment, as Wireshark shows `tcp.nxtseq`.
    pub next_seq: u32,
    /// Window in bytes as far as its scale is known, as Wireshark shows `tcp.window_size`.
    pub window: u32,
    /// `tcp.window_size_scalefactor`: what the window field is multiplied by, -1 where no SYN was
    /// seen, -2 where scaling is not in use; Wireshark shows none in a SYN.
    pub scale_factor: i32,
    /// `tcp.analysis.duplicate_ack_num`; 0 if this is no duplicate ACK.
    pub dup_ack: u32,
    /// `tcp.analysis.duplicate_ack_frame`: whose ACK is repeated; meaningless if `dup_ack` is 0.
    pub dup_ack_frame: u64,
    /// What the connection's segments *before* this one make of [`Completeness`]: what
    /// `tshark -T fields` prints for `tcp.completeness` beside this segment.
    pub completeness: Completeness,
    /// First segment of its stream?
    pub opens: bool,
    /// Wireshark's analysis.
    pub analysis: Analysis,
}
