//! `lab-capture show`, the built binary: what people read as snapshots, what machines read against
//! tshark, and every way in which a file can be no good.

mod build;
mod compare;
mod follow;
mod human;
mod misuse;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Runs `lab-capture show`.
pub fn show(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab-capture"))
        .arg("show")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts")
}

/// What it prints, if it is content.
#[track_caller]
pub fn shown(arguments: &[&str]) -> String {
    let output = show(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), &*errors),
        (Some(0), ""),
        "{arguments:?}"
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A file with these bytes, and the folder that goes with it.
pub fn file(bytes: &[u8]) -> (String, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("capture.pcap");
    std::fs::write(&path, bytes).expect("writable");
    (path.to_str().expect("UTF-8").to_owned(), folder)
}

/// The captures of the project's own scenarios.
pub fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/samples");
    let entries = std::fs::read_dir(folder).expect("captures/samples is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    assert!(files.len() > 30, "one for nearly every scenario");
    files
}
