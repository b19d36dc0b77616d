//! `docs/json.md` tells every key that the JSON records have, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::block::{read, repository};

const DOCUMENT: &str = "docs/json.md";

/// The heading above the keys that all kinds of records may have.
const SEVERAL: &str = "several runs of one scenario";

/// One.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test("json::docs/json.md", keys)]
}

/// Keys by kind of record; `a.b` is a key of the object `a`, or of each object in the list `a`.
type Keys = BTreeMap<String, BTreeSet<String>>;

fn keys() -> Result<(), Failed> {
    let mut real = Keys::new();
    let captures = tempfile::tempdir()?;
    let captures = captures.path().to_string_lossy().into_owned();
    // One that is as it should be, one with findings and their cause, one of datagrams.
    let run = "run --quiet --json - --capture-dir";
    let scenarios = ["close", "python-dies", "udp-nobody"].map(|s| format!("scenarios/{s}.toml"));
    let words = run.split(' ').chain([captures.as_str()]);
    records(
        0,
        words.chain(scenarios.iter().map(String::as_str)),
        &mut real,
    )?;
    // Several runs of one: repeated, and tried again because it has no snapshot.
    let missing = format!("{captures}/missing.toml");
    std::fs::copy(repository().join("scenarios/close.toml"), &missing)?;
    for again in ["--repeat", "--retries"] {
        let words = run
            .split(' ')
            .chain([captures.as_str(), again, "2", &missing]);
        records(1, words, &mut real)?;
    }
    for sample in ["close", "udp-nobody"] {
        let file = format!("captures/samples/{sample}.pcap");
        records(0, ["show", "--json", file.as_str()].into_iter(), &mut real)?;
    }

    let mut told = told(&read(DOCUMENT));
    let which = told.remove(SEVERAL).unwrap_or_default();
    for (_, told) in told.iter_mut().filter(|(kind, _)| *kind != "summary") {
        told.extend(which.iter().cloned());
    }
    let mut wrong = String::new();
    for (kind, real) in &real {
        let told = told.get(kind).cloned().unwrap_or_default();
        for key in real.difference(&told) {
            wrong += &format!("{DOCUMENT} does not tell `{key}` of `{kind}`\n");
        }
        for key in told.difference(real) {
            wrong += &format!("{DOCUMENT}: no `{kind}` has `{key}`\n");
        }
    }
    let unknown = told.keys().filter(|kind| !real.contains_key(*kind));
    wrong.extend(unknown.map(|kind| format!("{DOCUMENT}: there is no `{kind}`\n")));
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.into()),
    }
}

/// The keys of all records that a command of ours prints before it ends with this exit code.
fn records<'a>(
    code: i32,
    words: impl Iterator<Item = &'a str>,
    into: &mut Keys,
) -> Result<(), Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_lab-capture"))
        .args(words)
        .current_dir(repository())
        .env("CI", "true")
        .env_remove("GITHUB_ACTIONS")
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    if output.status.code() != Some(code) {
        return Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    // The verdict lines stand there as well.
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let Value::Object(record) = serde_json::from_str(line)? else {
            return Err(line.into());
        };
        let kind = record["type"].as_str().ok_or("a record has a type")?;
        let keys = into.entry(kind.to_owned()).or_default();
        for (key, value) in record.iter().filter(|(key, _)| *key != "type") {
            walk(key, value, keys);
        }
    }
    Ok(())
}

fn walk(path: &str, value: &Value, keys: &mut BTreeSet<String>) {
    // Findings are the same wherever they stand.
    let path = &path.replace("foreseen.", "findings.");
    match value {
        // `op` has the words of the flow, not keys.
        Value::Object(object) if path != "op" => {
            for (key, value) in object {
                walk(&format!("{path}.{key}"), value, keys);
            }
        }
        Value::Array(list) if list.first().is_some_and(Value::is_object) => {
            // The list itself is told, too, where its objects have a table of their own.
            if ["findings", "foreseen"].contains(&path.as_str()) {
                keys.insert(path.clone());
            }
            list.iter().for_each(|value| walk(path, value, keys));
        }
        // Objects that are not there; another record shows their keys.
        Value::Array(list) if list.is_empty() && path == "others" => {}
        Value::Null if path == "findings.cause" => {}
        _ => {
            keys.insert(path.clone());
        }
    }
}

/// The keys in the first column of the document's tables, by the heading above.
fn told(text: &str) -> Keys {
    let mut keys = Keys::new();
    let mut kind = None;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            kind = Some(heading.to_owned());
        }
        let cell = line.strip_prefix("| `").and_then(|l| l.split(" | ").next());
        if let (Some(kind), Some(cell)) = (&kind, cell) {
            let names = cell
                .split(", ")
                .map(|name| name.trim_matches(['`', ' ', '|']));
            let known = keys.entry(kind.clone()).or_default();
            known.extend(names.map(str::to_owned));
        }
    }
    keys
}
