//! The values of a field in a frame.

use super::ast::{Operand, Slice};
use super::field::Id;
use super::layers::Layer;
use super::value::Value;
use super::view::{PacketView, Tcp, Transport, Unknown};
use crate::tcp::Analysis;
use crate::wire::Flags;

type Result<T> = std::result::Result<T, Unknown>;

/// None if the field is not there.
pub(super) type Values<'v> = Vec<Value<'v>>;

/// The operand's values in the order of the headers that hold them.
pub(super) fn values<'v>(operand: &Operand, view: &'v PacketView<'_>) -> Result<Values<'v>> {
    let mut values = vec![];
    collect(operand.field.id, operand.field.name, view, &mut values)?;
    if let Some(slice) = operand.slice {
        let cut = |value: Value<'v>| match value {
            Value::Bytes(bytes) => Value::Bytes(part(bytes, slice).unwrap_or_default()),
            other => other,
        };
        values = values.into_iter().map(cut).collect();
    }
    if let Some(mask) = operand.mask {
        for value in &mut values {
            if let Value::Number(n) = value {
                *n &= mask;
            }
        }
    }
    Ok(values)
}

/// `None` if the slice reaches beyond the bytes.
fn part(bytes: &[u8], slice: Slice) -> Option<&[u8]> {
    let back = if slice.start < 0 { bytes.len() } else { 0 };
    let start = usize::try_from(slice.start + back as i64).ok()?;
    let end = slice.len.map_or(bytes.len(), |len| start + len);
    bytes.get(start..end)
}

fn collect<'v>(
    id: Id,
    field: &'static str,
    view: &'v PacketView<'_>,
    out: &mut Values<'v>,
) -> Result<()> {
    let frame = &view.frame;
    match id {
        Id::Frame => out.push(Value::Bytes(frame.data)),
        Id::FrameNumber => out.push(Value::Number(frame.number as i64)),
        Id::FrameLen => out.push(Value::Number(i64::from(frame.wire_len))),
        Id::FrameCapLen => out.push(Value::Number(frame.data.len() as i64)),
        Id::FrameTimeEpoch => out.push(Value::Time(frame.time)),
        Id::FrameTimeRelative => out.push(Value::Time(view.relative)),
        Id::FrameTimeDelta => out.push(Value::Time(view.delta)),
        Id::Eth => present(view.layers.ethernet, out),
        _ => {
            for layer in &view.layers.list {
                header(id, layer, out);
            }
            transport(id, field, view, out)?;
            let hidden = id.is_of_a_header() || view.layers.quotes;
            if let (Some(why), true) = (view.layers.closed, hidden) {
                return Err(Unknown {
                    field,
                    why,
                    frame: frame.number,
                });
            }
        }
    }
    Ok(())
}

fn present(is: bool, out: &mut Values<'_>) {
    if is {
        out.push(Value::Present);
    }
}

impl Id {
    /// Could a header that was not found hold a value of it?
    fn is_of_a_header(self) -> bool {
        use Id::*;
        matches!(
            self,
            Ip | IpAddr
                | IpDst
                | IpFlags
                | IpFlagsDf
                | IpFlagsMf
                | IpFragOffset
                | IpHdrLen
                | IpId
                | IpLen
                | IpProto
                | IpSrc
                | IpTtl
                | IpVersion
                | Ipv6
                | Ipv6Addr
                | Ipv6Dst
                | Ipv6Hlim
                | Ipv6Nxt
                | Ipv6Plen
                | Ipv6Src
                | Ipv6Version
                | Icmp
                | IcmpCode
                | IcmpType
                | Icmpv6
                | Icmpv6Code
                | Icmpv6Type
        )
    }
}

fn header<'v>(id: Id, layer: &Layer<'v>, out: &mut Values<'v>) {
    let word = |bytes: &[u8], at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let mut number = |n: u32| out.push(Value::Number(i64::from(n)));
    match *layer {
        Layer::Ipv4(h) => {
            let address = |at: usize| {
                let octets = [h[at], h[at + 1], h[at + 2], h[at + 3]];
                Value::Ipv4(u32::from_be_bytes(octets), 32)
            };
            match id {
                Id::Ip => out.push(Value::Present),
                Id::IpVersion => number(u32::from(h[0] >> 4)),
                Id::IpHdrLen => number(u32::from(h[0] & 15) * 4),
                Id::IpLen => number(u32::from(word(h, 2))),
                Id::IpId => number(u32::from(word(h, 4))),
                Id::IpFlags => number(u32::from(h[6] >> 5)),
                Id::IpFlagsDf => out.push(Value::Bool(h[6] & 0x40 != 0)),
                Id::IpFlagsMf => out.push(Value::Bool(h[6] & 0x20 != 0)),
                Id::IpFragOffset => number(u32::from(word(h, 6) & 0x1fff)),
                Id::IpTtl => number(u32::from(h[8])),
                Id::IpProto => number(u32::from(h[9])),
                Id::IpSrc => out.push(address(12)),
                Id::IpDst => out.push(address(16)),
                Id::IpAddr => out.extend([address(12), address(16)]),
                _ => {}
            }
        }
        Layer::Ipv6(h) => {
            let address = |at: usize| {
                let mut octets = [0; 16];
                octets.copy_from_slice(&h[at..at + 16]);
                Value::Ipv6(u128::from_be_bytes(octets), 128)
            };
            match id {
                Id::Ipv6 => out.push(Value::Present),
                // Wireshark has it under both names.
                Id::Ipv6Version | Id::IpVersion => number(u32::from(h[0] >> 4)),
                Id::Ipv6Plen => number(u32::from(word(h, 4))),
                Id::Ipv6Nxt => number(u32::from(h[6])),
                Id::Ipv6Hlim => number(u32::from(h[7])),
                Id::Ipv6Src => out.push(address(8)),
                Id::Ipv6Dst => out.push(address(24)),
                Id::Ipv6Addr => out.extend([address(8), address(24)]),
                _ => {}
            }
        }
        Layer::Icmp(v6, kind, code) => match (id, v6) {
            (Id::Icmp, false) | (Id::Icmpv6, true) => out.push(Value::Present),
            (Id::IcmpType, false) | (Id::Icmpv6Type, true) => number(u32::from(kind)),
            (Id::IcmpCode, false) | (Id::Icmpv6Code, true) => number(u32::from(code)),
            _ => {}
        },
        Layer::QuotedUdp(h, payload) => {
            let ports = [word(h, 0), word(h, 2)];
            udp(id, ports, u32::from(word(h, 4)), payload, out);
        }
        // See `transport`.
        Layer::QuotedTcp(_) => {}
    }
}

fn udp<'v>(id: Id, [src, dst]: [u16; 2], len: u32, payload: &'v [u8], out: &mut Values<'v>) {
    let number = |n: u16| Value::Number(i64::from(n));
    match id {
        Id::Udp => out.push(Value::Present),
        Id::UdpSrcport => out.push(number(src)),
        Id::UdpDstport => out.push(number(dst)),
        Id::UdpPort => out.extend([number(src), number(dst)]),
        Id::UdpLength => out.push(Value::Number(i64::from(len))),
        Id::UdpPayload if !payload.is_empty() => out.push(Value::Bytes(payload)),
        _ => {}
    }
}

fn transport<'v>(
    id: Id,
    field: &'static str,
    view: &'v PacketView<'_>,
    out: &mut Values<'v>,
) -> Result<()> {
    let mut quoted = None;
    for layer in &view.layers.list {
        if let Layer::QuotedTcp(bytes) = layer {
            let port = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            quoted = Some(([port(0), port(2)], "a TCP header quoted in an ICMP error"));
        }
    }
    match &view.transport {
        Transport::Tcp(tcp) => segment(id, tcp, out),
        Transport::Udp {
            ports,
            len,
            payload,
        } => udp(id, *ports, len + 8, payload, out),
        Transport::Stub(ports) if quoted.is_none() => {
            quoted = Some((*ports, "a TCP header that is cut off or malformed"));
        }
        Transport::Stub(_) | Transport::Other => {}
    }
    let Some(([src, dst], why)) = quoted else {
        return Ok(());
    };
    let number = |n: u16| Value::Number(i64::from(n));
    match id {
        Id::Tcp => out.push(Value::Present),
        Id::TcpSrcport => out.push(number(src)),
        Id::TcpDstport => out.push(number(dst)),
        Id::TcpPort => out.extend([number(src), number(dst)]),
        _ if field.starts_with("tcp.") && !field.starts_with("tcp.analysis.") => {
            let frame = view.frame.number;
            return Err(Unknown { field, why, frame });
        }
        _ => {}
    }
    Ok(())
}

fn segment<'v>(id: Id, tcp: &'v Tcp<'_>, out: &mut Values<'v>) {
    let (s, t) = (&tcp.segment, &tcp.tracked);
    let options = &s.options;
    let syn = s.flags.contains(Flags::SYN);
    let mut number = |n: u32| out.push(Value::Number(i64::from(n)));
    match id {
        Id::TcpSrcport => return number(u32::from(s.src_port)),
        Id::TcpDstport => return number(u32::from(s.dst_port)),
        Id::TcpPort => {
            number(u32::from(s.src_port));
            return number(u32::from(s.dst_port));
        }
        Id::TcpStream => return number(t.stream),
        Id::TcpSeq => return number(t.seq),
        Id::TcpSeqRaw => return number(s.seq.0),
        Id::TcpAck => return number(t.ack),
        Id::TcpAckRaw => return number(s.ack.0),
        Id::TcpNxtseq => return number(t.next_seq),
        Id::TcpLen => return number(s.len),
        Id::TcpHdrLen => return number(u32::from(s.header_len)),
        Id::TcpFlags => return number(u32::from(s.flags.bits())),
        Id::TcpWindowValue => return number(u32::from(s.window)),
        Id::TcpWindowSize => return number(t.window),
        Id::TcpChecksum => return number(u32::from(s.checksum)),
        Id::TcpUrgentPointer => return number(u32::from(s.urgent)),
        Id::TcpCompleteness => return number(u32::from(t.completeness.bits())),
        Id::OptSackCount if options.sack_blocks > 0 => {
            return number(u32::from(options.sack_blocks));
        }
        Id::DuplicateAckNum if t.dup_ack > 0 => return number(t.dup_ack),
        Id::DuplicateAckFrame if t.dup_ack > 0 => return number(t.dup_ack_frame as u32),
        Id::OptMssVal => return options.mss.into_iter().for_each(|n| number(n.into())),
        Id::OptWscaleShift => {
            return options
                .window_scale
                .into_iter()
                .for_each(|n| number(n.into()));
        }
        Id::OptTsval => return options.timestamps.into_iter().for_each(|(n, _)| number(n)),
        Id::OptTsecr => return options.timestamps.into_iter().for_each(|(_, n)| number(n)),
        _ => {}
    }
    match id {
        Id::Tcp => out.push(Value::Present),
        Id::TcpScaleFactor if !syn => out.push(Value::Number(i64::from(t.scale_factor))),
        Id::TcpTimeRelative => out.push(Value::Time(tcp.relative)),
        Id::TcpTimeDelta => out.push(Value::Time(tcp.delta)),
        Id::TcpPayload if !s.payload.is_empty() => out.push(Value::Bytes(s.payload)),
        Id::OptMss => present(options.mss.is_some(), out),
        Id::OptWscale => present(options.window_scale.is_some(), out),
        Id::OptSackPerm => present(options.sack_permitted, out),
        Id::OptTimestamp => present(options.timestamps.is_some(), out),
        Id::OptSack => present(options.sack_blocks > 0, out),
        _ => {
            if let Some(flag) = flag(id) {
                out.push(Value::Bool(s.flags.contains(flag)));
            } else if let Some(analysis) = analysis(id) {
                present(t.analysis.intersects(analysis), out);
            }
        }
    }
}

fn flag(id: Id) -> Option<Flags> {
    Some(match id {
        Id::FlagFin => Flags::FIN,
        Id::FlagSyn => Flags::SYN,
        Id::FlagReset => Flags::RST,
        Id::FlagPush => Flags::PSH,
        Id::FlagAck => Flags::ACK,
        Id::FlagUrg => Flags::URG,
        Id::FlagEce => Flags::ECE,
        Id::FlagCwr => Flags::CWR,
        Id::FlagAe => Flags::AE,
        _ => return None,
    })
}

fn analysis(id: Id) -> Option<Analysis> {
    Some(match id {
        Id::AnalysisFlags => Analysis::all(),
        Id::Retransmission => Analysis::RETRANSMISSION,
        Id::FastRetransmission => Analysis::FAST_RETRANSMISSION,
        Id::SpuriousRetransmission => Analysis::SPURIOUS_RETRANSMISSION,
        Id::OutOfOrder => Analysis::OUT_OF_ORDER,
        Id::DuplicateAck => Analysis::DUPLICATE_ACK,
        Id::ZeroWindow => Analysis::ZERO_WINDOW,
        Id::ZeroWindowProbe => Analysis::ZERO_WINDOW_PROBE,
        Id::ZeroWindowProbeAck => Analysis::ZERO_WINDOW_PROBE_ACK,
        Id::WindowUpdate => Analysis::WINDOW_UPDATE,
        Id::WindowFull => Analysis::WINDOW_FULL,
        Id::KeepAlive => Analysis::KEEP_ALIVE,
        Id::KeepAliveAck => Analysis::KEEP_ALIVE_ACK,
        Id::LostSegment => Analysis::LOST_SEGMENT,
        Id::AckLostSegment => Analysis::ACK_LOST_SEGMENT,
        Id::ReusedPorts => Analysis::REUSED_PORTS,
        _ => return None,
    })
}
