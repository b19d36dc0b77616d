//! Every construct once, every message under snapshot, and no text that the loader does not survive.

mod constructs;
mod expect;
mod files;
mod messages;
mod property;
mod schema;
mod steps;

use std::path::Path;

use super::{Client, ClientKind, Diagnostic, Handler, Scenario, ScenarioError, Step, parse};

/// The model of this text, which must be right.
fn ok(text: &str) -> Scenario {
    parse(Path::new("test.toml"), text.to_owned())
        .unwrap_or_else(|error| panic!("{}", error.render(false)))
}

/// What is wrong with this text, which must not be right.
fn errors(text: &str) -> Vec<Diagnostic> {
    match parse(Path::new("test.toml"), text.to_owned()) {
        Err(ScenarioError::Invalid { diagnostics, .. }) => diagnostics,
        Err(other) => panic!("not about the text: {other}"),
        Ok(_) => panic!("nothing was found wrong with:\n{text}"),
    }
}

/// The messages of what is wrong, one a line.
fn messages(text: &str) -> String {
    let lines: Vec<String> = errors(text)
        .iter()
        .map(|d| format!("{}: {} ({})", d.code, d.message, d.label))
        .collect();
    lines.join("\n")
}

/// A file with one select server and one client with these steps.
fn with_steps(steps: &str) -> String {
    format!("[server]\nkind = \"select\"\n[[client]]\nsteps = {steps}\n")
}

/// The steps of a file's first client.
fn steps(text: &str) -> Vec<Step> {
    script(&ok(text).clients[0])
}

fn script(client: &Client) -> Vec<Step> {
    match &client.kind {
        ClientKind::Script(steps) | ClientKind::Udp(steps) => steps.to_vec(),
        ClientKind::Command(_) => panic!("an external program has no steps"),
    }
}

/// The steps of a handler.
fn handler(scenario: &Scenario) -> Vec<Step> {
    match &scenario.servers[0].handler {
        Handler::Steps(steps) => steps.to_vec(),
        other => panic!("not steps: {other:?}"),
    }
}
