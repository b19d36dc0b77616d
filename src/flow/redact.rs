//! What legitimately varies within payloads (dates, ports) replaced by what does not.

use regex::bytes::Regex;
use sha2::{Digest, Sha256};

use super::types::{Content, What};

/// What varies within payloads and does not matter.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// What it is called.
    pub name: String,
    /// What varies.
    pub pattern: Regex,
    /// What the flow shows instead.
    pub with: Vec<u8>,
}

/// Bytes as a flow shows them: as they are or their digest, or with what varies replaced.
pub(super) fn content(redactions: &[Redaction], bytes: Vec<u8>) -> What {
    let mut redacted = None;
    for redaction in redactions {
        let text = redacted.as_ref().unwrap_or(&bytes);
        if redaction.pattern.is_match(text) {
            let with = &redaction.with[..];
            redacted = Some(redaction.pattern.replace_all(text, with).into_owned());
        }
    }
    match redacted {
        Some(redacted) => What::Redacted(redacted),
        None if bytes.len() > Content::INLINE => What::Sha256(Sha256::digest(&bytes).into()),
        None => What::Bytes(bytes),
    }
}
