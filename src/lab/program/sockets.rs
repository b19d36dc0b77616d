//! The sockets of the calling thread's network namespace, as `/proc/net/tcp` and `tcp6` show them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::platform::PlatformError;
use crate::platform::socket::TcpState;

/// One TCP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// Its own address. An IPv4 address in an IPv6 socket is shown as IPv4.
    pub local: SocketAddr,
    /// The peer's; port 0 if it listens.
    pub peer: SocketAddr,
    /// Its state.
    pub state: TcpState,
    /// Bytes sent and not yet acknowledged, or not yet sent.
    pub send_queue: u32,
    /// Bytes not yet read; for a listening socket, connections not yet accepted.
    pub receive_queue: u32,
    /// Number of the socket's inode, as in `/proc/PID/fd`; 0 when no process has it.
    pub inode: u64,
}

/// All TCP sockets of the calling thread's network namespace.
///
/// # Errors
/// `/proc` cannot be read.
pub fn tcp_sockets() -> Result<Vec<Socket>, PlatformError> {
    // `/proc/net` would be that of the process's first thread.
    let mut sockets = Vec::new();
    for path in ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"] {
        match std::fs::read_to_string(path) {
            Ok(text) => sockets.extend(text.lines().skip(1).filter_map(parse)),
            // A kernel without IPv6.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && path.ends_with('6') => {}
            Err(e) => return Err(PlatformError::io("read", path, e)),
        }
    }
    Ok(sockets)
}

/// Would a connection to `address` find a listener? Also one on the wildcard address.
///
/// # Errors
/// `/proc` cannot be read.
pub fn is_listening(address: SocketAddr) -> Result<bool, PlatformError> {
    Ok(tcp_sockets()?.iter().any(|socket| serves(socket, address)))
}

fn serves(socket: &Socket, address: SocketAddr) -> bool {
    let local = socket.local.ip();
    let same = local == address.ip().to_canonical();
    // `::` takes IPv4 as well, unless IPV6_V6ONLY is set, which this file does not show.
    let any = local.is_unspecified() && (local.is_ipv6() || address.is_ipv4());
    socket.state == TcpState::Listen && socket.local.port() == address.port() && (same || any)
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`
fn parse(line: &str) -> Option<Socket> {
    let mut words = line.split_whitespace().skip(1);
    let local = address(words.next()?)?;
    let peer = address(words.next()?)?;
    let state = TcpState::from_kernel(u8::from_str_radix(words.next()?, 16).ok()?);
    let (send, receive) = words.next()?.split_once(':')?;
    Some(Socket {
        local,
        peer,
        state,
        send_queue: u32::from_str_radix(send, 16).ok()?,
        receive_queue: u32::from_str_radix(receive, 16).ok()?,
        inode: words.nth(4)?.parse().ok()?,
    })
}

/// Words of 32 bits as the machine reads them from memory in network byte order; the port is plain.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok();
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?.to_ne_bytes())),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?.to_ne_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn the_kernels_lines_are_read() {
        let line = "   0: 0100007F:1388 0100007F:C350 08 00000001:0000000A 00:00000000 00000000  1000        0 4242 1 0 20";
        let socket = parse(line).unwrap();
        assert_eq!(socket.local, "127.0.0.1:5000".parse().unwrap());
        assert_eq!(socket.peer, "127.0.0.1:50000".parse().unwrap());
        assert_eq!(socket.state, TcpState::CloseWait);
        assert_eq!(
            (socket.send_queue, socket.receive_queue, socket.inode),
            (1, 10, 4242)
        );
        let line = "   0: 00000000000000000000000001000000:1388 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1";
        let socket = parse(line).unwrap();
        assert_eq!(socket.local, "[::1]:5000".parse().unwrap());
        assert_eq!(socket.state, TcpState::Listen);
        let line = "   0: 0000000000000000FFFF00000100007F:1388 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1";
        assert_eq!(
            parse(line).unwrap().local,
            "127.0.0.1:5000".parse().unwrap()
        );
        assert_eq!(parse("  sl  local_address rem_address   st"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse("0: 01:1 é0000000:1 0A 0:0 0 0 0 0 0"), None);
    }

    #[test]
    fn wildcards_serve_their_family() {
        let listen = |local: &str| Socket {
            local: local.parse().unwrap(),
            peer: "0.0.0.0:0".parse().unwrap(),
            state: TcpState::Listen,
            send_queue: 0,
            receive_queue: 0,
            inode: 1,
        };
        let four = "127.0.0.1:5000".parse().unwrap();
        let six = "[::1]:5000".parse().unwrap();
        assert!(serves(&listen("127.0.0.1:5000"), four));
        assert!(serves(&listen("0.0.0.0:5000"), four));
        assert!(serves(&listen("[::]:5000"), four));
        assert!(serves(&listen("[::]:5000"), six));
        assert!(!serves(&listen("0.0.0.0:5000"), six));
        assert!(!serves(&listen("127.0.0.2:5000"), four));
        assert!(!serves(&listen("127.0.0.1:5001"), four));
    }
}
