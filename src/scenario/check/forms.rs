//! Text that follows a rule: durations, addresses, hex, names, flags.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::super::words::{ERRNOS, FLAGS, FRAME_FAULTS, Form};
use super::{nearest, shorten};

/// Longest duration that a file may ask for.
const LONGEST: Duration = Duration::from_secs(3600);

/// Why text does not follow its rule.
pub struct Reason {
    /// For the caret.
    pub label: String,
    /// A way out.
    pub help: Option<String>,
}

fn reason<T>(label: impl Into<String>) -> Result<T, Reason> {
    Err(Reason {
        label: label.into(),
        help: None,
    })
}

fn advice<T>(label: impl Into<String>, help: Option<String>) -> Result<T, Reason> {
    Err(Reason {
        label: label.into(),
        help,
    })
}

impl Form {
    /// Does the text follow the rule?
    pub fn check(self, text: &str) -> Result<(), Reason> {
        match self {
            Form::Duration => duration(text).map(drop),
            Form::Address => address(text).map(drop),
            Form::Target if text.contains(':') => address(text).map(drop),
            Form::Target | Form::Name => name(text),
            Form::Hex => hex(text).map(drop),
            Form::Fault => fault(text),
            Form::Path => path(text),
            Form::Flags => flags(text).map(drop),
        }
    }
}

/// `500ms`, `2s`, `1m`; more than nothing, at most an hour.
pub fn duration(text: &str) -> Result<Duration, Reason> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return reason("no number in front");
    }
    let factor: u64 = match unit.trim() {
        "us" | "µs" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "" => return advice("no unit", Some(format!("did you mean `{text}s`?"))),
        other => return reason(format!("unknown unit `{}`: us, ms, s or m", shorten(other))),
    };
    let micros = number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor));
    match micros.map(Duration::from_micros) {
        Some(Duration::ZERO) => reason("nothing can happen in no time"),
        Some(duration) if duration <= LONGEST => Ok(duration),
        _ => reason("longer than an hour"),
    }
}

/// An address that the run's `lo` can have, with a port.
pub fn address(text: &str) -> Result<SocketAddr, Reason> {
    let Ok(address) = text.parse::<SocketAddr>() else {
        if text.parse::<IpAddr>().is_ok() {
            let port = if text.contains(':') {
                format!("[{text}]:5000")
            } else {
                format!("{text}:5000")
            };
            return advice("no port", Some(format!("did you mean `{port}`?")));
        }
        if let Some(port) = text.strip_prefix("localhost:") {
            return advice(
                "names are not looked up",
                Some(format!("did you mean `127.0.0.1:{}`?", shorten(port))),
            );
        }
        return reason("not an address with a port");
    };
    if address.port() == 0 {
        return reason("port 0 lets the kernel choose: nobody would know where to connect");
    }
    if !address.ip().is_loopback() && !address.ip().is_unspecified() {
        return advice(
            "not an address of the loopback interface",
            Some("the lab has only `lo`: 127.0.0.1 to 127.255.255.254, or ::1".into()),
        );
    }
    Ok(address)
}

fn name(text: &str) -> Result<(), Reason> {
    if text.is_empty() {
        return reason("empty");
    }
    if text.len() > 64 {
        return reason("longer than 64 characters");
    }
    match text
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "-_.".contains(*c)))
    {
        Some(c) => reason(format!("`{}` cannot be in a name", c.escape_debug())),
        None if text.starts_with(['.', '-']) => reason("begins with a sign"),
        None => Ok(()),
    }
}

/// Pairs of hexadecimal digits; blanks between pairs are ignored.
pub fn hex(text: &str) -> Result<Vec<u8>, Reason> {
    let mut out = Vec::with_capacity(text.len() / 2);
    for group in text.split_whitespace() {
        if let Some(c) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return reason(format!("`{}` is no hexadecimal digit", c.escape_debug()));
        }
        if group.len() % 2 != 0 {
            return reason(format!(
                "`{}` has an odd number of digits: two make a byte",
                shorten(group)
            ));
        }
        for pair in group.as_bytes().chunks_exact(2) {
            let digit = |b: u8| (b as char).to_digit(16).unwrap_or(0) as u8;
            out.push(digit(pair[0]) << 4 | digit(pair[1]));
        }
    }
    if out.is_empty() {
        return reason("no digits");
    }
    Ok(out)
}

fn fault(text: &str) -> Result<(), Reason> {
    let faults = FRAME_FAULTS.iter().map(|fault| fault.word);
    let names = ERRNOS.iter().copied().chain(faults);
    if names.clone().any(|name| name == text) {
        Ok(())
    } else {
        advice("unknown error", nearest(text, names))
    }
}

fn path(text: &str) -> Result<(), Reason> {
    if text.is_empty() {
        return reason("empty");
    }
    if text.contains('\0') {
        return reason("holds a NUL");
    }
    Ok(())
}

/// Flags in the order of the output, joined by commas.
pub fn flags(text: &str) -> Result<String, Reason> {
    let mut set = [false; 8];
    for part in text.split(',') {
        let part = part.trim();
        match FLAGS.iter().position(|f| *f == part) {
            Some(at) => set[at] = true,
            None if part.is_empty() => return reason("a flag is missing"),
            None => {
                return advice(
                    format!("unknown flag `{}`", shorten(part)),
                    nearest(part, FLAGS.iter().copied()),
                );
            }
        }
    }
    let names: Vec<&str> = FLAGS
        .iter()
        .zip(set)
        .filter_map(|(f, s)| s.then_some(*f))
        .collect();
    Ok(names.join(","))
}
