//! Files: those of the repository, those that are missing, too long, or no text.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::scenario::{MAX_BYTES, ScenarioError, load};

/// The repository's scenarios.
pub fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    all.sort();
    all
}

#[test]
fn every_scenario_loads_explains_itself_and_names_the_schema() {
    let all = scenarios();
    let call = regex::Regex::new(r"[a-z]\([A-Zfm0-9)]").unwrap();
    assert!(all.len() >= 40, "only {} were found", all.len());
    for path in all {
        let scenario = load(&path).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let file = path.display();
        assert_ne!(scenario.title, scenario.name, "{file} has a title");
        assert!(scenario.notes().is_empty(), "{file}");
        let first = scenario.source.text.lines().next();
        assert_eq!(first, Some("#:schema ./schema.json"), "{file}");
        // The sentence for students names the calls.
        let explain = scenario.explain.unwrap_or_default();
        assert!(call.is_match(&explain), "{file} names a system call");
    }
}

#[test]
fn every_scenario_can_be_moved_to_ipv6() {
    for path in scenarios() {
        let mut scenario = load(&path).unwrap();
        scenario.to_ipv6();
        let text = format!("{:?}{:?}", scenario.servers, scenario.clients);
        assert!(!text.contains("127.0.0.1"), "{}: {text}", path.display());
    }
}

fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.toml");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The message, the folder of this run replaced.
fn message(folder: &Path, path: &Path) -> String {
    let error = load(path).expect_err("it must not load");
    error
        .render(false)
        .replace(&folder.display().to_string(), "FOLDER")
}

#[test]
fn unreadable() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(message(folder.path(), &folder.path().join("not-there.toml")), @"error: cannot read the scenario FOLDER/not-there.toml: No such file or directory (os error 2)");
    insta::assert_snapshot!(message(folder.path(), folder.path()), @"error: cannot read the scenario FOLDER: Is a directory (os error 21)");
}

#[test]
fn empty() {
    let messages: Vec<String> = ["", " \n\t\n"]
        .iter()
        .map(|text| {
            let (folder, path) = written(text.as_bytes());
            message(folder.path(), &path)
        })
        .collect();
    assert_eq!(messages[0], messages[1]);
    insta::assert_snapshot!(messages[0], @r#"
        error: the scenario FOLDER/it.toml is empty; the smallest one is:

            [server]
            kind = "select"
            listen = "127.0.0.1:5000"

            [[client]]
            steps = ["connect", { send = "hello" }, { recv = "hello" }, "close"]
        "#);
}

#[test]
fn only_a_comment_is_a_scenario_without_actors() {
    let (folder, path) = written(b"# nothing yet\n");
    let error = load(&path).expect_err("it must not load");
    assert!(matches!(error, ScenarioError::Invalid { .. }), "{error}");
    drop(folder);
}

#[test]
fn not_text() {
    let (folder, path) = written(b"title = \"\xff\"\n");
    insta::assert_snapshot!(message(folder.path(), &path), @"error: the scenario FOLDER/it.toml is not text: byte 0xff (at offset 9) is not UTF-8");
}

#[test]
fn ten_megabytes_of_noise_are_refused_at_once() {
    let noise: Vec<u8> = (0..10_000_000_u64)
        .map(|i| (i.wrapping_mul(6_364_136_223_846_793_005) >> 56) as u8)
        .collect();
    let (folder, path) = written(&noise);
    let before = Instant::now();
    let message = message(folder.path(), &path);
    // Only the first MiB is read: far from a timing assumption, a parser let loose on it would take minutes.
    assert!(before.elapsed() < Duration::from_secs(20));
    insta::assert_snapshot!(message, @r#"error: the scenario FOLDER/it.toml has 10000000 bytes; at most 1048576 (1 MiB) are accepted: put long data into a file of its own and send it with { file = "…" }"#);
}

#[test]
fn a_file_without_end_is_refused_too() {
    let error = load(Path::new("/dev/zero")).expect_err("it must not load");
    assert!(matches!(error, ScenarioError::TooLarge { .. }), "{error}");
}

#[test]
fn a_mebibyte_of_nonsense_is_answered_in_reasonable_time() {
    for piece in [
        "[",
        "{",
        "a=[",
        "[[a]]\n",
        "a = {b = ",
        "\"",
        "= 1\n",
        "a.b.c.d.e.f.g.h.",
        "'''",
    ] {
        let text = piece.repeat(MAX_BYTES as usize / piece.len());
        let (folder, path) = written(text.as_bytes());
        let error = load(&path).expect_err("it must not load");
        let shown = error.render(false);
        assert!(
            shown.len() < 100_000,
            "{piece:?}: {} bytes of message",
            shown.len()
        );
        drop(folder);
    }
}

#[test]
fn files_that_the_scenario_names_are_looked_for_beside_it() {
    let text = b"[server]\nkind = \"select\"\nhandler = [{ recv-file = { into = \"../x\", equals = \"none.bin\" } }]\n[[client]]\nsteps = [\"connect\", { send = { file = \"there.bin\" } }, { repeat = { times = 2, steps = [{ send = { file = \"gone.bin\" } }] } }]\n";
    let (folder, path) = written(text);
    std::fs::write(folder.path().join("there.bin"), "x").unwrap();
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("files_named", message(folder.path(), &path));
    });
}

/// `--explain` is for people: sentences, and nothing of the file's syntax in them.
#[test]
fn every_explanation_can_be_read() {
    for path in scenarios() {
        let scenario = load(&path).unwrap();
        let text = scenario.explain.as_deref().unwrap_or_default();
        let name = &scenario.name;
        assert!(
            !text.contains('\\'),
            "{name}: an escape was left in: {text}"
        );
        assert!(
            text.ends_with(".\n") || text.ends_with(").\n"),
            "{name}: {text}"
        );
        for line in text.lines() {
            let width = line.chars().count();
            assert!(width <= 100, "{name}: {width} columns: {line}");
            assert_eq!(line, line.trim(), "{name}");
            assert!(!line.contains("  ") && !line.is_empty(), "{name}: {line}");
        }
    }
}
