//! The schema: current, and of one opinion with the loader.

use std::path::Path;

use serde_json::{Value, json};

use super::files::scenarios;
use crate::scenario::{schema, schema_text};

/// Does the value follow the schema? Knows just the words that our schema uses, and panics at any other.
fn valid(value: &Value, schema: &Value, root: &Value) -> bool {
    let rules = schema.as_object().unwrap();
    rules.iter().all(|(word, rule)| match word.as_str() {
        "$schema" | "title" | "description" | "definitions" | "examples" => true,
        "$ref" => {
            let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
            valid(value, root.pointer(pointer).unwrap(), root)
        }
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "boolean" => value.is_boolean(),
            other => panic!("type {other}"),
        },
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "minimum" => value.as_i64().is_none_or(|n| n >= rule.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|n| n <= rule.as_i64().unwrap()),
        "minLength" => value
            .as_str()
            .is_none_or(|s| s.chars().count() as u64 >= rule.as_u64().unwrap()),
        "maxLength" => value
            .as_str()
            .is_none_or(|s| s.chars().count() as u64 <= rule.as_u64().unwrap()),
        "pattern" => {
            let regex = regex::Regex::new(rule.as_str().unwrap()).unwrap();
            value.as_str().is_none_or(|s| regex.is_match(s))
        }
        "required" => rule
            .as_array()
            .unwrap()
            .iter()
            .all(|key| value.get(key.as_str().unwrap()).is_some()),
        "properties" => value.as_object().is_none_or(|table| {
            table
                .iter()
                .all(|(key, inner)| rule.get(key).is_none_or(|s| valid(inner, s, root)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|table| {
            let known = rules.get("properties").and_then(Value::as_object);
            table
                .iter()
                .filter(|(key, _)| !known.is_some_and(|k| k.contains_key(*key)))
                .all(|(_, inner)| match rule {
                    Value::Bool(allowed) => *allowed,
                    schema => valid(inner, schema, root),
                })
        }),
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|i| valid(i, rule, root))),
        "anyOf" => rule
            .as_array()
            .unwrap()
            .iter()
            .any(|s| valid(value, s, root)),
        "oneOf" => {
            rule.as_array()
                .unwrap()
                .iter()
                .filter(|s| valid(value, s, root))
                .count()
                == 1
        }
        other => panic!("the schema has a new word, `{other}`: teach it to this test"),
    })
}

fn of_toml(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

#[test]
fn the_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/schema.json");
    let stored = std::fs::read_to_string(path).unwrap();
    assert!(
        stored == schema_text(),
        "scenarios/schema.json is old: write it anew with `lab-capture schema > scenarios/schema.json`"
    );
}

#[test]
fn every_scenario_is_valid() {
    let schema = schema();
    for path in scenarios() {
        let value = of_toml(&std::fs::read_to_string(&path).unwrap());
        assert!(valid(&value, &schema, &schema), "{}", path.display());
    }
}

#[test]
fn what_the_first_pass_refuses_the_schema_refuses() {
    let schema = schema();
    let server = "[server]\nkind = \"select\"\n";
    let step = |step: &str| format!("{server}[[client]]\nsteps = [{step}]\n");
    let good = [
        server.to_owned(),
        step(
            "\"connect\", { send = { hex = \"00 ff\" }, limit = \"2s\" }, { wait = { queued = 3 } }",
        ),
        step("{ repeat = { times = 2, steps = [\"connect\", \"close\"] } }"),
        format!("{server}[sysctl]\nnet.ipv4.tcp_rmem = \"1 2 3\"\n"),
        format!(
            "{server}[expect]\nresets = 0\nbytes = {{ client = {{ min = 1 }} }}\nsegments = \"any\"\n"
        ),
        format!("{server}[[expect.packets]]\nfilter = \"tcp\"\ncount = {{ max = 3 }}\n"),
    ];
    let bad = [
        "[servr]\nkind = \"select\"\n".to_owned(),
        "[server]\nkind = \"selct\"\n".to_owned(),
        "[server]\nkind = \"select\"\nlisten = \"127.0.0.1\"\n".to_owned(),
        "[server]\nkind = \"select\"\nbacklog = \"5\"\n".to_owned(),
        "[server]\nkind = \"select\"\nbacklog = 70000\n".to_owned(),
        step("\"conect\""),
        step("5"),
        step("{ send = \"x\", recv = \"y\" }"),
        step("{ limit = \"2s\" }"),
        step("{ send = \"x\", limit = \"2\" }"),
        step("{ send = { hex = \"0\" } }"),
        step("{ send = \"x\", fails = \"EPIP\" }"),
        step("{ recv-message = true, fails = \"cutoff\" }"),
        step("{ repeat = { steps = [] } }"),
        step("{ repeat = { times = 2, steps = [\"conect\"] } }"),
        step("{ wait = { segment = \"FIN,AKC\" } }"),
        step("{ close = false }"),
        format!("{server}[expect]\nresets = -1\n"),
        format!("{server}[expect]\nresets = \"some\"\n"),
        format!("{server}[expect]\nclosed-by = \"clients\"\n"),
        format!("{server}[expect]\nfails = [\"program-faild\"]\n"),
        format!("{server}[[expect.connection]]\nresets = 0\n"),
        format!("{server}[[expect.packets]]\ncount = 0\n"),
        format!("{server}[[expect.time]]\nmeasure = \"speed\"\n"),
    ];
    for text in &good {
        assert!(valid(&of_toml(text), &schema, &schema), "{text}");
        super::ok(text);
    }
    for text in &bad {
        assert!(!valid(&of_toml(text), &schema, &schema), "{text}");
        super::errors(text);
    }
}

#[test]
fn the_validator_can_fail() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" } }, "additionalProperties": false });
    assert!(valid(&json!({ "a": 1 }), &schema, &schema));
    assert!(!valid(&json!({ "a": "1" }), &schema, &schema));
    assert!(!valid(&json!({ "b": 1 }), &schema, &schema));
}
