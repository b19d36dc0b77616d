//! Link-layer header types, by their `LINKTYPE_` numbers (the tcpdump group's registry).

/// A `LINKTYPE_` number, as in a capture file's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback, address family in the capturing host's byte order.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet; also Linux `lo`.
    pub const ETHERNET: LinkType = LinkType(1);
    /// PPP, with or without HDLC-like framing.
    pub const PPP: LinkType = LinkType(9);
    /// PPP in HDLC-like framing, or Cisco HDLC.
    pub const PPP_HDLC: LinkType = LinkType(50);
    /// PPP over Ethernet, from the PPPoE header on.
    pub const PPP_ETHER: LinkType = LinkType(51);
    /// IPv4 or IPv6, from its header on.
    pub const RAW: LinkType = LinkType(101);
    /// OpenBSD loopback, address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// IPv4, from its header on.
    pub const IPV4: LinkType = LinkType(228);
    /// IPv6, from its header on.
    pub const IPV6: LinkType = LinkType(229);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);

    /// The registry's name without `LINKTYPE_`, where the number has one.
    pub fn name(self) -> Option<&'static str> {
        super::linknames::name(self.0)
    }
}

impl std::fmt::Display for LinkType {
    /// `ETHERNET (1)`, or the number alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}
