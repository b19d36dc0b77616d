//! Code that runs before `main`: the one moment of a test binary in which it has one thread.
#![allow(unsafe_code)]

use nix::sys::signal::{SigHandler, Signal, signal};

/// Has a function (no arguments, no result) called before `main`, in every program that this crate
/// is linked into. It must do nothing, and quickly, unless it is sure to be meant.
macro_rules! before_main {
    ($function:path) => {
        // SAFETY: `.init_array` holds pointers to functions that the loader calls one after the
        // other in the process's first thread, once libc is ready, with arguments in registers that
        // an `extern "C"` function without parameters ignores. `run` catches nothing and lets
        // nothing unwind: a panic in an `extern "C"` function aborts.
        #[allow(unsafe_code)]
        #[used]
        #[unsafe(link_section = ".init_array")]
        static BEFORE_MAIN: extern "C" fn() = {
            extern "C" fn run() {
                $function();
            }
            run
        };
    };
}
pub(crate) use before_main;

/// What Rust's runtime does before `main`: a closed pipe is an error of `write(2)`, no signal.
pub fn ignore_broken_pipes() {
    // SAFETY: `SIG_IGN` runs no handler.
    // EINVAL is for signals that cannot be ignored; SIGPIPE can.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
}
