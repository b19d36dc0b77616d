//! Bytes against what they must be.

use std::io::Read;
use std::path::Path;

use crate::flow::escape;
use crate::scenario::Wanted;

/// Bytes shown on each side of a difference.
const AROUND: usize = 24;

/// Longest file that is compared with.
const LONGEST: u64 = 1 << 30;

/// What is wrong with bytes.
pub struct Difference {
    /// One sentence: `the 4th byte differs`.
    pub message: String,
    /// What was asked for.
    pub expected: String,
    /// What is there.
    pub actual: String,
    /// The first byte that differs, if one does.
    pub at: Option<u64>,
}

/// `None` if the bytes are as wanted.
///
/// # Errors
/// The file to compare with cannot be read: why.
pub fn compare(
    wanted: &Wanted,
    actual: &[u8],
    folder: &Path,
) -> Result<Option<Difference>, String> {
    Ok(match wanted {
        Wanted::Bytes(bytes) => exact(bytes, actual),
        Wanted::Pattern(length) => {
            // No more than decides.
            let length = usize::try_from(*length).unwrap_or(usize::MAX);
            let needed = length.min(actual.len() + AROUND + 1);
            let bytes: Vec<u8> = (0..needed).map(|i| (i % 251) as u8).collect();
            exact(&bytes, actual).map(|found| Difference {
                expected: format!("{length} bytes of the pattern; {}", found.expected),
                ..found
            })
        }
        Wanted::File(path) => {
            let path = folder.join(path);
            exact(&read(&path)?, actual).map(|found| Difference {
                expected: format!("{}; {}", path.display(), found.expected),
                ..found
            })
        }
        Wanted::Contains(part) => {
            let found = actual.windows(part.len().max(1)).any(|w| w == part);
            (!found).then(|| Difference {
                message: "it does not contain what it must".to_owned(),
                expected: format!("… {} …", shown(part, 0)),
                actual: shown(actual, 0),
                at: None,
            })
        }
        Wanted::Regex(regex) => (!regex.is_match(actual)).then(|| Difference {
            message: "the expression matches nowhere".to_owned(),
            expected: format!("/{}/", regex.as_str()),
            actual: shown(actual, 0),
            at: None,
        }),
    })
}

fn exact(wanted: &[u8], actual: &[u8]) -> Option<Difference> {
    if wanted == actual {
        return None;
    }
    let at = wanted
        .iter()
        .zip(actual)
        .take_while(|(a, b)| a == b)
        .count();
    let message = if at == actual.len() {
        format!("it ends after {} bytes", actual.len())
    } else if at == wanted.len() {
        format!("it goes on after {} bytes", wanted.len())
    } else {
        format!(
            "byte {at} (from 0) is {}, not {}",
            byte(actual[at]),
            byte(wanted[at])
        )
    };
    Some(Difference {
        message,
        expected: shown(wanted, at),
        actual: shown(actual, at),
        at: Some(at as u64),
    })
}

fn byte(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("`{}`", byte as char)
    } else {
        format!("{byte:#04x}")
    }
}

/// Length, and the bytes around a place.
pub fn shown(bytes: &[u8], at: usize) -> String {
    let start = at.min(bytes.len()).saturating_sub(AROUND);
    let end = at.saturating_add(AROUND * 2).min(bytes.len());
    let before = if start > 0 { "…" } else { "" };
    let after = if end < bytes.len() { "…" } else { "" };
    format!(
        "{} {before}\"{}\"{after}",
        bytes.len(),
        escape(&bytes[start..end])
    )
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let error = |e: std::io::Error| format!("cannot read {}: {e}", path.display());
    let file = std::fs::File::open(path).map_err(error)?;
    let mut bytes = vec![];
    file.take(LONGEST).read_to_end(&mut bytes).map_err(error)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(wanted: Wanted, actual: &[u8]) -> Option<String> {
        let found = compare(&wanted, actual, Path::new("/nonexistent")).unwrap();
        found.map(|d| format!("{}: {} / {}", d.message, d.expected, d.actual))
    }

    #[test]
    fn every_rule_holds_and_fails() {
        let bytes = |text: &str| Wanted::Bytes(text.into());
        assert_eq!(message(bytes("hello"), b"hello"), None);
        assert_eq!(
            message(bytes("hello"), b"help!").unwrap(),
            "byte 3 (from 0) is `p`, not `l`: 5 \"hello\" / 5 \"help!\""
        );
        assert!(
            message(bytes("hello"), b"hel")
                .unwrap()
                .starts_with("it ends after 3 bytes")
        );
        assert!(
            message(bytes("hel"), b"hello")
                .unwrap()
                .starts_with("it goes on after 3 bytes")
        );
        assert_eq!(message(Wanted::Contains(b"ell".to_vec()), b"hello"), None);
        assert!(message(Wanted::Contains(b"elk".to_vec()), b"hello").is_some());
        assert!(message(Wanted::Contains(b"hello".to_vec()), b"").is_some());
        let regex = |text: &str| Wanted::Regex(regex::bytes::Regex::new(text).unwrap());
        assert_eq!(message(regex("^h.*o$"), b"hello"), None);
        assert!(message(regex("^h.*a$"), b"hello").is_some());
        assert_eq!(message(Wanted::Pattern(3), &[0, 1, 2]), None);
        assert!(
            message(Wanted::Pattern(3), &[0, 1])
                .unwrap()
                .contains("3 bytes of the pattern")
        );
        assert!(message(Wanted::Pattern(u64::MAX), &[0, 1]).is_some());
        let missing = compare(&Wanted::File("no".into()), b"", Path::new("/nonexistent"));
        assert!(missing.is_err());
    }

    #[test]
    fn long_texts_are_shown_around_the_difference() {
        let mut text = vec![b'a'; 1000];
        let wanted = text.clone();
        text[500] = b'b';
        let found = message(Wanted::Bytes(wanted), &text).unwrap();
        assert!(
            found.contains("1000 …\"aaaaaaaaaaaaaaaaaaaaaaaabaaa"),
            "{found}"
        );
        assert!(found.len() < 250, "{found}");
    }
}
