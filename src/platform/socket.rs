//! What the socket API offers and the crates do not: queue lengths, low-water mark, `TCP_INFO`.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;

mod ioctl {
    use nix::libc;
    nix::ioctl_read_bad!(fionread, libc::FIONREAD, libc::c_int);
    // SIOCOUTQ and TIOCOUTQ are one number on Linux.
    nix::ioctl_read_bad!(siocoutq, libc::TIOCOUTQ, libc::c_int);
}

/// Bytes in the receive queue (`FIONREAD`); of a UDP socket the length of the next datagram.
///
/// # Errors
/// EINVAL on a listening socket.
pub fn unread(socket: &impl AsRawFd) -> io::Result<u64> {
    let mut n = 0;
    // SAFETY: the kernel writes one int to the pointer given.
    unsafe { ioctl::fionread(socket.as_raw_fd(), &mut n) }?;
    Ok(n.max(0) as u64)
}

/// Sequence numbers sent or to be sent and not yet acknowledged (`SIOCOUTQ`), the FIN included.
///
/// # Errors
/// EINVAL on a listening socket.
pub fn unacknowledged(socket: &impl AsRawFd) -> io::Result<u64> {
    let mut n = 0;
    // SAFETY: the kernel writes one int to the pointer given.
    unsafe { ioctl::siocoutq(socket.as_raw_fd(), &mut n) }?;
    Ok(n.max(0) as u64)
}

/// Sets `SO_RCVLOWAT`: the socket becomes readable at this many bytes. The kernel caps it at half of the receive
/// buffer's limit.
///
/// # Errors
/// What `setsockopt(2)` says.
pub fn set_low_water(socket: &impl AsRawFd, bytes: u64) -> io::Result<()> {
    let value = bytes.clamp(1, i32::MAX as u64) as libc::c_int;
    // SAFETY: pointer and length are those of one int.
    let r = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVLOWAT,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    Errno::result(r)?;
    Ok(())
}

/// What `poll(2)` says of a socket right now, without consuming a pending error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// POLLIN
    pub readable: bool,
    /// POLLOUT
    pub writable: bool,
    /// POLLRDHUP: the peer's end has come, or the own `shutdown(SHUT_RD)`.
    pub hangup: bool,
    /// POLLERR: an error is pending (a RST, an ICMP message).
    pub error: bool,
}

/// Asks `poll(2)` with a time-out of zero.
///
/// # Errors
/// ENOMEM.
pub fn ready(socket: &impl AsRawFd) -> io::Result<Ready> {
    poll_for(socket, libc::POLLIN | libc::POLLOUT | libc::POLLRDHUP, 0)
}

fn poll_for(
    socket: &impl AsRawFd,
    events: libc::c_short,
    milliseconds: libc::c_int,
) -> io::Result<Ready> {
    let mut slot = libc::pollfd {
        fd: socket.as_raw_fd(),
        events,
        revents: 0,
    };
    loop {
        // SAFETY: one pollfd, alive during the call.
        match Errno::result(unsafe { libc::poll(&mut slot, 1, milliseconds) }) {
            Err(Errno::EINTR) => continue,
            Err(e) => return Err(e.into()),
            Ok(_) => break,
        }
    }
    let has = |flag| slot.revents & flag != 0;
    Ok(Ready {
        readable: has(libc::POLLIN),
        writable: has(libc::POLLOUT),
        hangup: has(libc::POLLRDHUP),
        error: has(libc::POLLERR),
    })
}

/// State of a TCP socket (RFC 9293, section 3.3.2), in the order of the kernel's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum TcpState {
    Established,
    SynSent,
    SynReceived,
    FinWait1,
    FinWait2,
    TimeWait,
    Closed,
    CloseWait,
    LastAck,
    Listen,
    Closing,
    /// One that this kernel has, and we do not know.
    Unknown,
}

impl TcpState {
    /// The state of a number in `TCP_INFO` or `/proc/net/tcp` (`include/net/tcp_states.h`).
    pub fn from_kernel(number: u8) -> TcpState {
        use TcpState::*;
        match number {
            1 => Established,
            2 => SynSent,
            // TCP_SYN_RECV and TCP_NEW_SYN_RECV.
            3 | 12 => SynReceived,
            4 => FinWait1,
            5 => FinWait2,
            6 => TimeWait,
            7 => Closed,
            8 => CloseWait,
            9 => LastAck,
            10 => Listen,
            11 => Closing,
            _ => Unknown,
        }
    }
}

/// The parts of `struct tcp_info` that gates look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpInfo {
    /// Connection state.
    pub state: TcpState,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// Bytes written by the program and never sent (`tcpi_notsent_bytes`, Linux 4.6).
    pub notsent: u32,
    /// Window that the peer advertises, bytes (`tcpi_snd_wnd`, Linux 5.4); `None` on an older kernel.
    pub send_window: Option<u32>,
    /// Window that this end advertises, bytes (`tcpi_rcv_wnd`, Linux 6.2); `None` on an older kernel.
    pub receive_window: Option<u32>,
}

/// Reads `TCP_INFO`. The structure grows with kernels; only what the kernel filled in is looked at.
///
/// # Errors
/// EOPNOTSUPP on a socket that is not TCP.
pub fn tcp_info(socket: &impl AsRawFd) -> io::Result<TcpInfo> {
    let mut buffer = [0u8; 512];
    let mut len = buffer.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to the buffer and sets `len` to what it wrote.
    let r = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            buffer.as_mut_ptr().cast(),
            &mut len,
        )
    };
    Errno::result(r)?;
    let filled = &buffer[..(len as usize).min(buffer.len())];
    let word = |at: usize| {
        let bytes = filled.get(at..at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    // Offsets as in <linux/tcp.h>: eight bytes of u8, then u32s; see the test below.
    Ok(TcpInfo {
        state: TcpState::from_kernel(filled.first().copied().unwrap_or(0)),
        unacked: word(24).unwrap_or(0),
        notsent: word(144).unwrap_or(0),
        send_window: word(228),
        receive_window: word(232),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn queue_lengths_and_state_follow_the_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let info = tcp_info(&client).unwrap();
        assert_eq!(info.state, TcpState::Established);
        assert!(info.send_window.is_none_or(|w| w > 1000), "{info:?}");
        assert!(info.receive_window.is_none_or(|w| w > 1000), "{info:?}");
        client.write_all(b"hello").unwrap();
        assert!(poll_for(&server, libc::POLLIN, 5000).unwrap().readable);
        assert_eq!(unread(&server).unwrap(), 5);
        drop(client);
        assert!(poll_for(&server, libc::POLLRDHUP, 5000).unwrap().hangup);
        assert_eq!(tcp_info(&server).unwrap().state, TcpState::CloseWait);
        assert!(ready(&server).unwrap().hangup && !ready(&server).unwrap().error);
    }
}
