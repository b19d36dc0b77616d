//! What a frame turned out to be.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{Datagram, Icmp, LinkType, Segment};

/// What a frame carries, opened down to the innermost header that tshark opens by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A TCP header whose segment has no known length, so that Wireshark gives it a `tcp.stream`
    /// (a new one, where there is none) but no `tcp.len` and no analysis.
    Stub(Stub, StubReason),
    /// A UDP datagram that is no tunnel, or one that is not opened.
    Udp(Datagram<'a>),
    /// An ICMP or ICMPv6 message. [`Icmp::quoted_tcp`] tells what it quotes.
    Icmp(Icmp<'a>),
    /// A fragment of an IP datagram, for the [`Reassembler`](super::Reassembler).
    Fragment(Fragment<'a>),
    /// None of these.
    Skipped(Reason),
}

impl Packet<'_> {
    /// Why the frame is not a TCP segment, to be counted; `None` for one.
    pub fn reason(&self) -> Option<Reason> {
        Some(match *self {
            Packet::Tcp(_) => return None,
            Packet::Stub(_, reason) => Reason::Tcp(reason),
            Packet::Udp(_) => Reason::Udp,
            Packet::Icmp(m) if m.v6 => Reason::Icmpv6,
            Packet::Icmp(_) => Reason::Icmp,
            Packet::Fragment(_) => Reason::Fragment,
            Packet::Skipped(reason) => reason,
        })
    }
}

/// The ends of a TCP header that is not a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stub {
    /// Source address and port.
    pub src: SocketAddr,
    /// Destination address and port.
    pub dst: SocketAddr,
    /// Sequence number as sent.
    pub seq: u32,
    /// Flags as sent.
    pub flags: super::Flags,
    /// Options, if the whole header is there.
    pub options: Option<super::Options>,
}

/// Why a TCP header is not a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StubReason {
    /// The IP datagram is shorter than the header length that TCP states.
    Short,
    /// The first fragment of a datagram that cannot be put together, because it was snapped.
    Fragment,
    /// Quoted in an ICMP error.
    Quoted,
}

/// A fragment of an IP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Identification: 16 bits in IPv4, 32 in IPv6.
    pub id: u32,
    /// IP protocol of the datagram's payload; in IPv6 the next header of the fragment header.
    pub protocol: u8,
    /// VLAN, 0 for none: the same addresses and identification may be in use in several.
    pub vlan: u16,
    /// Offset of `payload` in the datagram's payload, in bytes.
    pub offset: u32,
    /// More fragments follow?
    pub more: bool,
    /// The fragment's part, whole.
    pub payload: &'a [u8],
    /// TTL or hop limit of this fragment.
    pub ttl: u8,
}

/// Why a frame is not a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A UDP datagram.
    Udp,
    /// An ICMP message.
    Icmp,
    /// An ICMPv6 message.
    Icmpv6,
    /// A fragment whose datagram is not complete with it.
    Fragment,
    /// A TCP header that is not a segment.
    Tcp(StubReason),
    /// ARP.
    Arp,
    /// The link type is not supported.
    Link(LinkTypeKey),
    /// An Ethernet frame, or a payload typed like one, of another protocol.
    EtherType(u16),
    /// An 802.2 LLC frame of another protocol: DSAP.
    Llc(u8),
    /// A PPP frame of another protocol.
    Ppp(u16),
    /// An IP datagram of another protocol.
    IpProtocol(u8),
    /// The capture ends inside the header named.
    Snapped(&'static str),
    /// The header named contradicts itself.
    Malformed(&'static str),
    /// A tunnel that is not opened.
    Tunnel(&'static str),
    /// A frame that carries no payload of a network layer: a beacon, a keep-alive.
    Control(&'static str),
    /// Encrypted.
    Encrypted(&'static str),
    /// More headers nested than any network has.
    TooDeep,
}

/// A link type that sorts by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkTypeKey(pub u16);

impl From<LinkType> for Reason {
    fn from(link: LinkType) -> Reason {
        Reason::Link(LinkTypeKey(link.0))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reason::Udp => f.write_str("UDP"),
            Reason::Icmp => f.write_str("ICMP"),
            Reason::Icmpv6 => f.write_str("ICMPv6"),
            Reason::Fragment => f.write_str("IP fragment"),
            Reason::Tcp(StubReason::Short) => f.write_str("TCP header longer than its IP datagram"),
            Reason::Tcp(StubReason::Fragment) => {
                f.write_str("TCP header in a fragment that was cut by the snapshot length")
            }
            Reason::Tcp(StubReason::Quoted) => f.write_str("TCP header quoted in ICMP"),
            Reason::Arp => f.write_str("ARP"),
            Reason::Link(LinkTypeKey(n)) => {
                write!(f, "link type {} is not supported", LinkType(n))
            }
            Reason::EtherType(t) => match super::names::ethertype(t) {
                Some(name) => write!(f, "{name} (EtherType {t:#06x})"),
                None => write!(f, "EtherType {t:#06x}"),
            },
            Reason::Llc(sap) => match super::names::sap(sap) {
                Some(name) => write!(f, "{name} (LLC SAP {sap:#04x})"),
                None => write!(f, "LLC SAP {sap:#04x}"),
            },
            Reason::Ppp(p) => match super::names::ppp(p) {
                Some(name) => write!(f, "PPP {name}"),
                None => write!(f, "PPP protocol {p:#06x}"),
            },
            Reason::IpProtocol(p) => match super::names::ip(p) {
                Some(name) => write!(f, "{name} (IP protocol {p})"),
                None => write!(f, "IP protocol {p}"),
            },
            Reason::Snapped(what) => write!(f, "captured bytes end inside the {what} header"),
            Reason::Malformed(what) => write!(f, "malformed {what} header"),
            Reason::Tunnel(what) => write!(f, "{what} tunnel, not opened"),
            Reason::Control(what) => f.write_str(what),
            Reason::Encrypted(what) => write!(f, "{what}, encrypted"),
            Reason::TooDeep => f.write_str("headers nested too deep"),
        }
    }
}
