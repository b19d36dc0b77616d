//! The canonical flow of one connection.

use crate::tcp::Side;

/// What one connection did, in a form that is the same in every run in which the programs did the
/// same: nothing in it depends on pure ACKs, segment boundaries, retransmissions, or on how the
/// kernel interleaved two directions that nobody made wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The client's name; the address where the client is unknown.
    pub name: String,
    /// How the connection began.
    pub handshake: Handshake,
    /// What was exchanged; between two phases an actor had to wait.
    pub phases: Vec<Phase>,
    /// How it ended.
    pub close: Close,
}

/// How a connection began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// SYN, SYN-ACK, and a client segment that acknowledges the server's SYN.
    Complete,
    /// The SYN was answered with RST.
    Refused,
    /// The SYN was never answered.
    Unanswered,
    /// SYN and SYN-ACK, never acknowledged.
    Partial,
    /// The capture begins later.
    Unseen,
    /// There is none: datagrams.
    Udp,
}

impl std::fmt::Display for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Handshake::Complete => "complete",
            Handshake::Refused => "refused",
            Handshake::Unanswered => "unanswered",
            Handshake::Partial => "partial",
            Handshake::Unseen => "unseen",
            Handshake::Udp => "none (UDP)",
        })
    }
}

/// What was carried between two waits. Each phase after the first had to wait for the one before
/// it: its first byte needed at least a byte of it. (Whether it needed all of it, the wire cannot
/// show: a server that read one byte and one that read them all answer alike.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// One direction; the client's where both spoke.
    pub first: Run,
    /// The other direction, where neither had to wait for the other.
    pub concurrent: Option<Run>,
}

impl Phase {
    /// One or two runs.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        std::iter::once(&self.first).chain(&self.concurrent)
    }
}

/// What one direction carried in a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The sender.
    pub from: Side,
    /// Its bytes.
    pub bytes: Bytes,
    /// Did its FIN follow them?
    pub fin: bool,
    /// Did its RST follow?
    pub reset: Option<ResetKind>,
}

/// Bytes of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    /// None: the run is a FIN or RST alone.
    None,
    /// Exactly these.
    Exact(Content),
    /// At least these: the connection was cut off, and the script does not fix how much got out.
    AtLeast(Content),
}

/// Length and content of a run of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Length in bytes.
    pub len: u64,
    /// What they are.
    pub what: What,
}

/// Payload as it is, or its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The bytes themselves, up to [`Content::INLINE`].
    Bytes(Vec<u8>),
    /// SHA-256 of longer ones.
    Sha256([u8; 32]),
    /// What is left of them when what legitimately varies has been replaced. Their length varies
    /// with it, and is not shown.
    Redacted(Vec<u8>),
    /// Not in the capture (snapped frames).
    Unknown,
}

impl Content {
    /// Up to this many bytes are kept as they are; longer runs by length and SHA-256.
    pub const INLINE: usize = 256;
}

/// Why a RST was sent, as its ACK bit tells (RFC 9293, section 3.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetKind {
    /// With ACK: the connection was aborted (`SO_LINGER` 0, unread data at close, killed).
    Abort,
    /// Without ACK: it answers a segment that no socket wanted.
    Answer,
}

impl std::fmt::Display for ResetKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ResetKind::Abort => "abort",
            ResetKind::Answer => "answer",
        })
    }
}

/// How a connection ended, from acknowledgement numbers, never from times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Close {
    /// Two FINs; the one named was first: the other acknowledges it.
    Fin(Side),
    /// Two FINs, neither acknowledging the other.
    Crossed,
    /// One FIN only.
    Half(Side),
    /// Neither FIN nor RST.
    Open,
    /// At least one RST; client's first if both.
    Reset(Vec<Reset>),
    /// There was no connection to close (refused, unanswered, UDP).
    None,
    /// UDP: ICMP said that nobody has the port.
    Unreachable,
}

/// A RST, counted once a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// Who sent it.
    pub by: Side,
    /// Why.
    pub kind: ResetKind,
    /// The client's FIN came before it.
    pub after_client_fin: bool,
    /// The server's FIN came before it.
    pub after_server_fin: bool,
}
