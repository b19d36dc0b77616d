//! JSON Schema of the scenario file, made from the tables of words: editors complete and check with it.

use serde_json::{Map, Value, json};

use super::words::{
    ERRNOS, FILE, FLAGS, FRAME_FAULTS, Form, Key, STEP, Shape, Table, Tagged, Word,
};

/// The schema (draft 7, which editors of TOML understand) of a scenario file.
pub fn schema() -> Value {
    let mut root = table(&FILE);
    let step = tagged(&STEP);
    let head = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "lab-capture scenario",
        "description": "Who talks to whom over the lab's loopback interface, and what is expected on the wire.",
        "definitions": { "step": step },
    });
    if let (Value::Object(root), Value::Object(head)) = (&mut root, head) {
        root.extend(head);
    }
    root
}

/// [`schema`] as the text of a file.
pub fn schema_text() -> String {
    // Values made above have no keys but texts: this cannot fail.
    let mut text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
    text.push('\n');
    text
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::True => json!({ "const": true }),
        Shape::False => json!({ "const": false }),
        Shape::Int { min, max } => {
            let mut out = json!({ "type": "integer" });
            if *min != i64::MIN {
                out["minimum"] = json!(min);
            }
            if *max != i64::MAX {
                out["maximum"] = json!(max);
            }
            out
        }
        Shape::Text => json!({ "type": "string" }),
        Shape::Form(of) => form(*of),
        Shape::Words(words) => one_word(words),
        Shape::List(of) => json!({ "type": "array", "items": self::shape(of) }),
        Shape::OneOrMany(of) => {
            let one = table(of);
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
        Shape::Table(of) => table(of),
        Shape::Map(of) => {
            // Dotted keys are tables in tables.
            let leaf = self::shape(of);
            json!({ "type": "object", "additionalProperties": { "anyOf": [leaf, { "type": "object" }] } })
        }
        Shape::Tagged(of) if std::ptr::eq(*of, &STEP) => {
            json!({ "$ref": "#/definitions/step" })
        }
        Shape::Tagged(of) => tagged(of),
        Shape::Any(shapes) => {
            json!({ "anyOf": shapes.iter().map(self::shape).collect::<Vec<_>>() })
        }
    }
}

fn form(form: Form) -> Value {
    let name = "[A-Za-z0-9_][A-Za-z0-9_.-]*";
    let address = "(.*:[0-9]+)";
    let flag = format!("({})", FLAGS.join("|"));
    match form {
        Form::Duration => {
            json!({ "type": "string", "pattern": "^[0-9]+ *(us|µs|ms|s|m|min)$", "examples": ["500ms", "2s"] })
        }
        Form::Address => {
            json!({ "type": "string", "pattern": format!("^{address}$"), "examples": ["127.0.0.1:5000"] })
        }
        Form::Target => {
            json!({ "type": "string", "pattern": format!("^({address}|{name})$"), "examples": ["server", "127.0.0.1:5000"] })
        }
        Form::Hex => {
            json!({ "type": "string", "pattern": "^( *[0-9A-Fa-f]{2})+ *$", "examples": ["00 ff"] })
        }
        Form::Fault => {
            let faults = FRAME_FAULTS.iter().map(|fault| fault.word);
            let names: Vec<&str> = ERRNOS.iter().copied().chain(faults).collect();
            json!({ "type": "string", "enum": names })
        }
        Form::Name => json!({ "type": "string", "maxLength": 64, "pattern": format!("^{name}$") }),
        Form::Path => json!({ "type": "string", "minLength": 1 }),
        Form::Flags => {
            json!({ "type": "string", "pattern": format!("^ *{flag} *(, *{flag} *)*$"), "examples": ["FIN,ACK"] })
        }
    }
}

fn one_word(words: &[Word]) -> Value {
    let each: Vec<Value> = words
        .iter()
        .map(|w| json!({ "const": w.word, "description": w.doc }))
        .collect();
    json!({ "oneOf": each })
}

fn properties<'k>(keys: impl Iterator<Item = &'k Key>) -> Value {
    let mut out = Map::new();
    for key in keys {
        let mut value = shape(key.shape);
        value["description"] = json!(format!("{}\n\nFor example: {}", key.doc, key.example));
        out.insert(key.name.to_owned(), value);
    }
    Value::Object(out)
}

fn table(table: &Table) -> Value {
    let required: Vec<&str> = table
        .keys
        .iter()
        .filter(|k| k.required)
        .map(|k| k.name)
        .collect();
    let mut out = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties(table.keys.iter()),
    });
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    out
}

fn tagged(tagged: &Tagged) -> Value {
    let one: Vec<Value> = tagged
        .tags
        .iter()
        .map(|k| json!({ "required": [k.name] }))
        .collect();
    let object = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties(tagged.tags.iter().chain(tagged.options)),
        "oneOf": one,
    });
    if tagged.words.is_empty() {
        object
    } else {
        json!({ "anyOf": [one_word(tagged.words), object] })
    }
}
