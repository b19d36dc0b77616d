//! No text that the loader does not survive.

use std::path::Path;

use proptest::prelude::*;

use super::files::scenarios;
use crate::scenario::{ScenarioError, parse};

/// Loads, and renders whatever was wrong: neither may panic. Every place lies in the text.
fn survives(text: &str) {
    match parse(Path::new("any.toml"), text.to_owned()) {
        Ok(mut scenario) => {
            scenario.notes();
            scenario.to_ipv6();
        }
        Err(error) => {
            assert!(!error.render(true).is_empty());
            if let ScenarioError::Invalid { diagnostics, .. } = error {
                assert!(!diagnostics.is_empty(), "refused without a reason: {text}");
                for d in diagnostics {
                    assert!(d.span.end <= text.len(), "{d:?} of {text}");
                }
            }
        }
    }
}

/// Pieces that real files are made of, put together at random.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "[server]\n",
        "[[server]]\n",
        "[[client]]\n",
        "[client]\n",
        "[expect]\n",
        "[link]\n",
        "[sysctl]\n",
        "kind = \"select\"\n",
        "kind = \"listen\"\n",
        "kind = \"none\"\n",
        "kind = \"udp\"\n",
        "name = \"a\"\n",
        "count = 3\n",
        "count = -1\n",
        "count = 9999999999999999999999\n",
        "listen = \"127.0.0.1:5000\"\n",
        "listen = \"[::1]:1\"\n",
        "handler = ",
        "steps = ",
        "[",
        "]",
        "{ ",
        " }",
        ", ",
        "\"connect\"",
        "\"close\"",
        "\"accept\"",
        "\"recv-eof\"",
        "\"shutdown-write\"",
        "send = ",
        "recv = ",
        "wait = ",
        "repeat = ",
        "times = 3",
        "steps = []",
        "steps = [\"close\"]",
        "\"hello\"",
        "\"é\u{1F600}\"",
        "5",
        "true",
        "1.5",
        "1979-05-27",
        "hex = \"0\"",
        "hex = \"00\"",
        "pattern = 5",
        "fails = \"EPIPE\"",
        "fails = \"cut-off\"",
        "limit = \"2s\"",
        "limit = \"2\"",
        "framing = { prefix = 3 }\n",
        "framing = { delimiter = \"\" }\n",
        "net.ipv4.x = 1\n",
        "actor = \"a\"",
        "event = \"accept\"",
        "segment = \"FIN\"",
        "queued = 5",
        "barrier = \"b\"",
        "kill = \"a\"",
        "\n",
        "# x\n",
        "command = [\"x\"]\n",
        "udp = true\n",
        "send-message = \"x\"",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..40).prop_map(|v| v.concat())
}

/// A scenario of the repository with a few bytes exchanged, taken away or doubled.
fn mutated() -> impl Strategy<Value = String> {
    let texts: Vec<String> = scenarios()
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let change = (any::<prop::sample::Index>(), 0..4_u8, "\\PC");
    (
        prop::sample::select(texts),
        prop::collection::vec(change, 1..6),
    )
        .prop_map(|(text, changes)| {
            let mut chars: Vec<char> = text.chars().collect();
            for (index, what, other) in changes {
                let at = index.index(chars.len());
                match what {
                    0 => chars[at] = other.chars().next().unwrap_or('x'),
                    1 if chars.len() > 1 => drop(chars.remove(at)),
                    2 => chars.insert(at, chars[at]),
                    _ => chars.truncate(at.max(1)),
                }
            }
            chars.into_iter().collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn any_pieces(text in pieces()) {
        survives(&text);
    }

    #[test]
    fn any_mutation(text in mutated()) {
        survives(&text);
    }
}
