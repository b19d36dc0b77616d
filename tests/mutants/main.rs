//! Mutants: every expectation is broken on purpose, and must be caught; what is said then is under
//! snapshot. The built program runs all of them at once, and once more as they should be.

mod table;
mod talks;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::Value;
use table::{Certainty, MUTANTS, Mutant};

/// The verdict record of each scenario, by name.
type Verdicts = HashMap<String, Value>;

fn write(folder: &Path, mutant: &Mutant, talk: &str) {
    // Keys of the file's own table, then `[expect]`, then what is expected.
    let text = format!("{talk}\n[expect]\nsnapshot = false\n{}\n", mutant.expect);
    std::fs::write(folder.join(format!("{}.toml", mutant.name)), text).unwrap();
}

fn run(name: &str, talk: impl Fn(&Mutant) -> &'static str) -> Verdicts {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join(name);
    std::fs::create_dir(&scenarios).unwrap();
    std::fs::write(scenarios.join("world.bin"), "world").unwrap();
    for mutant in MUTANTS {
        write(&scenarios, mutant, talk(mutant));
    }
    let json = folder.path().join("out.json");
    let output = Command::new(env!("CARGO_BIN_EXE_lab-capture"))
        .args(["--jobs", "4", "--quiet", "--capture-dir"])
        .arg(folder.path().join("captures"))
        .arg("--json")
        .arg(&json)
        .arg(&scenarios)
        .env("CI", "true")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let text = std::fs::read_to_string(&json).unwrap_or_else(|e| panic!("{e}\n{said}"));
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let verdicts: Verdicts = records
        .filter(|record| record["type"] == "verdict")
        .map(|record| (record["scenario"].as_str().unwrap().to_owned(), record))
        .collect();
    assert_eq!(verdicts.len(), MUTANTS.len(), "{said}");
    verdicts
}

/// What differs from run to run: frames (pure ACKs come or not), times, ports.
fn redact(text: &str) -> String {
    let rules = [
        (r"(?m)(^|[ (,])#\d+", "${1}#N"),
        (r"-?\d+(\.\d+)? (ms|s)\b", "N $2"),
        (r"127\.0\.0\.1:[1-9]\d{4}", "127.0.0.1:PORT"),
        // How often the kernel sends again, or says that a window is 0, depends on its timers.
        (r"\d+ (segment|retransmission|SYN)s?\b", "N ${1}s"),
        (r"(?m)^(actual: )\d+$", "${1}N"),
        (r"/\S*/wrong/", "FOLDER/"),
        // Tracebacks show the lines of `python3 -c` since Python 3.13.
        (r"(?m)^\| {5}raise .*\n", ""),
    ];
    rules
        .into_iter()
        .fold(text.to_owned(), |text, (rule, with)| {
            Regex::new(rule)
                .unwrap()
                .replace_all(&text, with)
                .into_owned()
        })
}

fn shown(mutant: &Mutant, verdict: &Value) -> String {
    let text = std::iter::once(format!(
        "{}: {}\n",
        mutant.name,
        verdict["verdict"].as_str().unwrap()
    ));
    let findings = verdict["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let mut out = format!(
                "{}: {}\n",
                word(&finding["code"]),
                word(&finding["message"])
            );
            for key in ["expected", "actual", "connection"] {
                if let Some(text) = finding[key].as_str() {
                    out.push_str(&format!("{key}: {text}\n"));
                }
            }
            if finding["frames"]
                .as_array()
                .is_some_and(|frames| !frames.is_empty())
            {
                out.push_str("frames: some\n");
            }
            let certain = !matches!(mutant.cause, Some((_, Certainty::IfAny)));
            if let (Some(text), true) = (finding["cause"]["text"].as_str(), certain) {
                let proven = finding["cause"]["proven"] == true;
                let title = if proven { "cause" } else { "consistent with" };
                out.push_str(&format!("{title}: {text}\n"));
            }
            for note in finding["notes"].as_array().unwrap() {
                out.push_str(&format!("note: {}\n", word(note)));
            }
            out
        });
    redact(&text.chain(findings).collect::<Vec<_>>().join("\n"))
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn every_mutant_is_caught() {
    let verdicts = run("wrong", |mutant| mutant.wrong);
    let mut missed = vec![];
    let mut book = String::new();
    for mutant in MUTANTS {
        let verdict = &verdicts[mutant.name];
        let findings = verdict["findings"].as_array().unwrap();
        let found = findings
            .iter()
            .find(|finding| finding["code"] == mutant.code);
        let text = shown(mutant, verdict);
        match found {
            None => missed.push(format!("not caught as `{}`:\n{text}", mutant.code)),
            Some(finding) => {
                let cause = redact(word(&finding["cause"]["text"]));
                let proven = finding["cause"]["proven"] == true;
                let told = match mutant.cause {
                    None => cause.is_empty(),
                    Some((wanted, certainty)) => {
                        let sure = match certainty {
                            Certainty::Proven => proven,
                            Certainty::Consistent => !proven,
                            Certainty::IfAny => true,
                        };
                        let may_miss = certainty == Certainty::IfAny && cause.is_empty();
                        may_miss || cause.contains(wanted) && sure
                    }
                };
                if !told {
                    missed.push(format!("its cause should be {:?}:\n{text}", mutant.cause));
                }
            }
        }
        book.push_str(&text);
        book.push('\n');
    }
    let caught = MUTANTS.len() - missed.len();
    println!("{caught} of {} mutants caught", MUTANTS.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    insta::assert_snapshot!("mutants", book);
}

#[test]
fn what_is_right_passes() {
    let verdicts = run("right", |mutant| mutant.right);
    let wrong: Vec<String> = MUTANTS
        .iter()
        .filter(|mutant| verdicts[mutant.name]["verdict"] != "passed")
        .map(|mutant| shown(mutant, &verdicts[mutant.name]))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a broken program shows is no model: `--accept` writes nothing, and changes nothing.
#[test]
fn what_must_fail_is_never_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "{}\n[expect]\nfails = [\"resets\"]\nresets = 0\n",
        talks::LINGER
    );
    std::fs::write(folder.path().join("broken.toml"), text).unwrap();
    let accept = || {
        let output = Command::new(env!("CARGO_BIN_EXE_lab-capture"))
            .args(["--quiet", "--accept", "--capture-dir"])
            .arg(folder.path().join("captures"))
            .arg(folder.path().join("broken.toml"))
            .env_remove("CI")
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (code, said) = accept();
    assert_eq!(code, Some(0), "{said}");
    let snapshots = folder.path().join("snapshots");
    assert!(!snapshots.exists());
    // One that is there is compared with, and stays as it is.
    std::fs::create_dir(&snapshots).unwrap();
    let stored = "---\nsource: broken.toml\nexpression: flow\n---\nclient-1\n  another flow\n";
    std::fs::write(snapshots.join("broken.snap"), stored).unwrap();
    let (code, said) = accept();
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(
        std::fs::read_to_string(snapshots.join("broken.snap")).unwrap(),
        stored
    );
    assert_eq!(std::fs::read_dir(&snapshots).unwrap().count(), 1);
}
