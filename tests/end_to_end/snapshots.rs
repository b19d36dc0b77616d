//! Snapshots are insta's: its library reads them, `.snap.new` waits for review, `--accept` writes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::program::{Outcome, assert_snapshot, lab_capture, run};
use crate::scenarios;
use crate::stage::{self, Person, everybody, folder_of};

pub fn trials() -> Vec<Trial> {
    let mut trials = crate::trials![
        insta_reads_every_snapshot,
        every_snapshot_has_its_scenario,
        a_changed_flow_is_shown_as_a_diff,
        in_ci_nothing_is_written,
        what_matches_again_waits_no_longer,
        a_file_that_is_no_snapshot_is_named,
    ];
    for &person in everybody() {
        trials.push(Trial::test(
            format!(
                "snapshots::{}::accept_writes_what_insta_reads",
                person.name()
            ),
            move || {
                accept(person);
                Ok(())
            },
        ));
    }
    trials
}

fn insta_reads_every_snapshot() {
    for name in scenarios::all() {
        let scenario = lab_capture::scenario::load(&scenarios::path(&name)).expect("a scenario");
        let names = scenario
            .expect
            .variants
            .iter()
            .map(String::as_str)
            .map(Some);
        for variant in names.chain([None]) {
            if scenario.expect.snapshot == Some(false) {
                continue;
            }
            let path = lab_capture::check::snapshot::path(&scenario, variant);
            let snapshot =
                insta::Snapshot::from_file(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
            let metadata = snapshot.metadata();
            let source = metadata.source().expect("says where it is from");
            assert_eq!(source, format!("{}.toml", scenario.name), "{name}");
            assert_eq!(metadata.expression(), Some("flow"), "{name}");
            assert_eq!(metadata.description(), Some(&*scenario.title), "{name}");
        }
    }
}

/// No snapshot is left over from a scenario that is gone.
fn every_snapshot_has_its_scenario() {
    for entry in fs::read_dir(stage::scenarios().join("snapshots")).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("UTF-8");
        let stem = name
            .strip_suffix(".snap")
            .unwrap_or_else(|| panic!("{name} is no snapshot"));
        let scenario = stem.split('@').next().expect("a name");
        let toml = stage::scenarios().join(format!("{scenario}.toml"));
        assert!(toml.exists(), "{name} belongs to no scenario");
    }
}

/// `close` in a folder of its own, with a snapshot in which the client says something else.
fn changed(person: Person) -> TempDir {
    let folder = folder_of(person);
    let (uid, gid) = person.ids();
    let snapshots = folder.path().join("snapshots");
    fs::create_dir(&snapshots).expect("our folder");
    fs::copy(scenarios::path("close"), folder.path().join("close.toml")).expect("our folder");
    let stored =
        fs::read_to_string(stage::scenarios().join("snapshots/close.snap")).expect("it is there");
    let stored = stored.replacen("client 5 \"hello\"", "client 7 \"goodbye\"", 1);
    fs::write(snapshots.join("close.snap"), stored).expect("our folder");
    if stage::is_root() {
        for made in [snapshots.clone(), snapshots.join("close.snap")] {
            std::os::unix::fs::chown(made, Some(uid), Some(gid)).expect("root may");
        }
    }
    folder
}

fn without_ci(person: Person, folder: &Path, arguments: &[&str]) -> Outcome {
    run(lab_capture(person, folder).env_remove("CI").args(arguments))
}

fn a_changed_flow_is_shown_as_a_diff() {
    let folder = changed(Person::User);
    let outcome = without_ci(Person::User, folder.path(), &["--quiet", "close.toml"]);
    outcome.exits(1);
    let outcome = without_ci(Person::User, folder.path(), &["close.toml"]);
    outcome.exits(1);
    let text = outcome.redacted(folder.path());
    let finding = text.find("error:").expect("a finding");
    let frames = regex::Regex::new(r"\d+ frames").expect("a pattern");
    assert_snapshot(
        "a_changed_flow",
        &frames.replace_all(&text[finding..], "[N] frames"),
    );
    for line in ["-  client 7 \"goodbye\"", "+  client 5 \"hello\""] {
        assert!(
            outcome.stdout.contains(line),
            "{line} in {}",
            outcome.text()
        );
    }
    let pending = folder.path().join("snapshots/close.snap.new");
    let pending = insta::Snapshot::from_file(&pending).expect("waits for review");
    let right = insta::Snapshot::from_file(&stage::scenarios().join("snapshots/close.snap"));
    assert!(pending.contents() == right.expect("it is there").contents());
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("snapshots")).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

fn in_ci_nothing_is_written() {
    let folder = changed(Person::User);
    let before = fs::read(folder.path().join("snapshots/close.snap")).expect("our file");
    run(lab_capture(Person::User, folder.path()).arg("close.toml")).exits(1);
    assert_eq!(names(folder.path()), ["close.snap"]);
    assert_eq!(
        fs::read(folder.path().join("snapshots/close.snap")).expect("our file"),
        before
    );
}

fn what_matches_again_waits_no_longer() {
    let folder = changed(Person::User);
    without_ci(Person::User, folder.path(), &["close.toml"]).exits(1);
    assert_eq!(names(folder.path()), ["close.snap", "close.snap.new"]);
    fs::copy(
        stage::scenarios().join("snapshots/close.snap"),
        folder.path().join("snapshots/close.snap"),
    )
    .expect("our folder");
    without_ci(Person::User, folder.path(), &["close.toml"]).exits(0);
    assert_eq!(names(folder.path()), ["close.snap"]);
}

fn accept(person: Person) {
    let folder = changed(person);
    without_ci(person, folder.path(), &["close.toml"]).exits(1);
    let new = folder.path().join("snapshots/close.snap.new");
    assert_eq!(owner(&new), person.ids(), "who owns the snapshot to review");
    let outcome = without_ci(person, folder.path(), &["--accept", "close.toml"]);
    outcome.exits(0);
    assert_eq!(names(folder.path()), ["close.snap"]);
    let written = folder.path().join("snapshots/close.snap");
    assert_eq!(owner(&written), person.ids(), "who owns the snapshot");
    // To the byte: what `--accept` writes is what stands in the repository.
    assert_eq!(
        fs::read_to_string(&written).expect("our file"),
        fs::read_to_string(stage::scenarios().join("snapshots/close.snap")).expect("it is there")
    );
    without_ci(person, folder.path(), &["close.toml"]).exits(0);
    // A snapshot that was never there, in a folder that was never there.
    fs::remove_dir_all(folder.path().join("snapshots")).expect("our folder");
    without_ci(person, folder.path(), &["--accept", "close.toml"]).exits(0);
    assert_eq!(names(folder.path()), ["close.snap"]);
    for made in ["snapshots", "snapshots/close.snap"] {
        assert_eq!(
            owner(&folder.path().join(made)),
            person.ids(),
            "owner of {made}"
        );
    }
}

fn owner(path: &Path) -> (u32, u32) {
    let metadata = path
        .metadata()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    (metadata.uid(), metadata.gid())
}

fn a_file_that_is_no_snapshot_is_named() {
    let folder = changed(Person::User);
    fs::write(folder.path().join("snapshots/close.snap"), [0xff, 0xfe, 0]).expect("our file");
    let outcome = run(lab_capture(Person::User, folder.path()).arg("close.toml"));
    outcome.exits(3);
    assert_snapshot("no_snapshot_file", &outcome.redacted(folder.path()));
}
