//! `lab-capture record`: what it makes of captures and of commands loads, passes, and shows the
//! flows that the exchange had.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn lab(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab-capture"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("CI")
        .output()
        .expect("it starts")
}

fn ok(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{said}\n{error}",
        output.status
    );
    said
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Records into `made.toml`, then runs that.
fn record_and_run(arguments: &[&str], folder: &Path) -> String {
    let all = [&["record", "--output", "made.toml"], arguments].concat();
    ok(&lab(&all, folder));
    ok(&lab(&["run", "made.toml", "--repeat", "3"], folder));
    std::fs::read_to_string(folder.join("made.toml")).expect("it was written")
}

/// The flows that a scenario expects, one for each connection, without names, sorted.
fn expected(scenario: &str) -> Vec<String> {
    let file: toml::Table = scenario.parse().expect("TOML");
    let expect = &file["expect"];
    let text = expect["flow"].as_str().expect("a flow");
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        let last = blocks.len() - 1;
        match line.ends_with(':') && !line.contains('"') {
            true if blocks[last].is_empty() => {}
            true => blocks.push(String::new()),
            false => blocks[last] += &format!("{line}\n"),
        }
    }
    let count = expect.get("connections").and_then(toml::Value::as_integer);
    if blocks.len() == 1 {
        blocks = vec![blocks.remove(0); count.unwrap_or(1) as usize];
    }
    blocks.sort();
    blocks
}

/// The flows of a snapshot, as above.
fn snapshot(name: &str) -> Vec<String> {
    let path = project(&format!("scenarios/snapshots/{name}.snap"));
    let text = std::fs::read_to_string(path).expect("a snapshot");
    let text = text.splitn(3, "---\n").nth(2).expect("a head").trim_end();
    let block = |block: &str| {
        // Of datagrams an expectation does not say that they have no handshake.
        let lines = block.lines().skip(1);
        let lines = lines.filter(|line| !line.contains("(UDP)"));
        lines.map(|line| format!("{}\n", line.trim())).collect()
    };
    let mut blocks: Vec<String> = text.split("\n\n").map(block).collect();
    blocks.sort();
    blocks
}

/// The samples were made by actors that reported what they did; the recorded scenario has but the
/// frames, and comes to the same flow.
#[test]
fn every_sample_becomes_a_scenario_that_passes_and_shows_its_flow() {
    // Where frames tell less than actors (how much a program that deadlocked, or died, was sure to
    // have sent), or more (who waited, in a server that forwards), or the sample is of another text.
    const OTHERWISE: [&str; 5] = [
        "forwarder",
        "framing-stream",
        "framing-stream-deadlock",
        "python-dies",
        "sink",
    ];
    // Nobody connected.
    const NOTHING: [&str; 1] = ["nobody"];
    let mut same = 0;
    let samples = std::fs::read_dir(project("captures/samples")).expect("samples");
    for sample in samples {
        let path = sample.expect("readable").path();
        let Some(name) = path
            .file_name()
            .and_then(|n| n.to_str()?.strip_suffix(".pcap"))
            .map(str::to_owned)
        else {
            continue;
        };
        let folder = folder();
        let file = path.to_str().expect("UTF-8");
        if NOTHING.contains(&&*name) {
            let output = lab(&["record", file], folder.path());
            assert_eq!(output.status.code(), Some(1), "{name}");
            assert!(output.stdout.is_empty(), "{name}");
            continue;
        }
        let made = record_and_run(&[file], folder.path());
        if OTHERWISE.contains(&&*name) {
            assert!(!expected(&made).is_empty());
            continue;
        }
        assert_eq!(expected(&made), snapshot(&name), "{name}\n{made}");
        same += 1;
    }
    assert!(same >= 30, "{same} samples");
}

#[test]
fn unverified_it_is_the_same_text() {
    let folder = folder();
    let sample = project("captures/samples/close.pcap");
    let sample = sample.to_str().expect("UTF-8");
    let verified = ok(&lab(&["record", sample], folder.path()));
    let unverified = ok(&lab(&["record", "--repeat", "0", sample], folder.path()));
    assert_eq!(verified, unverified);
    insta::assert_snapshot!(verified, @r#"
    title = "What close.pcap shows"

    [server]
    kind = "threaded"
    listen = "127.0.0.1:5000"
    handler = [{ recv = "hello" }, { send = "hello" }, "recv-eof", "close"]

    [[client]]
    name = "client-1"
    steps = ["connect", { send = "hello" }, { recv = "hello" }, "close"]

    [expect]
    snapshot = false
    flow = '''
    handshake complete
    client 5 "hello"
    then server 5 "hello"
    then client fin
    then server fin
    close client first
    '''
    "#);
}

/// The roles are those of the SYN, whatever the addresses were.
#[test]
fn addresses_become_those_of_loopback() {
    let folder = folder();
    let sample = project("captures/samples/ipv6-echo.pcap");
    let made = record_and_run(&[sample.to_str().expect("UTF-8")], folder.path());
    assert!(made.contains("listen = \"[::1]:"), "{made}");
}

/// A program that talks to itself: reads a question, answers.
const TALK: &str = r#"
import os, socket, sys, threading
listener = socket.create_server(("127.0.0.1", 6000))
def serve():
    connection, _ = listener.accept()
    with connection:
        connection.recv(100)
        connection.sendall(ANSWER)
        connection.recv(100)
thread = threading.Thread(target=serve)
ANSWER = EXPRESSION
thread.start()
with socket.create_connection(("127.0.0.1", 6000)) as client:
    client.sendall(b"what is it?")
    client.recv(100)
thread.join()
sys.exit(3)
"#;

fn program(folder: &Path, answer: &str) {
    let text = TALK.replace("EXPRESSION", answer);
    std::fs::write(folder.join("talk.py"), text).expect("it is written");
}

#[test]
fn a_command_stays_a_command() {
    let folder = folder();
    program(folder.path(), "b'forty-two'");
    let made = record_and_run(
        &["--title", "It asks itself", "--", "python3", "talk.py"],
        folder.path(),
    );
    insta::assert_snapshot!(made, @r#"
    title = "It asks itself"
    limit = "60s"

    [[client]]
    name = "command"
    command = ["python3", "talk.py"]
    status = 3

    [expect]
    snapshot = false
    flow = '''
    handshake complete
    client 11 "what is it?"
    then server 9 "forty-two"
    then client fin
    then server fin
    close client first
    '''
    "#);
}

/// What a run says that another does not is not expected; what they share is.
#[test]
fn bytes_that_vary_are_counted_and_not_compared() {
    let folder = folder();
    program(folder.path(), "os.urandom(16)");
    let made = record_and_run(&["--", "python3", "talk.py"], folder.path());
    assert!(
        made.contains("client 11 \"what is it?\"\nthen server 16\n"),
        "{made}"
    );
}

#[test]
fn lengths_that_vary_are_not_expected() {
    let folder = folder();
    program(folder.path(), "b'x' * (os.urandom(1)[0] % 90 + 1)");
    // Twenty runs that all draw the same length: below 90^-18.
    let made = record_and_run(
        &["--repeat", "20", "--", "python3", "talk.py"],
        folder.path(),
    );
    assert!(made.contains("then server ...\n"), "{made}");
}

/// Every other run the server closes first: no flow holds every time, other facts do.
#[test]
fn a_flow_that_does_not_hold_every_time_is_dropped() {
    let folder = folder();
    program(folder.path(), "b'forty-two'");
    let path = folder.path().join("talk.py");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let counting = "n = len(open('count').read())\nopen('count', 'a').write('x')\n";
    let text = text.replace(
        "        connection.recv(100)\nthread",
        "        if n % 2: connection.recv(100)\nthread",
    );
    let text = text.replace(
        "    client.recv(100)\n",
        "    client.recv(100)\n    if n % 2 == 0: client.recv(100)\n",
    );
    std::fs::write(&path, format!("{counting}{text}")).expect("it is written");
    std::fs::write(folder.path().join("count"), "").expect("it is written");
    let made = record_and_run(&["--", "python3", "talk.py"], folder.path());
    assert!(!made.contains("flow ="), "{made}");
    assert!(!made.contains("closed-by"), "{made}");
    for line in [
        "connections = 1",
        "handshake = \"complete\"",
        "close = \"fin\"",
        "bytes = { client = 11, server = 9 }",
        "payload = { client = \"what is it?\", server = \"forty-two\" }",
    ] {
        assert!(made.contains(line), "{line}\n{made}");
    }
}

/// Without the command: what it said is in the scripts, binary data as hex or in a file.
#[test]
fn a_command_can_become_scripts() {
    let folder = folder();
    program(folder.path(), "bytes(range(16))");
    let made = record_and_run(&["--steps", "--", "python3", "talk.py"], folder.path());
    assert!(!made.contains("python3\","), "{made}");
    assert!(
        made.contains("{ hex = \"000102030405060708090a0b0c0d0e0f\" }"),
        "{made}"
    );
    program(folder.path(), "bytes(range(90))");
    let made = record_and_run(&["--steps", "--", "python3", "talk.py"], folder.path());
    assert!(made.contains("{ file = \"made-1.bin\" }"), "{made}");
    let bytes = std::fs::read(folder.path().join("made-1.bin")).expect("it is there");
    assert_eq!(bytes, (0..90).collect::<Vec<u8>>());
}

#[test]
fn what_cannot_be_recorded_says_why() {
    let folder = folder();
    let check = |arguments: &[&str], code: i32, word: &str| {
        let output = lab(&[&["record"], arguments].concat(), folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(word), "{said}");
        assert!(output.stdout.is_empty());
    };
    check(&["no-such.pcap"], 2, "no-such.pcap");
    check(&["--", "no-such-program"], 3, "no-such-program");
    check(&["--repeat", "0", "--", "true"], 2, "at least once");
    check(
        &["--limit", "1", "--repeat", "1", "--", "sleep", "60"],
        1,
        "the run's time was up",
    );
    check(&["file.pcap", "--", "true"], 2, "cannot be used with");
    check(
        &["--steps", "--", "true"],
        1,
        "nothing that could be repeated",
    );
}

/// Both protocols in one command: neither is lost.
#[test]
fn datagrams_are_expected_too() {
    let folder = folder();
    let text = r#"
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 5000))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(("127.0.0.1", 5000))
client.send(b"hi")
_, address = server.recvfrom(100)
server.sendto(b"ho", address)
client.recv(100)
listener = socket.create_server(("127.0.0.1", 6000))
one = socket.create_connection(("127.0.0.1", 6000))
other, _ = listener.accept()
one.close()
other.recv(1)
other.close()
"#;
    std::fs::write(folder.path().join("both.py"), text).expect("it is written");
    let made = record_and_run(&["--", "python3", "both.py"], folder.path());
    assert!(
        made.contains("client 2 \"hi\"\n  then server 2 \"ho\"\n"),
        "{made}"
    );
    assert!(made.contains("close client first"), "{made}");
}
