//! What the formats of CI say of a run that did not pass.

use super::{Options, findings};
use crate::check::{Judged, Verdict};

/// A run that did not pass, in the words that CI shows.
pub(super) struct Outcome {
    /// Did an expectation fail? Otherwise the run itself is at fault.
    pub assertion: bool,
    /// The first finding's code, `inconclusive` or `error`.
    pub kind: &'static str,
    /// One line.
    pub message: String,
    /// All findings as on the terminal, without colour.
    pub text: String,
}

impl Outcome {
    /// `None` if the run passed.
    pub fn of(judged: &Judged) -> Option<Outcome> {
        let (assertion, kind, message) = match &judged.verdict {
            Verdict::Passed { .. } => return None,
            Verdict::Failed(findings) => {
                let kind = findings.first().map_or("failed", |f| f.code);
                let messages: Vec<&str> = findings.iter().map(|f| f.message.as_str()).collect();
                (true, kind, messages.join("; "))
            }
            Verdict::Inconclusive(reasons) => (false, "inconclusive", reasons.join("; ")),
            Verdict::Error(why) => (false, "error", why.replace('\n', "; ")),
        };
        Some(Outcome {
            assertion,
            kind,
            message: super::escape::line(&message),
            text: plain(judged),
        })
    }
}

fn plain(judged: &Judged) -> String {
    let mut out = anstream::StripStream::new(vec![]);
    // A vector takes all that is written to it.
    let _ = findings::write(&mut out, judged, &Options::default());
    String::from_utf8_lossy(&out.into_inner()).into_owned()
}
