//! What the judge says: findings, and the verdict that they add up to.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::capture::Recording;
use crate::flow::Flow;
use crate::scenario::{Scenario, Span};
use crate::tcp::Conversation;

/// One thing that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finding {
    /// Stable word for machines: `snapshot-missing`, `snapshot-differs`, `step-failed`, `cut-unconfirmed`…
    pub code: &'static str,
    /// One sentence for people.
    pub message: String,
    /// The scenario's text that asked for it.
    pub span: Option<Span>,
    /// What was asked for.
    pub expected: Option<String>,
    /// What was there instead.
    pub actual: Option<String>,
    /// A unified diff of the two, where they are long.
    pub diff: Option<String>,
    /// Frames concerned, by their number in the exported capture.
    pub frames: Vec<u64>,
    /// The connection concerned, by name.
    pub connection: Option<String>,
    /// Why, where evidence allows.
    pub cause: Option<Cause>,
    /// Further lines that help (last lines of a program's output, for instance).
    pub notes: Vec<String>,
}

/// Why something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// One sentence.
    pub text: String,
    /// Does the recording prove it? Otherwise it is only consistent with it.
    pub proven: bool,
}

/// The outcome of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything held. The named variant, if it was not the main snapshot.
    Passed {
        /// Which accepted variant of a race this run showed.
        variant: Option<String>,
    },
    /// Something did not.
    Failed(Vec<Finding>),
    /// The capture cannot prove anything; why.
    Inconclusive(Vec<String>),
    /// The lab could not run it (permission, port in use, program not found); why, and the remedy.
    Error(String),
}

impl Verdict {
    /// The exit code that this verdict asks for.
    pub fn exit_code(&self) -> u8 {
        match self {
            Verdict::Passed { .. } => 0,
            Verdict::Failed(_) => 1,
            Verdict::Error(_) => 3,
            Verdict::Inconclusive(_) => 4,
        }
    }

    /// One word: `passed`, `failed`, `inconclusive`, `error`.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Passed { .. } => "passed",
            Verdict::Failed(_) => "failed",
            Verdict::Inconclusive(_) => "inconclusive",
            Verdict::Error(_) => "error",
        }
    }
}

/// A conversation under its name, with its flow.
#[derive(Debug, Clone)]
pub struct Named {
    /// The client's name (`client-1`; its second connection is `client-1#2`).
    pub name: String,
    /// The name of the server's actor, if one of ours.
    pub server: Option<Arc<str>>,
    /// The segments.
    pub conversation: Conversation,
    /// The canonical form.
    pub flow: Flow,
}

/// A run that has been judged: all that a report needs.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What was asked.
    pub scenario: Arc<Scenario>,
    /// What was recorded; `None` if the lab could not run.
    pub recording: Option<Recording>,
    /// Every TCP connection, by name.
    pub connections: Vec<Named>,
    /// The flow of every UDP exchange, by name.
    pub datagrams: Vec<Flow>,
    /// The verdict.
    pub verdict: Verdict,
    /// Findings that had to come, for the scenario shows a broken program (`fails`), and came.
    pub foreseen: Vec<Finding>,
    /// The exported capture, if written.
    pub file: Option<PathBuf>,
    /// Wall time of the run.
    pub elapsed: Duration,
    /// Snapshot written in this run (`--accept`).
    pub accepted: bool,
}
