//! Link-layer header types, by their `LINKTYPE_` numbers (the tcpdump group's registry).

/// A `LINKTYPE_` number, as in a capture file's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback, address family in the capturing host's byte order.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet; also Linux `lo`.
    pub const ETHERNET: LinkType = LinkType(1);
}
