//! The text form of a flow: what snapshots hold and people read.
//!
//! ```text
//! client-1
//!   handshake complete
//!   client 5 "hello"
//!   then server 5 "hello"
//!   then client fin
//!   then server fin
//!   close client first
//! ```
//!
//! `then`: had to wait for the line before it. `||`: neither had to wait for the other. A number is
//! a length in bytes; content is text with escapes (`\r\n`, `\xNN`), or `sha256:` when it is longer
//! than [`Content::INLINE`] bytes. Of content in which something was redacted there is no length.

use std::fmt::{Display, Formatter, Result, Write};

use sha2::{Digest, Sha256};

use super::types::*;

impl Display for Flow {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "{}", self.name)?;
        for line in self.lines() {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}

impl Flow {
    /// The lines of the text form behind the name, without indentation.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("handshake {}", self.handshake)];
        for (index, phase) in self.phases.iter().enumerate() {
            let then = if index > 0 { "then " } else { "" };
            lines.push(format!("{then}{}", phase.first));
            lines.extend(phase.concurrent.iter().map(|run| format!("|| {run}")));
        }
        lines.extend(self.close.lines());
        lines
    }
}

impl Display for Run {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.from)?;
        match &self.bytes {
            Bytes::None => {}
            Bytes::Exact(content) => write!(f, " {content}")?,
            Bytes::AtLeast(content) => write!(f, " at least {content}")?,
        }
        if self.fin {
            f.write_str(" fin")?;
        }
        match self.reset {
            Some(kind) => write!(f, " reset ({kind})"),
            None => Ok(()),
        }
    }
}

impl Display for Content {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let sha256 = |f: &mut Formatter<'_>, digest: &[u8]| {
            f.write_str("sha256:")?;
            digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        };
        if let What::Redacted(bytes) = &self.what {
            return match bytes.len() {
                0..=Content::INLINE => write!(f, "\"{}\"", escape(bytes)),
                _ => sha256(f, &Sha256::digest(bytes)),
            };
        }
        write!(f, "{}", self.len)?;
        match &self.what {
            _ if self.len == 0 => Ok(()),
            What::Bytes(bytes) => write!(f, " \"{}\"", escape(bytes)),
            What::Sha256(digest) => {
                f.write_str(" ")?;
                sha256(f, digest)
            }
            What::Redacted(_) => Ok(()),
            What::Unknown => f.write_str(" not captured"),
        }
    }
}

impl Close {
    /// The lines that tell how the connection ended.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Close::Fin(first) => vec![format!("close {first} first")],
            Close::Crossed => vec!["close crossed".to_owned()],
            Close::Half(by) => vec![format!("close half, by {by}")],
            Close::Open => vec!["close none, left open".to_owned()],
            Close::None => vec![],
            Close::Unreachable => vec!["close port unreachable (ICMP)".to_owned()],
            Close::Reset(resets) => resets
                .iter()
                .map(|reset| {
                    let mut line = format!("close reset by {} ({})", reset.by, reset.kind);
                    let fins = [
                        (reset.after_client_fin, "client"),
                        (reset.after_server_fin, "server"),
                    ];
                    for (_, who) in fins.iter().filter(|(after, _)| *after) {
                        let _ = write!(line, ", after {who} fin");
                    }
                    line
                })
                .collect(),
        }
    }
}

/// Text on one line: printable ASCII and UTF-8 letters as they are, everything else escaped.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                ' ' => out.push(' '),
                c if c.is_control() || c.is_whitespace() || invisible(c) => {
                    let mut buffer = [0; 4];
                    for byte in c.encode_utf8(&mut buffer).bytes() {
                        let _ = write!(out, "\\x{byte:02x}");
                    }
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Characters that change how text around them is shown, or are not shown at all.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
