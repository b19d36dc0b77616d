//! The fields that filters may name, with Wireshark's types.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: it is there or not (`FT_NONE`, `FT_PROTOCOL`).
    Presence,
    /// An unsigned number up to this maximum.
    Number(u32),
    /// A signed number of 32 bits.
    Signed,
    /// True or false.
    Bool,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A duration, or a time since the Unix epoch, in ns.
    Time,
    /// Bytes.
    Bytes,
}

/// A field by its place in [`FIELDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Wireshark's name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    pub(super) id: Id,
}

macro_rules! fields {
    ($($id:ident $name:literal $kind:expr;)*) => {
        /// One variant for each field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(clippy::enum_variant_names)]
        pub(super) enum Id { $($id),* }

        /// All fields, by name.
        pub const FIELDS: &[Field] = &[$(Field { name: $name, kind: $kind, id: Id::$id }),*];
    };
}

const U8: Kind = Kind::Number(0xff);
const U16: Kind = Kind::Number(0xffff);
const U32: Kind = Kind::Number(u32::MAX);

fields! {
    Eth "eth" Kind::Presence;
    Frame "frame" Kind::Bytes;
    FrameCapLen "frame.cap_len" U32;
    FrameLen "frame.len" U32;
    FrameNumber "frame.number" U32;
    FrameTimeDelta "frame.time_delta" Kind::Time;
    FrameTimeEpoch "frame.time_epoch" Kind::Time;
    FrameTimeRelative "frame.time_relative" Kind::Time;
    Icmp "icmp" Kind::Presence;
    IcmpCode "icmp.code" U8;
    IcmpType "icmp.type" U8;
    Icmpv6 "icmpv6" Kind::Presence;
    Icmpv6Code "icmpv6.code" U8;
    Icmpv6Type "icmpv6.type" U8;
    Ip "ip" Kind::Presence;
    IpAddr "ip.addr" Kind::Ipv4;
    IpDst "ip.dst" Kind::Ipv4;
    IpFlags "ip.flags" U8;
    IpFlagsDf "ip.flags.df" Kind::Bool;
    IpFlagsMf "ip.flags.mf" Kind::Bool;
    IpFragOffset "ip.frag_offset" U16;
    IpHdrLen "ip.hdr_len" U8;
    IpId "ip.id" U16;
    IpLen "ip.len" U16;
    IpProto "ip.proto" U8;
    IpSrc "ip.src" Kind::Ipv4;
    IpTtl "ip.ttl" U8;
    IpVersion "ip.version" U8;
    Ipv6 "ipv6" Kind::Presence;
    Ipv6Addr "ipv6.addr" Kind::Ipv6;
    Ipv6Dst "ipv6.dst" Kind::Ipv6;
    Ipv6Hlim "ipv6.hlim" U8;
    Ipv6Nxt "ipv6.nxt" U8;
    Ipv6Plen "ipv6.plen" U16;
    Ipv6Src "ipv6.src" Kind::Ipv6;
    Ipv6Version "ipv6.version" U8;
    Tcp "tcp" Kind::Presence;
    TcpAck "tcp.ack" U32;
    TcpAckRaw "tcp.ack_raw" U32;
    AckLostSegment "tcp.analysis.ack_lost_segment" Kind::Presence;
    DuplicateAck "tcp.analysis.duplicate_ack" Kind::Presence;
    DuplicateAckFrame "tcp.analysis.duplicate_ack_frame" U32;
    DuplicateAckNum "tcp.analysis.duplicate_ack_num" U32;
    FastRetransmission "tcp.analysis.fast_retransmission" Kind::Presence;
    AnalysisFlags "tcp.analysis.flags" Kind::Presence;
    KeepAlive "tcp.analysis.keep_alive" Kind::Presence;
    KeepAliveAck "tcp.analysis.keep_alive_ack" Kind::Presence;
    LostSegment "tcp.analysis.lost_segment" Kind::Presence;
    OutOfOrder "tcp.analysis.out_of_order" Kind::Presence;
    Retransmission "tcp.analysis.retransmission" Kind::Presence;
    ReusedPorts "tcp.analysis.reused_ports" Kind::Presence;
    SpuriousRetransmission "tcp.analysis.spurious_retransmission" Kind::Presence;
    WindowFull "tcp.analysis.window_full" Kind::Presence;
    WindowUpdate "tcp.analysis.window_update" Kind::Presence;
    ZeroWindow "tcp.analysis.zero_window" Kind::Presence;
    ZeroWindowProbe "tcp.analysis.zero_window_probe" Kind::Presence;
    ZeroWindowProbeAck "tcp.analysis.zero_window_probe_ack" Kind::Presence;
    TcpChecksum "tcp.checksum" U16;
    TcpCompleteness "tcp.completeness" U8;
    TcpDstport "tcp.dstport" U16;
    TcpFlags "tcp.flags" U16;
    FlagAck "tcp.flags.ack" Kind::Bool;
    FlagAe "tcp.flags.ae" Kind::Bool;
    FlagCwr "tcp.flags.cwr" Kind::Bool;
    FlagEce "tcp.flags.ece" Kind::Bool;
    FlagFin "tcp.flags.fin" Kind::Bool;
    FlagPush "tcp.flags.push" Kind::Bool;
    FlagReset "tcp.flags.reset" Kind::Bool;
    FlagSyn "tcp.flags.syn" Kind::Bool;
    FlagUrg "tcp.flags.urg" Kind::Bool;
    TcpHdrLen "tcp.hdr_len" U8;
    TcpLen "tcp.len" U32;
    TcpNxtseq "tcp.nxtseq" U32;
    OptMss "tcp.options.mss" Kind::Presence;
    OptMssVal "tcp.options.mss_val" U16;
    OptSack "tcp.options.sack" Kind::Presence;
    OptSackCount "tcp.options.sack.count" U8;
    OptSackPerm "tcp.options.sack_perm" Kind::Presence;
    OptTimestamp "tcp.options.timestamp" Kind::Presence;
    OptTsecr "tcp.options.timestamp.tsecr" U32;
    OptTsval "tcp.options.timestamp.tsval" U32;
    OptWscale "tcp.options.wscale" Kind::Presence;
    OptWscaleShift "tcp.options.wscale.shift" U8;
    TcpPayload "tcp.payload" Kind::Bytes;
    TcpPort "tcp.port" U16;
    TcpSeq "tcp.seq" U32;
    TcpSeqRaw "tcp.seq_raw" U32;
    TcpSrcport "tcp.srcport" U16;
    TcpStream "tcp.stream" U32;
    TcpTimeDelta "tcp.time_delta" Kind::Time;
    TcpTimeRelative "tcp.time_relative" Kind::Time;
    TcpUrgentPointer "tcp.urgent_pointer" U16;
    TcpWindowSize "tcp.window_size" U32;
    TcpScaleFactor "tcp.window_size_scalefactor" Kind::Signed;
    TcpWindowValue "tcp.window_size_value" U16;
    Udp "udp" Kind::Presence;
    UdpDstport "udp.dstport" U16;
    UdpLength "udp.length" U16;
    UdpPayload "udp.payload" Kind::Bytes;
    UdpPort "udp.port" U16;
    UdpSrcport "udp.srcport" U16;
}

impl Field {
    /// The field of this name.
    pub fn named(name: &str) -> Option<Field> {
        let index = FIELDS.binary_search_by(|field| field.name.cmp(name));
        index.ok().map(|index| FIELDS[index])
    }

    /// The known name that looks most like `name`, if any does.
    pub fn nearest(name: &str) -> Option<&'static str> {
        let wanted = name.to_ascii_lowercase();
        let best = FIELDS
            .iter()
            .map(|field| (strsim::damerau_levenshtein(field.name, &wanted), field.name))
            .min()?;
        let (distance, field) = best;
        (distance <= wanted.len().div_ceil(4).max(1)).then_some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for field in FIELDS {
            assert_eq!(Field::named(field.name), Some(*field), "{}", field.name);
        }
        assert_eq!(Field::named("tcp.Port"), None);
        assert_eq!(Field::nearest("tcp.Port"), Some("tcp.port"));
        assert_eq!(Field::nearest("tcp.sorcport"), Some("tcp.srcport"));
        assert_eq!(Field::nearest("dns.qry.name"), None);
    }
}
