//! From a path to a [`Scenario`].

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{Checker, shorten};
use super::diagnostic::{Code, Diagnostic};
use super::error::{MAX_BYTES, ScenarioError};
use super::lower::{Node, lower};
use super::model::{Scenario, Source};
use super::words::FILE;

/// Most syntax errors shown: after some the parser only guesses.
const MAX_SYNTAX: usize = 5;

/// Loads and validates a scenario file.
///
/// # Errors
///
/// The file cannot be read, is no text, is longer than [`MAX_BYTES`], is empty, or says something
/// that cannot be; then every such place is in [`ScenarioError::Invalid`].
pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        ScenarioError::NotUtf8 {
            path: path.to_owned(),
            at,
            byte: e.as_bytes().get(at).copied().unwrap_or_default(),
        }
    })?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    from_text(path, text, Some(folder))
}

fn read(path: &Path) -> Result<Vec<u8>, ScenarioError> {
    let unreadable = |source| ScenarioError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut bytes = Vec::new();
    // What the metadata says may not be so (`/dev/zero`): read one byte more than accepted, at most.
    file.by_ref()
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ScenarioError::TooLarge {
            path: path.to_owned(),
            size: size.max(bytes.len() as u64),
        });
    }
    Ok(bytes)
}

/// Validates the text of a scenario; `path` names it in messages and gives the scenario's name.
///
/// # Errors
///
/// As [`load`], without those of reading; the files that it names are not looked for.
pub fn parse(path: &Path, text: String) -> Result<Scenario, ScenarioError> {
    from_text(path, text, None)
}

fn from_text(path: &Path, text: String, folder: Option<&Path>) -> Result<Scenario, ScenarioError> {
    if text.len() as u64 > MAX_BYTES {
        return Err(ScenarioError::TooLarge {
            path: path.to_owned(),
            size: text.len() as u64,
        });
    }
    if text.trim().is_empty() {
        return Err(ScenarioError::Empty {
            path: path.to_owned(),
        });
    }
    let source = Arc::new(Source {
        path: path.to_owned(),
        text,
    });
    let invalid = |diagnostics| ScenarioError::Invalid {
        source_text: source.clone(),
        diagnostics,
    };
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        return Err(invalid(syntax(&errors)));
    }
    let mut checker = Checker::default();
    checker.table(table.get_ref(), 0..0, &FILE);
    let file = Spanned::new(0..0, DeValue::Table(table.into_inner()));
    lower(&source, Node(&file), folder, checker.found).map_err(invalid)
}

fn syntax(errors: &[toml::de::Error]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = errors
        .iter()
        .take(MAX_SYNTAX)
        .map(|error| {
            Diagnostic::new(
                Code::Syntax,
                error.span().unwrap_or(0..0),
                format!("not TOML: {}", shorten(error.message())),
                "here",
            )
        })
        .collect();
    if let (Some(last), more @ 1..) = (
        found.last_mut(),
        errors.len() - errors.len().min(MAX_SYNTAX),
    ) {
        last.help.push(format!("{more} more after this one"));
    }
    found
}
