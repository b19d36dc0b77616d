//! Ctrl-C and SIGTERM end the run; a second one ends the process at once.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::platform::Cancel;

/// Becomes cancelled with the first SIGINT, SIGTERM or SIGHUP. The second one exits with
/// 128 + its number, as a shell would report it.
///
/// # Errors
/// The handlers cannot be installed.
pub fn install() -> io::Result<Cancel> {
    let (read, write) = UnixStream::pair()?;
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, again.clone())?;
        signal_hook::flag::register(signal, again.clone())?;
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    Ok(Cancel::from_pipe(OwnedFd::from(read)))
}
