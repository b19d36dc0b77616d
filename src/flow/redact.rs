//! What legitimately varies within payloads (dates, ports) replaced by what does not.

use regex::bytes::Regex;
use sha2::{Digest, Sha256};

use super::types::{Bytes, Content, Flow, What};

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

/// The same for a flow that holds its bytes already: those of datagrams, up to [`Content::INLINE`].
pub fn datagrams(redactions: &[Redaction], flow: &mut Flow) {
    let runs = flow
        .phases
        .iter_mut()
        .flat_map(|phase| std::iter::once(&mut phase.first).chain(&mut phase.concurrent));
    for run in runs {
        let (Bytes::Exact(found) | Bytes::AtLeast(found)) = &mut run.bytes else {
            continue;
        };
        if let What::Bytes(bytes) = &mut found.what {
            found.what = content(redactions, std::mem::take(bytes));
        }
    }
}
