//! Capabilities of the calling thread (capabilities(7)).
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc;

use super::PlatformError;

/// A capability, by its number in `linux/capability.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Capability {
    /// Configure interfaces.
    NetAdmin = 12,
    /// Open packet sockets.
    NetRaw = 13,
    /// Make namespaces.
    SysAdmin = 21,
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`: two words of 32 bits.
const VERSION_3: u32 = 0x2008_0522;

/// Is the capability in the calling thread's effective set (for its own user namespace)?
pub fn has_cap(capability: Capability) -> bool {
    let mut header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let mut data = [Data::default(); 2];
    // SAFETY: version 3 of capget writes two `Data` and one `Header`, laid out as in
    // linux/capability.h; both outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
    let bit = capability as u32;
    result == 0 && data[bit as usize / 32].effective & (1 << (bit % 32)) != 0
}

/// Gives up every capability for good, also across `execve(2)` by uid 0 (the bounding set).
///
/// # Errors
/// The kernel refuses; what could be given up has been.
pub fn drop_all_capabilities() -> Result<(), PlatformError> {
    let call = |what, result: i64| {
        if result < 0 {
            Err(PlatformError::call("capabilities", what, Errno::last()))
        } else {
            Ok(())
        }
    };
    // SAFETY: prctl with these options takes integers only.
    let ambient = unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong,
            0,
            0,
            0,
        )
    };
    call("PR_CAP_AMBIENT_CLEAR_ALL", ambient.into())?;
    if has_cap_number(8) {
        for number in 0..64 as libc::c_ulong {
            // SAFETY: as above. EINVAL marks the first number that the kernel does not know.
            if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) } < 0 {
                match Errno::last() {
                    Errno::EINVAL => break,
                    errno => {
                        return Err(PlatformError::call(
                            "PR_CAPBSET_DROP",
                            &number.to_string(),
                            errno,
                        ));
                    }
                }
            }
        }
    }
    let mut header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let data = [Data::default(); 2];
    // SAFETY: as in `has_cap`, but read.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) };
    call("capset", result)
}

/// `CAP_SETPCAP` is 8; without it the bounding set cannot be changed.
fn has_cap_number(bit: u32) -> bool {
    let mut header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let mut data = [Data::default(); 2];
    // SAFETY: as in `has_cap`.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
    result == 0 && data[0].effective & (1 << bit) != 0
}
