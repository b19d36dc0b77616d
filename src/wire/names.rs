//! Names of protocols that are counted, not opened.

pub(super) fn ethertype(t: u16) -> Option<&'static str> {
    Some(match t {
        0x0842 => "Wake-on-LAN",
        0x2000 => "CDP",
        0x22f0 => "AVTP",
        0x6002 => "DEC MOP",
        0x6003 => "DECnet",
        0x8035 => "RARP",
        0x809b => "AppleTalk",
        0x80f3 => "AppleTalk ARP",
        0x8137 => "IPX",
        0x8809 => "LACP and other slow protocols",
        0x8863 => "PPPoE discovery",
        0x888e => "802.1X authentication",
        0x8892 => "PROFINET",
        0x88a2 => "ATA over Ethernet",
        0x88a4 => "EtherCAT",
        0x88b5..=0x88b6 => "local experimental",
        0x88cc => "LLDP",
        0x88e5 => "MACsec",
        0x88f7 => "PTP",
        0x8902 => "CFM",
        0x8906 => "FCoE",
        0x9000 => "Ethernet loopback test",
        _ => return None,
    })
}

pub(super) fn sap(sap: u8) -> Option<&'static str> {
    Some(match sap {
        0x00 => "null",
        0x04 | 0x08 => "SNA",
        0x42 => "spanning tree",
        0xe0 | 0xff => "IPX",
        0xf0 => "NetBIOS",
        0xfe => "OSI",
        _ => return None,
    })
}

pub(super) fn ppp(protocol: u16) -> Option<&'static str> {
    Some(match protocol {
        0x0023 => "OSI",
        0x0029 => "AppleTalk",
        0x002b => "IPX",
        0x002d => "compressed TCP/IP",
        0x002f => "uncompressed TCP/IP",
        0x003d => "multilink",
        0x0053 => "encryption (ECP)",
        0x00fd => "compressed datagram",
        0x8021 => "IPCP",
        0x8057 => "IPv6CP",
        0x80fd => "CCP",
        0xc021 => "LCP",
        0xc023 => "PAP",
        0xc223 => "CHAP",
        0xc227 => "EAP",
        _ => return None,
    })
}

pub(super) fn ip(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        2 => "IGMP",
        8 => "EGP",
        27 => "RDP",
        33 => "DCCP",
        46 => "RSVP",
        50 => "ESP",
        59 => "no next header",
        88 => "EIGRP",
        89 => "OSPF",
        103 => "PIM",
        108 => "IPComp",
        112 => "VRRP or CARP",
        113 => "PGM",
        115 => "L2TPv3",
        124 => "IS-IS over IPv4",
        132 => "SCTP",
        136 => "UDP-Lite",
        139 => "HIP",
        _ => return None,
    })
}
