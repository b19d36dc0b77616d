//! What a frame carries, in typed fields with a borrowed payload.

use std::net::{IpAddr, SocketAddr};

use super::SeqNumber;

bitflags::bitflags! {
    /// TCP control bits, at their positions in the header's 16-bit word of offset and flags
    /// (RFC 9293, section 3.1; AE is RFC 9768).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Flags: u16 {
        /// No more data from the sender.
        const FIN = 0x001;
        /// Synchronise sequence numbers.
        const SYN = 0x002;
        /// Reset the connection.
        const RST = 0x004;
        /// Push.
        const PSH = 0x008;
        /// The acknowledgement number is valid.
        const ACK = 0x010;
        /// The urgent pointer is valid.
        const URG = 0x020;
        /// ECN echo.
        const ECE = 0x040;
        /// Congestion window reduced.
        const CWR = 0x080;
        /// Accurate ECN (formerly NS).
        const AE = 0x100;
    }
}

impl std::fmt::Display for Flags {
    /// `SYN,ACK`: in the order FIN SYN RST PSH ACK URG ECE CWR AE.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut first = true;
        for (name, _) in self.iter_names() {
            if !first {
                f.write_str(",")?;
            }
            f.write_str(name)?;
            first = false;
        }
        Ok(())
    }
}

/// The TCP options that the house uses; others are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Maximum segment size in bytes (kind 2).
    pub mss: Option<u16>,
    /// Window scale shift (kind 3), as sent: may exceed 14.
    pub window_scale: Option<u8>,
    /// SACK permitted (kind 4).
    pub sack_permitted: bool,
    /// SACK blocks (kind 5): number of blocks present, at most 4 kept in `sack`.
    pub sack_blocks: u8,
    /// The blocks: left and right edge.
    pub sack: [(u32, u32); 4],
    /// Timestamps (kind 8): TSval, TSecr.
    pub timestamps: Option<(u32, u32)>,
    /// Multipath TCP (kind 30): bit n is set for an option of subtype n (RFC 8684, section 3).
    pub mptcp: u16,
    /// The capture ends before the header does: options may be missing here.
    pub cut: bool,
}

/// One TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number as sent.
    pub seq: SeqNumber,
    /// Acknowledgement number as sent; meaningful with [`Flags::ACK`].
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: Flags,
    /// Window as sent, not scaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Options.
    pub options: Options,
    /// Length of the TCP header in bytes, options included.
    pub header_len: u8,
    /// Payload bytes that the IP header promises (`tcp.len`); larger than `payload` in a snapped frame.
    pub len: u32,
    /// Payload bytes that the capture holds.
    pub payload: &'a [u8],
    /// Checksum as sent.
    pub checksum: u16,
    /// Identification of the IPv4 header, 0 for IPv6.
    pub ip_id: u16,
    /// TTL or hop limit.
    pub ttl: u8,
}

impl Segment<'_> {
    /// Source address and port.
    pub fn source(&self) -> SocketAddr {
        SocketAddr::new(self.src, self.src_port)
    }

    /// Destination address and port.
    pub fn destination(&self) -> SocketAddr {
        SocketAddr::new(self.dst, self.dst_port)
    }

    /// What the segment takes of the sequence space: payload, plus one each for SYN and FIN.
    pub fn seq_len(&self) -> u32 {
        self.len
            + u32::from(self.flags.contains(Flags::SYN))
            + u32::from(self.flags.contains(Flags::FIN))
    }
}

/// A UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Payload length as the UDP header says, without its 8 bytes.
    pub len: u32,
    /// Payload bytes that the capture holds.
    pub payload: &'a [u8],
}

/// An ICMP or ICMPv6 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// ICMPv6?
    pub v6: bool,
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// What follows the first 8 bytes: for errors, the packet that it speaks of.
    pub quoted: &'a [u8],
}
