//! `exec` around real programs of the distribution: curl against Python's HTTP server and against
//! nginx, in a namespace of their own, captured and judged.

use std::path::Path;
use std::process::{Command, Output};

/// Starts a server, waits until the kernel's table shows it listening (no connection of a probe in
/// the capture), runs curl, ends the server.
const SCRIPT: &str = r#"
set -eu
"$@" >server.log 2>&1 &
server=$!
until grep -q ' 00000000:1F40 \| 0100007F:1F40 ' /proc/self/net/tcp; do
    kill -0 $server || { cat server.log; exit 7; }
done
curl -sS --max-time 20 http://127.0.0.1:8000/page.txt
kill $server
wait $server || true
"#;

fn exec(folder: &Path, expect: &str, server: &[&str]) -> Output {
    std::fs::write(folder.join("page.txt"), "a page\n").unwrap();
    std::fs::write(folder.join("expect.toml"), expect).unwrap();
    Command::new(env!("CARGO_BIN_EXE_lab-capture"))
        .current_dir(folder)
        .env("CI", "true")
        .args([
            "exec",
            "--expect",
            "expect.toml",
            "-w",
            "http.pcap",
            "--",
            "sh",
            "-c",
            SCRIPT,
            "sh",
        ])
        .args(server)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

/// A command that serves files, and does not end by itself.
const HTTP_SERVER: [&str; 6] = [
    "python3",
    "-m",
    "http.server",
    "8000",
    "--bind",
    "127.0.0.1",
];

const HEAD: &str = r#"
[server]
kind = "none"
listen = "127.0.0.1:8000"

[[client]]
name = "curl"
steps = ["connect", "close"]

[expect]
snapshot = false
connections = 1
resets = 0
handshake = "complete"
"#;

#[test]
fn curl_and_python() {
    let folder = tempfile::tempdir().unwrap();
    // HTTP/1.0: the server closes when it has answered; curl knows the length, and closes too.
    let expect = format!(
        "{HEAD}payload = {{ client = {{ regex = \"^GET /page.txt HTTP/1.1\" }}, server = {{ regex = \"^HTTP/1.0 200 OK(.|\\\\n|\\\\r)*a page\" }} }}\nflow = '''\nclient /GET .page.txt/\nthen server ...\n...\nclose server first | close client first | close crossed\n'''\n"
    );
    let output = exec(folder.path(), &expect, &HTTP_SERVER);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("a page"), "{}", text(&output));
    assert!(folder.path().join("http.pcap").exists());
}

#[test]
fn curl_and_nginx() {
    let folder = tempfile::tempdir().unwrap();
    // Keep-alive: curl, having its answer, closes first.
    let expect = format!(
        "{HEAD}closed-by = \"client\"\npayload = {{ server = {{ regex = \"^HTTP/1.1 200 OK(.|\\\\n|\\\\r)*a page\" }} }}\nflow = '''\nclient /GET .page.txt/\nthen server ...\nthen client fin\nthen server fin\nclose client first\n'''\n"
    );
    let here = folder.path().display();
    let conf = format!(
        "daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/error.log;\nevents {{}}\nhttp {{ access_log off; client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s; server {{ listen 127.0.0.1:8000; root {here}; }} }}\n"
    );
    std::fs::write(folder.path().join("nginx.conf"), conf).unwrap();
    let nginx = if Path::new("/usr/sbin/nginx").exists() {
        "/usr/sbin/nginx"
    } else {
        "nginx"
    };
    let conf = folder.path().join("nginx.conf");
    let output = exec(
        folder.path(),
        &expect,
        &[nginx, "-c", conf.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn what_does_not_hold_is_a_failure_and_the_commands_own_status_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let expect = HEAD.replace("connections = 1", "connections = 2");
    let output = exec(folder.path(), &expect, &HTTP_SERVER);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("expected: 2"), "{}", text(&output));
    let run = |command: &[&str]| {
        let mut exec = Command::new(env!("CARGO_BIN_EXE_lab-capture"));
        exec.args(["exec", "--quiet", "--"])
            .args(command)
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(run(&["true"]), Some(0));
    assert_eq!(run(&["sh", "-c", "exit 42"]), Some(42));
    assert_eq!(run(&["sh", "-c", "kill -TERM $$"]), Some(128 + 15));
    assert_eq!(run(&["/no/such/program"]), Some(3));
}
