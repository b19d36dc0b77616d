//! Why a scenario could not be loaded.

use std::path::PathBuf;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, render_all};
use super::model::Source;

/// Longest scenario file accepted, in bytes: 1 MiB. Data of that size belongs into a file of its own (`{ file = … }`).
pub const MAX_BYTES: u64 = 1 << 20;

/// Why a scenario could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file could not be read.
    #[error("cannot read the scenario {}: {source}", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not text.
    #[error("the scenario {} is not text: byte {} (at offset {at}) is not UTF-8", path.display(), format_args!("0x{byte:02x}"))]
    NotUtf8 {
        /// The path as given.
        path: PathBuf,
        /// Offset of the first wrong byte.
        at: usize,
        /// That byte.
        byte: u8,
    },
    /// The file is longer than [`MAX_BYTES`].
    #[error("the scenario {} has {size} bytes; at most {MAX_BYTES} (1 MiB) are accepted: put long data into a file of its own and send it with {{ file = \"…\" }}", path.display())]
    TooLarge {
        /// The path as given.
        path: PathBuf,
        /// Its length in bytes.
        size: u64,
    },
    /// There is nothing in the file.
    #[error("the scenario {} is empty; the smallest one is:\n\n{SMALLEST}", path.display())]
    Empty {
        /// The path as given.
        path: PathBuf,
    },
    /// The file says something that cannot be; every such place.
    #[error("{}", render_all(source_text, diagnostics, false))]
    Invalid {
        /// The file.
        source_text: Arc<Source>,
        /// What is wrong with it, in the order of the text.
        diagnostics: Vec<Diagnostic>,
    },
}

/// The smallest useful scenario, shown where there is none.
pub const SMALLEST: &str = r#"    [server]
    kind = "select"
    listen = "127.0.0.1:5000"

    [[client]]
    steps = ["connect", { send = "hello" }, { recv = "hello" }, "close"]"#;

impl ScenarioError {
    /// The message for a person, with carets where the file is wrong; no line end at the end.
    pub fn render(&self, colour: bool) -> String {
        match self {
            ScenarioError::Invalid {
                source_text,
                diagnostics,
            } => render_all(source_text, diagnostics, colour),
            other => format!("error: {other}"),
        }
    }
}
