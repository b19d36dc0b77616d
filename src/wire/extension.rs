//! IPv6 extension headers, and what they and IPv4's options say of the ends: a connection's end is
//! the last address of a source route and a mobile node's home address, whatever the addresses of
//! the hop that was captured. So it is for Wireshark.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Reason;
use super::ip::Ip;
use super::view::View;

/// Hop-by-hop options (0), a routing header (43) or destination options (60): what follows, and
/// the header's length. As Wireshark, which gives up where an option runs over the captured
/// bytes, not where it runs over the header.
pub(super) fn open(view: View<'_>, protocol: u8, ip: &mut Ip) -> Result<(u8, usize), Reason> {
    let (Some(next), Some(len)) = (view.u8(0), view.u8(1)) else {
        return Err(Reason::Snapped("IPv6 extension"));
    };
    let len = usize::from(len) * 8 + 8;
    let Some(header) = view.data.get(..len) else {
        return Err(Reason::Snapped("IPv6 extension"));
    };
    if protocol == 43 {
        if let Some(last) = routing_header(header, ip.dst)? {
            ip.dst = last;
        }
        return Ok((next, len));
    }
    let mut at = 2;
    while at < len {
        let (kind, n) = match (view.u8(at), view.u8(at + 1)) {
            (Some(0), _) => {
                at += 1;
                continue;
            }
            (Some(kind), Some(n)) => (kind, usize::from(n)),
            _ => return Err(Reason::Malformed("IPv6 extension")),
        };
        at += 2;
        if kind == HOME_ADDRESS && ip.src.is_ipv6() {
            // 16 bytes, whatever the option's length says.
            let home = view
                .array::<16>(at)
                .ok_or(Reason::Malformed("IPv6 extension"))?;
            ip.src = IpAddr::V6(Ipv6Addr::from(home));
        }
        at += n;
        if at > view.data.len() {
            return Err(Reason::Malformed("IPv6 extension"));
        }
    }
    Ok((next, len))
}

/// The option that tells a mobile node's own address (RFC 6275).
const HOME_ADDRESS: u8 = 0xc9;

/// The last address of a loose or strict source route among IPv4's options (RFC 791), unless the
/// route is used up.
pub(super) fn source_route(mut options: &[u8]) -> Result<Option<Ipv4Addr>, Reason> {
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    loop {
        let (kind, len) = match *options {
            [] | [0, ..] | [_] => return Ok(None),
            [1, ..] => {
                options = &options[1..];
                continue;
            }
            [kind, len, ..] => (kind, usize::from(len)),
        };
        if len < 2 || len > options.len() {
            return Ok(None);
        }
        let (option, rest) = options.split_at(len);
        if matches!(kind, LOOSE | STRICT) {
            let Some(&next) = option.get(2) else {
                return Err(Reason::Malformed("IPv4"));
            };
            let next = usize::from(next);
            let going_on = next >= 4 && next % 4 == 0 && next <= len;
            return match option {
                [.., a, b, c, d] if going_on && len % 4 == 3 => {
                    Ok(Some(Ipv4Addr::new(*a, *b, *c, *d)))
                }
                _ => Ok(None),
            };
        }
        options = rest;
    }
}

/// The last address of an IPv6 routing header (RFC 8200, 6275, 6554, 8754), unless no segment is
/// left. `header` is the whole header.
fn routing_header(header: &[u8], dst: IpAddr) -> Result<Option<IpAddr>, Reason> {
    if dst.is_ipv4() {
        return Ok(None);
    }
    const MALFORMED: Reason = Reason::Malformed("IPv6 routing");
    let &[_, len, kind, left, a, b, _, _, ref body @ ..] = header else {
        return Err(MALFORMED);
    };
    let left = usize::from(left);
    let address = |at: usize| -> Result<IpAddr, Reason> {
        let bytes = body.get(at..at + 16).ok_or(MALFORMED)?;
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| MALFORMED)?;
        Ok(IpAddr::V6(Ipv6Addr::from(bytes)))
    };
    let last = match kind {
        // Source routes of old, and segment routing, which has them in reverse.
        0 => match body.len() / 16 {
            0 => return Ok(None),
            n => address(16 * (n - 1))?,
        },
        2 => address(0)?,
        3 => {
            let addresses = (a >> 4, a & 0xf, b >> 4);
            match compressed(body, len, addresses, dst).ok_or(MALFORMED)? {
                Some(last) => last,
                None => return Ok(None),
            }
        }
        4 => {
            address(16 * usize::from(a))?;
            address(0)?
        }
        // Compact ones have numbers in place of addresses, one of which is the current.
        5 | 6 => {
            let size = if kind == 5 { 2 } else { 4 };
            let in_bounds = header.len() >= 4 + size * (left + 1);
            return if in_bounds { Ok(None) } else { Err(MALFORMED) };
        }
        _ => return Ok(None),
    };
    Ok((left > 0).then_some(last))
}

/// Of addresses that share the first bytes with the destination (RFC 6554), the last. The outer
/// `None`: they run over the header.
fn compressed(body: &[u8], len: u8, sizes: (u8, u8, u8), dst: IpAddr) -> Option<Option<IpAddr>> {
    let IpAddr::V6(dst) = dst else {
        return Some(None);
    };
    if len == 0 {
        return Some(None);
    }
    let [inner, last] = [sizes.0, sizes.1].map(|shared| 16 - i32::from(shared));
    let count = (i32::from(len) * 8 - i32::from(sizes.2) - last) / inner + 1;
    if count <= 0 {
        return Some(None);
    }
    let at = ((count - 1) * inner) as usize;
    let own = body.get(at..at + last as usize)?;
    let mut whole = dst.octets();
    whole[16 - own.len()..].copy_from_slice(own);
    Some(Some(IpAddr::V6(Ipv6Addr::from(whole))))
}
