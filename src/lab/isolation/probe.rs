//! The whole chain of isolation tried in a child process, step by step.
//!
//! Only a trial tells: on Ubuntu 24.04 a user namespace can be made and is of no use, for AppArmor
//! takes its capabilities.

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::enter::{Isolation, IsolationError, On, set_sysctl};
use crate::capture::live::{LiveCapture, LiveConfig};
use crate::platform;
use crate::scenario::{CaptureSpec, Link};

/// The hidden subcommand: `lab-capture __probe`.
pub const SUBCOMMAND: &str = "__probe";

/// One step of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeStep {
    /// `user namespace`, `network namespace and lo`, `packet socket`, `barrier`, `PID namespace`.
    pub name: String,
    /// What failed; `None` when it worked.
    pub error: Option<String>,
}

/// What this machine can do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Has this process the capabilities for namespaces without a user namespace?
    pub privileged: bool,
    /// The steps tried, up to the first that failed.
    pub steps: Vec<ProbeStep>,
    /// Scenarios with `[sysctl]`, which containers refuse; no step of the chain, for all others can
    /// do without. `None` where the chain did not come that far.
    pub settings: Option<ProbeStep>,
}

impl Probe {
    /// Can scenarios run in namespaces of their own?
    pub fn works(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.error.is_none())
    }

    fn step<T, E: ToString>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        let (step, value) = ProbeStep::of(name, result);
        self.steps.push(step);
        value
    }
}

impl ProbeStep {
    fn of<T, E: ToString>(name: &str, result: Result<T, E>) -> (Self, Option<T>) {
        let (value, error) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let name = name.to_owned();
        (ProbeStep { name, error }, value)
    }
}

/// Tries, in a child process, all that a run in a namespace of its own needs.
///
/// # Errors
/// The child could not be started or said nothing that can be understood.
pub fn probe() -> Result<Probe, std::io::Error> {
    let output = Command::new("/proc/self/exe")
        .arg(SUBCOMMAND)
        .stdin(Stdio::null())
        .output()?;
    serde_json::from_slice(&output.stdout).map_err(|e| {
        std::io::Error::other(format!(
            "the probe ended with {}: {e}; {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    })
}

/// What the hidden subcommand does; call it before any thread is started.
pub fn probe_main() -> ExitCode {
    let mut probe = Probe::default();
    try_all(&mut probe);
    match serde_json::to_string(&probe) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

/// Until one fails.
fn try_all(probe: &mut Probe) -> Option<()> {
    let isolation = Isolation::prepare(On::Namespace);
    probe.privileged = isolation.as_ref().is_ok_and(|i| !i.rootless());
    if !probe.privileged {
        probe.step(
            "user namespace",
            isolation.as_ref().map_err(IsolationError::to_string),
        );
    }
    let isolation = isolation.ok()?;
    let entered = isolation.enter(&Link::default(), &[]);
    probe.step("network namespace and lo", entered)?;
    // Any that every kernel has, to a value that is valid.
    let set = set_sysctl("net.ipv4.tcp_syn_retries", "6", &(0..0));
    probe.settings = Some(ProbeStep::of("[sysctl]", set).0);
    let config = LiveConfig::choose(&CaptureSpec::default(), 0);
    let opened = LiveCapture::open(&config, None, || {});
    let mut capture = probe.step("packet socket", opened)?;
    // Long for a frame on lo; a machine that takes longer can run nothing.
    probe.step("barrier", capture.barrier(Duration::from_secs(10)))?;
    probe.step("PID namespace", platform::init::try_pid_namespace())
}
