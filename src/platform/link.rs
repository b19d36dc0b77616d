//! The loopback interface of the calling thread's network namespace: up, MTU, offloads.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::PlatformError;

/// A segmentation offload of an interface, by its name in `ethtool -k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offload {
    /// TCP segmentation offload: the stack hands over segments larger than the MTU.
    Tso,
    /// Generic segmentation offload: the same, in software.
    Gso,
    /// Generic receive offload: segments are joined on arrival.
    Gro,
}

impl Offload {
    /// All of them; what `offload = false` turns off.
    pub const ALL: [Offload; 3] = [Offload::Tso, Offload::Gso, Offload::Gro];

    /// `ETHTOOL_G…` and `ETHTOOL_S…`, from `linux/ethtool.h`.
    fn commands(self) -> (u32, u32) {
        match self {
            Offload::Tso => (0x1e, 0x1f),
            Offload::Gso => (0x23, 0x24),
            Offload::Gro => (0x2b, 0x2c),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Offload::Tso => "tso",
            Offload::Gso => "gso",
            Offload::Gro => "gro",
        }
    }
}

/// `struct ethtool_value`, from `linux/ethtool.h`.
#[repr(C)]
struct EthtoolValue {
    cmd: u32,
    data: u32,
}

/// An interface of the namespace that the thread was in when [`Interface::open`] was called.
#[derive(Debug)]
pub struct Interface {
    name: String,
    socket: OwnedFd,
}

impl Interface {
    /// A control socket for the interface `name` in the calling thread's network namespace.
    ///
    /// # Errors
    /// The socket cannot be made, or the name is empty or has more than 15 bytes.
    pub fn open(name: &str) -> Result<Self, PlatformError> {
        if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains('\0') {
            return Err(PlatformError::call("interface", name, Errno::EINVAL));
        }
        let socket = socket(
            AddressFamily::Inet,
            SockType::Datagram,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .map_err(|e| PlatformError::call("socket", name, e))?;
        Ok(Interface {
            name: name.to_owned(),
            socket,
        })
    }

    fn request(&self) -> libc::ifreq {
        // SAFETY: `ifreq` is a C struct of integers and a union of such; all zeroes is a valid value.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(self.name.bytes()) {
            *to = from as libc::c_char;
        }
        request
    }

    fn ioctl(
        &self,
        operation: &'static str,
        number: libc::c_ulong,
        request: &mut libc::ifreq,
    ) -> Result<(), PlatformError> {
        // SAFETY: every request used here (SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFMTU, SIOCSIFMTU,
        // SIOCETHTOOL) takes a pointer to one `ifreq`, which outlives the call; for SIOCETHTOOL the
        // pointer inside it is valid, see `ethtool`. The descriptor is an open socket.
        let result =
            unsafe { libc::ioctl(self.socket.as_raw_fd(), number as _, &raw mut *request) };
        Errno::result(result)
            .map(drop)
            .map_err(|e| PlatformError::call(operation, &self.name, e))
    }

    /// Brings the interface up; true if it was not.
    ///
    /// # Errors
    /// No such interface, or no `CAP_NET_ADMIN` in the namespace's user namespace.
    pub fn up(&self) -> Result<bool, PlatformError> {
        self.set_up(true)
    }

    /// Takes the interface down; true if it was not.
    ///
    /// # Errors
    /// As [`Interface::up`].
    pub fn down(&self) -> Result<bool, PlatformError> {
        self.set_up(false)
    }

    fn set_up(&self, up: bool) -> Result<bool, PlatformError> {
        let mut request = self.request();
        self.ioctl("SIOCGIFFLAGS", libc::SIOCGIFFLAGS, &mut request)?;
        // SAFETY: SIOCGIFFLAGS filled this member of the union.
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        let wanted = if up {
            flags | libc::IFF_UP as i16
        } else {
            flags & !(libc::IFF_UP as i16)
        };
        if flags == wanted {
            return Ok(false);
        }
        request.ifr_ifru.ifru_flags = wanted;
        self.ioctl("SIOCSIFFLAGS", libc::SIOCSIFFLAGS, &mut request)?;
        Ok(true)
    }

    /// The MTU in bytes.
    ///
    /// # Errors
    /// No such interface.
    pub fn mtu(&self) -> Result<u32, PlatformError> {
        let mut request = self.request();
        self.ioctl("SIOCGIFMTU", libc::SIOCGIFMTU, &mut request)?;
        // SAFETY: SIOCGIFMTU filled this member of the union.
        Ok(unsafe { request.ifr_ifru.ifru_mtu } as u32)
    }

    /// Sets the MTU in bytes.
    ///
    /// # Errors
    /// The kernel refuses the value, or no `CAP_NET_ADMIN`.
    pub fn set_mtu(&self, mtu: u32) -> Result<(), PlatformError> {
        let value = i32::try_from(mtu)
            .map_err(|_| PlatformError::call("SIOCSIFMTU", &self.name, Errno::EINVAL))?;
        let mut request = self.request();
        request.ifr_ifru.ifru_mtu = value;
        self.ioctl("SIOCSIFMTU", libc::SIOCSIFMTU, &mut request)
    }

    fn ethtool(&self, what: &'static str, cmd: u32, data: u32) -> Result<u32, PlatformError> {
        let mut value = EthtoolValue { cmd, data };
        let mut request = self.request();
        // The kernel writes through this pointer during the call only; `value` outlives it.
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        self.ioctl(what, libc::SIOCETHTOOL, &mut request)?;
        Ok(value.data)
    }

    /// Is the offload on?
    ///
    /// # Errors
    /// The interface does not know it.
    pub fn offload(&self, offload: Offload) -> Result<bool, PlatformError> {
        Ok(self.ethtool(offload.name(), offload.commands().0, 0)? != 0)
    }

    /// Turns an offload on or off.
    ///
    /// # Errors
    /// The interface refuses it, or no `CAP_NET_ADMIN`.
    pub fn set_offload(&self, offload: Offload, on: bool) -> Result<(), PlatformError> {
        self.ethtool(offload.name(), offload.commands().1, u32::from(on))
            .map(drop)
    }
}
