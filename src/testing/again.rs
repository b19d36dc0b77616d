//! The test binary, started again: what happens before its `main`.
//!
//! The environment variable [`VARIABLE`] marks the process that [`super::isolated`] started, and is
//! inherited by the helpers that the lab starts from it with `/proc/self/exe` (the first process of
//! a program's PID namespace, a server in a process of its own). A test harness would take their
//! arguments for the names of tests, so they are served here and never reach `main`.

use std::process::ExitCode;
use std::sync::OnceLock;

use crate::lab::{self, Isolation, IsolationError, On};
use crate::platform;
use crate::platform::before_main::{before_main, ignore_broken_pipes};
use crate::server;

/// `PID WORD KEY`: who started the process, the word that its reports begin with, and the call of
/// [`super::isolated`] that is meant.
pub(super) const VARIABLE: &str = "LAB_CAPTURE_ISOLATED";

/// This process is one that [`super::isolated`] started.
#[derive(Debug)]
pub(super) struct Again {
    /// What its reports to the outer process begin with.
    pub word: String,
    /// The call that is meant.
    pub key: String,
    /// The namespace that was entered before `main`.
    pub isolation: Result<Isolation, IsolationError>,
}

static AGAIN: OnceLock<Again> = OnceLock::new();

/// Set if the process was started by [`super::isolated`].
pub(super) fn again() -> Option<&'static Again> {
    AGAIN.get()
}

/// How the runs of this process are isolated.
pub(super) fn isolation() -> Result<Isolation, super::Error> {
    static OWN: OnceLock<Isolation> = OnceLock::new();
    if let Some(again) = again() {
        return Ok(again.isolation.clone()?);
    }
    if let Some(own) = OWN.get() {
        return Ok(*own);
    }
    // Even as root: another thread's `fork` would hold this test's sockets.
    if platform::threads() != 1 {
        return Err(super::Error::NotIsolated);
    }
    let own = Isolation::prepare(On::Namespace)?;
    Ok(*OWN.get_or_init(|| own))
}

before_main!(at_start);

fn at_start() {
    let Some(value) = std::env::var_os(VARIABLE) else {
        return;
    };
    let Some((pid, word, key)) = value.to_str().and_then(parse) else {
        return;
    };
    if let Some(status) = helper() {
        // Not `main`'s: a harness knows nothing of these arguments.
        std::process::exit(status);
    }
    // The variable is inherited by whatever the test starts: only the child itself is meant.
    if std::os::unix::process::parent_id() != pid {
        return;
    }
    let _ = AGAIN.set(Again {
        word: word.to_owned(),
        key: key.to_owned(),
        isolation: Isolation::prepare(On::Namespace),
    });
}

fn parse(value: &str) -> Option<(u32, &str, &str)> {
    let mut parts = value.splitn(3, ' ');
    Some((parts.next()?.parse().ok()?, parts.next()?, parts.next()?))
}

/// Serves if the process is a helper; its exit status.
fn helper() -> Option<i32> {
    // `std::env::args` is empty before `main` with some C libraries.
    let line = std::fs::read("/proc/self/cmdline").ok()?;
    let mut arguments = line
        .split(|byte| *byte == 0)
        .skip(1)
        .map(|argument| String::from_utf8_lossy(argument).into_owned());
    match &*arguments.next()? {
        server::process::SUBCOMMAND => {
            ignore_broken_pipes();
            Some(server::process_main().into())
        }
        lab::program::INIT_SUBCOMMAND => {
            ignore_broken_pipes();
            // The last argument ends with a zero, too.
            let rest: Vec<String> = arguments.filter(|a| !a.is_empty()).collect();
            let code = lab::program::init_main(&rest);
            Some(if code == ExitCode::SUCCESS { 0 } else { 3 })
        }
        _ => None,
    }
}
