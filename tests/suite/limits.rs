//! External programs are run with the limits that the user has, not with those that we need.

use std::process::Command;

use crate::util::{Stage, code, stdout};

#[test]
fn a_program_has_the_descriptors_that_it_would_have_by_hand() {
    let stage = Stage::new();
    stage.write(
        "scenarios/limits.toml",
        r#"title = "what may I open?"
[server]
kind = "none"
listen = "127.0.0.1:5000"
[[client]]
name = "client"
command = ["sh", "-c", "echo soft $(ulimit -S -n) hard $(ulimit -H -n)"]
status = 0
stdout = { contains = "soft 777 hard 888" }
[expect]
snapshot = false
"#,
    );
    let inner = stage.command(&["scenarios"]);
    let mut outer = Command::new("sh");
    outer
        .args([
            "-c",
            "ulimit -S -n 777; ulimit -H -n 888; exec \"$@\"",
            "sh",
        ])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(stage.path(""));
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    let output = outer.output().expect("sh");
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}
