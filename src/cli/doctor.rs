//! `lab-capture doctor`: what this machine can do, and how to get the rest.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use nix::unistd::geteuid;

use super::exit::LAB;
use crate::lab;
use crate::platform::{Capability, has_cap};

/// Tries everything, says what works; the exit code is 0 if scenarios can run in namespaces of
/// their own.
pub fn doctor() -> anyhow::Result<u8> {
    let mut out = anstream::stdout().lock();
    let good = Style::new().fg_color(Some(AnsiColor::Green.into()));
    let bad = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let probe = lab::probe()?;
    let how = match (probe.privileged, geteuid().is_root()) {
        (true, _) => "as root (CAP_SYS_ADMIN): no user namespace is needed",
        (false, true) => "as root without CAP_SYS_ADMIN, in a user namespace of its own",
        (false, false) => "as an ordinary user, in a user namespace of its own",
    };
    writeln!(out, "scenarios run {how}")?;
    for step in probe.steps.iter().chain(&probe.settings) {
        match &step.error {
            None => writeln!(out, "  {good}ok{good:#}   {}", step.name)?,
            Some(error) => {
                writeln!(out, "  {bad}no{bad:#}   {}", step.name)?;
                for line in error.lines() {
                    writeln!(out, "       {line}")?;
                }
            }
        }
    }
    let host = has_cap(Capability::NetRaw);
    let (style, word) = if host { (good, "ok") } else { (bad, "no") };
    writeln!(out, "--on host, watch (the machine's own lo)")?;
    writeln!(out, "  {style}{word}{style:#}   CAP_NET_RAW")?;
    if !host {
        for line in lab::remedy_on_host().lines() {
            writeln!(out, "       {line}")?;
        }
    }
    writeln!(out, "limits")?;
    let (soft, hard) = crate::platform::process::descriptor_limit()?;
    writeln!(out, "       open files: {soft}, can be raised to {hard}")?;
    let cpus = crate::platform::affinity()?;
    writeln!(
        out,
        "       processors: {}; side by side by default: {}",
        cpus.len(),
        lab::suite::default_jobs()
    )?;
    writeln!(out, "tools beside it (not needed to run)")?;
    for (tool, purpose) in [
        ("wireshark", "to look at the exported captures"),
        (
            "tshark",
            "the independent witness of the project's own tests",
        ),
        (
            "python3",
            "the course's own programs (python-echo, python-dies)",
        ),
    ] {
        let found = in_path(tool);
        let (style, word) = if found {
            (good, "ok")
        } else {
            (Style::new(), "--")
        };
        writeln!(out, "  {style}{word}{style:#}   {tool}: {purpose}")?;
    }
    out.flush()?;
    Ok(if probe.works() { 0 } else { LAB })
}

fn in_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}
