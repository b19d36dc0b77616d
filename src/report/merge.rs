//! The reports of several shards made one.
//!
//! Shards run side by side, so the whole took as long as the slowest of them.

use std::io::{BufRead, Read, Write};
use std::time::Duration;

use quick_junit::Report;
use serde_json::{Map, Value};

/// Why reports could not be merged. `input` is the name that the caller gave to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// It could not be read.
    #[error("{input}: cannot be read")]
    Read {
        /// The file.
        input: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line is no record.
    #[error("{input}, line {line}: not a record of a JSON Lines report ({why})")]
    Record {
        /// The file.
        input: String,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// It is no JUnit report.
    #[error("{input}: not a JUnit report")]
    Junit {
        /// The file.
        input: String,
        /// Why.
        #[source]
        source: quick_junit::DeserializeError,
    },
    /// The merged report could not be written.
    #[error("the merged report cannot be written")]
    Write(#[source] std::io::Error),
    /// The merged JUnit report could not be written.
    #[error("the merged report cannot be written")]
    WriteJunit(#[source] quick_junit::SerializeError),
}

/// Merges JSON Lines: all records in the order of the inputs, one `summary` of all at the end.
///
/// # Errors
/// [`MergeError`], at the first input that is not what it should be.
pub fn json<'a>(
    inputs: impl IntoIterator<Item = (&'a str, &'a mut dyn BufRead)>,
    out: &mut dyn Write,
) -> Result<(), MergeError> {
    let mut sum = Map::new();
    for (name, input) in inputs {
        for (index, line) in input.lines().enumerate() {
            let line = line.map_err(|source| MergeError::Read {
                input: name.to_owned(),
                source,
            })?;
            if line.trim().is_empty() {
                continue;
            }
            let record = record(&line).map_err(|why| MergeError::Record {
                input: name.to_owned(),
                line: index + 1,
                why,
            })?;
            if record["type"] == "summary" {
                add(&mut sum, record);
            } else {
                // The text itself: a number would lose digits on the way through a float.
                writeln!(out, "{line}").map_err(MergeError::Write)?;
            }
        }
    }
    if !sum.is_empty() {
        let summary = Value::Object(sum);
        writeln!(out, "{summary}").map_err(MergeError::Write)?;
    }
    Ok(())
}

fn record(line: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(record)) if record.get("type").is_some_and(Value::is_string) => Ok(record),
        Ok(_) => Err("an object with a \"type\" is wanted".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Counts are added, the time is the longest.
fn add(sum: &mut Map<String, Value>, summary: Map<String, Value>) {
    for (key, value) in summary {
        let before = sum.get(&key);
        let merged = match (before, &value) {
            (Some(before), new) if key == "elapsed" => {
                let longest = f64::max(
                    before.as_f64().unwrap_or_default(),
                    new.as_f64().unwrap_or_default(),
                );
                Value::from(longest)
            }
            (Some(before), new) if new.is_u64() => {
                Value::from(before.as_u64().unwrap_or_default() + new.as_u64().unwrap_or_default())
            }
            _ => value,
        };
        sum.insert(key, merged);
    }
}

/// Merges JUnit reports: test suites of one name become one.
///
/// # Errors
/// [`MergeError`], at the first input that is not what it should be.
pub fn junit<'a>(
    inputs: impl IntoIterator<Item = (&'a str, &'a mut dyn Read)>,
    out: &mut dyn Write,
) -> Result<(), MergeError> {
    let mut merged = Report::new("lab-capture");
    for (name, input) in inputs {
        let report = Report::deserialize(std::io::BufReader::new(input)).map_err(|source| {
            MergeError::Junit {
                input: name.to_owned(),
                source,
            }
        })?;
        merged.time = longest(merged.time, report.time);
        for mut suite in report.test_suites {
            match merged.test_suites.iter_mut().find(|s| s.name == suite.name) {
                None => {
                    merged.add_test_suite(suite);
                }
                Some(known) => {
                    known.time = longest(known.time, suite.time);
                    for case in suite.test_cases.drain(..) {
                        known.add_test_case(case);
                    }
                    known.properties.append(&mut suite.properties);
                }
            }
        }
    }
    recount(&mut merged);
    merged.serialize(out).map_err(MergeError::WriteJunit)
}

fn longest(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.max(b)
}

/// The report's own counts, from those of its suites.
fn recount(report: &mut Report) {
    let suites = &report.test_suites;
    report.tests = suites.iter().map(|s| s.tests).sum();
    report.failures = suites.iter().map(|s| s.failures).sum();
    report.errors = suites.iter().map(|s| s.errors).sum();
    report.skipped = suites.iter().map(|s| s.skipped).sum();
}
