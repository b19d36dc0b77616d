//! What a person is told, whole: every message that a wrong file can give.

use std::path::Path;

use super::{errors, messages, with_steps};
use crate::scenario::{Source, Weight, caret, parse};

/// The messages as they are shown.
fn shown(text: &str) -> String {
    parse(Path::new("test.toml"), text.to_owned())
        .map(|_| ())
        .expect_err("it must not load")
        .render(false)
}

macro_rules! shows {
    ($name:literal, $text:expr) => {
        insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!($name, shown($text));
        })
    };
}

#[test]
fn unknown_key() {
    shows!(
        "unknown_key",
        "[server]\nkind = \"select\"\nlissten = \"127.0.0.1:5000\"\n"
    );
}

#[test]
fn unknown_key_near_nothing() {
    shows!(
        "unknown_key_near_nothing",
        "[server]\nkind = \"select\"\n\n[link]\ncolour = \"red\"\n"
    );
}

#[test]
fn unknown_word() {
    shows!("unknown_word", "[server]\nkind = \"epol\"\n");
}

#[test]
fn wrong_type() {
    shows!(
        "wrong_type",
        "[server]\nkind = \"select\"\nbacklog = \"5\"\n"
    );
}

#[test]
fn no_server() {
    shows!(
        "no_server",
        "[[client]]\nsteps = [\"connect\", \"close\"]\n"
    );
}

#[test]
fn nobody_at_all() {
    shows!("nobody_at_all", "title = \"quiet\"\n");
}

#[test]
fn two_clients_of_one_name() {
    shows!(
        "two_clients_of_one_name",
        "[server]\nkind = \"select\"\n\n[[client]]\nname = \"ann\"\nsteps = [\"connect\"]\n\n[[client]]\nname = \"ann\"\nsteps = [\"connect\"]\n"
    );
}

#[test]
fn a_count_meets_a_name() {
    shows!(
        "a_count_meets_a_name",
        "[server]\nkind = \"select\"\n\n[[client]]\nname = \"client-2\"\nsteps = [\"connect\"]\n\n[[client]]\nname = \"client\"\ncount = 3\nsteps = [\"connect\"]\n"
    );
}

#[test]
fn a_step_that_cannot_be() {
    shows!(
        "a_step_that_cannot_be",
        &with_steps("[{ send = \"hello\" }, \"connect\"]")
    );
}

#[test]
fn a_step_after_the_end() {
    shows!(
        "a_step_after_the_end",
        &with_steps("[\n    \"connect\",\n    \"close\",\n    { recv = \"hello\" },\n]")
    );
}

#[test]
fn sending_after_fin() {
    shows!(
        "sending_after_fin",
        &with_steps("[\n    \"connect\",\n    \"shutdown-write\",\n    { send = \"more\" },\n]")
    );
}

#[test]
fn misspelt_step() {
    shows!(
        "misspelt_step",
        &with_steps("[\"conect\", { sned = \"x\" }]")
    );
}

#[test]
fn syntax() {
    shows!("syntax", "[server\nkind = \"select\"\n");
}

#[test]
fn several_at_once() {
    shows!(
        "several_at_once",
        r#"titel = "x"

[server]
kind = "selct"
listen = "127.0.0.1"
backlog = "5"

[[client]]
steps = ["connect", { send = { hex = "0g" } }, { send = "x", limt = "2s" }, { recv = "y", limit = "2" }]

[[client]]
name = "bob"
steps = [{ send = "x", recv = "y" }, "send", 5]

[[client]]
name = "bob"
"#
    );
}

#[test]
fn a_caret_for_anything() {
    let source = Source {
        path: "test.toml".into(),
        text: "title = \"é\"\nkind = 1\n".into(),
    };
    let shown = caret(
        &source,
        &(20..21),
        Weight::Error,
        "the flow differs",
        "expected by this",
        false,
    );
    insta::assert_snapshot!(shown, @r"
    error: the flow differs
     --> test.toml:2:8
      |
    2 | kind = 1
      |        ^ expected by this
    ");
    // Whatever the span is, it is only shown.
    let backwards = std::ops::Range { start: 5, end: 2 };
    for span in [10..11, 0..0, backwards, 22..22, 1000..2000] {
        assert!(caret(&source, &span, Weight::Note, "m", "l", false).contains("m"));
    }
    let colour = caret(&source, &(20..21), Weight::Error, "m", "l", true);
    assert!(colour.contains('\u{1b}'));
    assert!(!shown.contains('\u{1b}'));
}

/// One line for each thing that is wrong in each of these files.
fn table(files: &[(&str, String)]) -> String {
    let entries: Vec<String> = files
        .iter()
        .map(|(name, text)| format!("{name}\n    {}", messages(text).replace('\n', "\n    ")))
        .collect();
    entries.join("\n")
}

macro_rules! table {
    ($name:literal, $files:expr) => {
        insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!($name, table(&$files));
        })
    };
}

#[test]
fn steps_that_cannot_be() {
    let step = |steps: &str| (format!("steps = {steps}"), with_steps(steps));
    let files: Vec<(String, String)> = [
        "[\"close\"]",
        "[\"reset\"]",
        "[{ recv = 5 }]",
        "[{ wait = \"peer-fin\" }]",
        "[\"connect\", \"connect\"]",
        "[\"connect\", \"reset\", { send = \"x\" }]",
        "[\"connect\", \"close\", \"close\"]",
        "[\"connect\", \"close\", { wait = \"acked\" }]",
        "[\"connect\", { bind = 40000 }]",
        "[\"connect\", \"recv-eof\", { recv = 5 }]",
        "[\"connect\", \"recv-eof\", \"recv-eof\"]",
        "[\"connect\", \"shutdown-both\", \"shutdown-write\"]",
        "[\"connect\", \"accept\"]",
        "[\"connect\", \"close-listener\"]",
        "[\"connect\", { send-message = \"x\" }]",
        "[\"connect\", \"recv-message\"]",
        "[\"connect\", { kill = \"server\" }]",
        "[\"connect\", { kill = \"sever\" }]",
        "[\"connect\", { set = {} }]",
        "[\"connect\", { recv = \"\" }]",
        "[{ connect = \"sever\" }]",
        "[{ wait = { actor = \"client-1\", event = \"send\" } }]",
        "[{ wait = { actor = \"client-7\", event = \"send\" } }]",
        "[{ wait = { event = \"send\" } }]",
        "[{ wait = { segment = \"FIN\" } }, \"connect\"]",
        "[{ wait = { actor = \"server\", event = \"acept\" } }]",
        "[{ wait = { actor = \"server\", event = \"accept\", from = \"client\" } }]",
        "[\"connect\", { wait = { queued = 5, times = 2 } }]",
        "[\"connect\", { wait = { segment = \"FIN\", connection = \"cleint-1\" } }]",
        "[\"connect\", { barrier = \"b\" }]",
        "[\"connect\", { repeat = { times = 2, steps = [\"close\"] } }]",
        "[{ repeat = { times = 1000000, steps = [{ repeat = { times = 1000000, steps = [\"connect\", \"close\"] } }] } }]",
    ]
    .iter()
    .map(|s| step(s))
    .collect();
    let files: Vec<(&str, String)> = files.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    table!("steps_that_cannot_be", files);
}

#[test]
fn steps_that_can_be() {
    for steps in [
        "[\"connect\", \"close\", \"connect\", { send = \"x\" }, \"close\"]",
        "[\"connect\", \"reset\", { set = { nodelay = true } }, { bind = 40000 }, \"connect\"]",
        "[{ repeat = { times = 2, steps = [\"connect\", \"close\"] } }]",
        "[\"connect\", \"shutdown-write\", { send = \"x\", fails = \"EPIPE\" }, \"recv-eof\", \"close\"]",
        "[{ connect = true, fails = \"ECONNREFUSED\" }, \"connect\", \"close\"]",
        "[{ connect = true, fails = \"ECONNREFUSED\" }, \"close\"]",
        "[{ send = \"x\", fails = \"EPIPE\" }]",
        "[\"connect\", \"shutdown-read\", { recv = \"x\" }, \"shutdown-write\"]",
        "[{ wait = { actor = \"server\", event = \"accept\" } }]",
    ] {
        super::ok(&with_steps(steps));
    }
}

#[test]
fn tables_that_contradict_themselves() {
    let server = |rest: &str| format!("[server]\n{rest}\n");
    let select = |rest: &str| format!("[server]\nkind = \"select\"\n{rest}\n");
    let client = |rest: &str| format!("[server]\nkind = \"select\"\n[[client]]\n{rest}\n");
    let framed = |framing: &str, step: &str| {
        client(&format!(
            "framing = {framing}\nsteps = [\"connect\", {step}]"
        ))
    };
    let files = [
        ("no kind", server("listen = \"127.0.0.1:5000\"")),
        ("kind and command", server("kind = \"select\"\ncommand = [\"x\"]")),
        ("stdin without command", select("stdin = [\"x\"]")),
        ("no program", server("command = []")),
        ("environment", server("command = [\"x\"]\nenv = { \"A=B\" = \"c\" }")),
        ("descriptors of a thread", select("descriptors = 64")),
        ("forking and chatting", server("kind = \"forking\"\nhandler = \"chat\"")),
        ("a process and others", select("process = true\nhandler = [{ wait = { actor = \"server\", event = \"accept\" } }, { wait = { segment = \"FIN\" } }]")),
        ("forking in a thread", server("kind = \"forking\"\nprocess = false")),
        ("to itself", select("handler = { forward = \"127.0.0.1:5000\" }")),
        ("handler of a listener", server("kind = \"listen\"\nhandler = \"echo\"")),
        ("chat over UDP", server("kind = \"udp\"\nhandler = \"chat\"")),
        ("steps over UDP", server("kind = \"udp\"\nhandler = [{ recv = 1 }]")),
        ("a server connects", select("handler = [\"connect\"]")),
        ("a server at a barrier", select("handler = [{ barrier = \"x\" }]")),
        ("accept in a handler", select("handler = [\"accept\"]")),
        ("accept twice", server("kind = \"listen\"\nhandler = [\"accept\", \"accept\"]")),
        ("accept after the end", server("kind = \"listen\"\nhandler = [\"close-listener\", \"accept\", \"close\"]")),
        ("recv before accept", server("kind = \"listen\"\nhandler = [{ recv = 1 }]")),
        ("no steps", client("")),
        ("steps and command", client("command = [\"x\"]\nsteps = [\"connect\"]")),
        ("unknown server", client("server = \"sever\"\nsteps = [\"connect\"]")),
        ("UDP to TCP", client("udp = true\nsteps = [\"connect\"]")),
        ("TCP to UDP", "[server]\nkind = \"udp\"\n[[client]]\nsteps = [\"connect\"]\n".into()),
        ("FIN over UDP", "[server]\nkind = \"udp\"\n[[client]]\nudp = true\nsteps = [\"connect\", \"shutdown-write\"]\n".into()),
        ("too many", client("count = 10001\nsteps = [\"connect\"]")),
        ("none", client("count = 0\nsteps = [\"connect\"]")),
        ("one port for two", client("count = 2\nsteps = [{ bind = 40000 }, \"connect\"]")),
        ("bad name", client("name = \"a b\"\nsteps = [\"connect\"]")),
        ("which server", "[[server]]\nkind = \"select\"\n[[server]]\nkind = \"select\"\nlisten = \"127.0.0.1:5001\"\n[[client]]\nsteps = [\"connect\"]\n".into()),
        ("one address for two", "[[server]]\nkind = \"select\"\n[[server]]\nkind = \"poll\"\n".into()),
        ("one name for two servers", "[[server]]\nkind = \"select\"\n[[server]]\nname = \"server\"\nkind = \"poll\"\nlisten = \"127.0.0.1:5001\"\n".into()),
        ("client called server", client("name = \"server\"\nsteps = [\"connect\"]")),
        ("fixed, too long", framed("{ fixed = 4 }", "{ send-message = \"hello\" }")),
        ("fixed, too short", framed("{ fixed = 4 }", "{ recv-message = \"abc\" }")),
        ("holds its delimiter", framed("{ delimiter = \";\" }", "{ send-message = \"a;b\" }")),
        ("longer than its prefix", framed("{ prefix = 1 }", "{ send-message = { pattern = 256 } }")),
        ("prefix of three", framed("{ prefix = 3 }", "\"close\"")),
        ("prefix cannot say", framed("{ prefix = { width = 2, max = 65536 } }", "\"close\"")),
        ("no delimiter", framed("{ delimiter = \"\" }", "\"close\"")),
        ("message in a stream", framed("\"stream\"", "\"recv-message\"")),
        ("program's calls", "[server]\ncommand = [\"x\"]\n[[client]]\nsteps = [{ wait = { actor = \"server\", event = \"accept\" } }]\n".into()),
        ("setting of the machine", select("[sysctl]\nkernel.hostname = \"x\"")),
        ("setting by a path", select("[sysctl]\n\"net./../../x\" = 1")),
    ];
    table!("tables_that_contradict_themselves", files);
}

#[test]
fn values_that_follow_no_rule() {
    let listen = |address: &str| format!("[server]\nkind = \"select\"\nlisten = \"{address}\"\n");
    let limit = |limit: &str| format!("limit = \"{limit}\"\n[server]\nkind = \"select\"\n");
    let send = |value: &str| with_steps(&format!("[\"connect\", {{ send = {value} }}]"));
    let fails = |value: &str| with_steps(&format!("[{{ connect = true, fails = \"{value}\" }}]"));
    let files = [
        ("no port", listen("127.0.0.1")),
        ("no port, IPv6", listen("::1")),
        ("a name", listen("localhost:5000")),
        ("port 0", listen("127.0.0.1:0")),
        ("another host", listen("192.0.2.1:80")),
        ("no address", listen("here")),
        ("no unit", limit("5")),
        ("no number", limit("s")),
        ("unknown unit", limit("5 days")),
        ("no time", limit("0s")),
        ("forever", limit("99999999999999999999s")),
        ("two hours", limit("120m")),
        ("odd hex", send("{ hex = \"00f\" }")),
        ("no hex", send("{ hex = \"0x00\" }")),
        ("empty hex", send("{ hex = \" \" }")),
        ("no kind of data", send("{ file = \"x\", pattern = 5 }")),
        ("empty data", send("{ }")),
        ("no path", send("{ file = \"\" }")),
        ("number as data", send("5")),
        ("errno", fails("EPIP")),
        (
            "flags",
            with_steps("[\"connect\", { wait = { segment = \"FIN,AKC\" } }]"),
        ),
        (
            "no flag",
            with_steps("[\"connect\", { wait = { segment = \"FIN,\" } }]"),
        ),
        (
            "out of the folder",
            with_steps("[\"connect\", { recv-file = { into = \"../x\" } }]"),
        ),
        ("false step", with_steps("[{ close = false }]")),
        ("a list as a step", with_steps("[[\"connect\"]]")),
        ("steps as text", with_steps("\"connect\"")),
        ("wait as a list", with_steps("[{ wait = [] }]")),
        (
            "a table as server",
            "server = 5\n[[client]]\nsteps = [\"connect\"]\n".into(),
        ),
        ("server in a list", "server = [5]\n".into()),
    ];
    table!("values_that_follow_no_rule", files);
}

#[test]
fn a_fault_of_a_message() {
    let framed = |framing: &str, step: &str| {
        format!(
            "[server]\nkind = \"select\"\n[[client]]\n{framing}\nsteps = [\n    \"connect\",\n    {step},\n]\n"
        )
    };
    let delimiter = "framing = { delimiter = \"\\n\" }";
    let cut = "{ recv-message = true, fails = \"cut-off\" }";
    let files = [
        (
            "no message",
            framed(delimiter, "{ recv = \"x\", fails = \"cut-off\" }"),
        ),
        (
            "misspelt",
            framed(delimiter, "{ recv-message = true, fails = \"cutoff\" }"),
        ),
        ("the end is the frame", framed("framing = \"close\"", cut)),
        (
            "not signed",
            framed(
                "framing = { prefix = 4 }",
                "{ recv-message = true, fails = \"negative\" }",
            ),
        ),
        (
            "nothing comes after it",
            framed(delimiter, &format!("{cut},\n    \"recv-eof\"")),
        ),
    ];
    table!("a_fault_of_a_message", files);
    super::ok(&framed(delimiter, cut));
}

#[test]
fn nested_without_end() {
    let mut steps = "[\"connect\"]".to_owned();
    for _ in 0..30 {
        steps = format!("[{{ repeat = {{ times = 1, steps = {steps} }} }}]");
    }
    let found = errors(&with_steps(&steps));
    assert!(
        found[0].message.contains("too deep") || found[0].message.contains("recursion"),
        "{found:?}"
    );
}
