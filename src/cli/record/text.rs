//! Scripts as TOML, and the files that hold what is too long for it.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::script::{Do, Payload, Serving, Talk};

/// Longer texts, in bytes, go into files.
const TEXT: usize = 500;
/// Longer binary data goes into files.
const HEX: usize = 64;
/// More connections than this at once need a longer queue than a scenario's server has by itself.
const BACKLOG: usize = 5;
/// Columns of a line of steps.
const WIDTH: usize = 90;

/// A string as TOML writes it on one line.
pub(super) fn quoted(text: &str) -> String {
    // JSON's strings are TOML's, but for DEL, which no title has and `printable` refuses.
    serde_json::to_string(text).unwrap_or_default()
}

/// Payloads that stand in files beside the scenario.
#[derive(Debug)]
pub(super) struct Files {
    /// Where they go; `None` when the scenario goes to standard output.
    folder: Option<PathBuf>,
    stem: String,
    names: HashMap<Vec<u8>, String>,
}

impl Files {
    /// For a scenario that is written to this file.
    pub(super) fn beside(output: Option<&Path>) -> Files {
        let stem = output.and_then(Path::file_stem).unwrap_or_default();
        Files {
            folder: output.map(|path| path.parent().unwrap_or(Path::new("")).to_owned()),
            stem: stem.to_string_lossy().into_owned(),
            names: HashMap::new(),
        }
    }

    /// Bytes as a value: text, hex, or the name of a file.
    fn value(&mut self, bytes: &[u8]) -> String {
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| printable(text));
        let limit = if text.is_some() { TEXT } else { HEX };
        if bytes.len() > limit && self.folder.is_some() {
            let number = self.names.len() + 1;
            let name = self
                .names
                .entry(bytes.to_vec())
                .or_insert_with(|| format!("{}-{number}.bin", self.stem));
            return format!("{{ file = {} }}", quoted(name));
        }
        match text {
            Some(text) => quoted(text),
            None => {
                let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                });
                format!("{{ hex = \"{hex}\" }}")
            }
        }
    }

    /// Writes them.
    ///
    /// # Errors
    /// One cannot be written.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        for (bytes, name) in &self.names {
            let path = folder.join(name);
            std::fs::write(&path, bytes)
                .map_err(|e| anyhow::anyhow!("cannot write {}: {e}", path.display()))?;
            crate::platform::owner::give_to_invoker(&path);
        }
        Ok(())
    }
}

/// Can it stand in a TOML string and still be read?
pub(super) fn printable(text: &str) -> bool {
    let line = ['\n', '\r', '\t'];
    text.chars().all(|c| !c.is_control() || line.contains(&c))
}

/// The servers and clients of a recorded exchange.
pub(super) fn actors(talks: &[(Talk, SocketAddr)], files: &mut Files) -> String {
    let mut servers: Vec<Server> = vec![];
    let mut of_client = vec![];
    for (talk, address) in talks {
        let same = |server: &Server| {
            server.original == *address
                && server.serving == talk.serving
                && server.steps == talk.steps[1]
        };
        let index = servers.iter().position(same).unwrap_or_else(|| {
            let listen = free(&servers, *address);
            servers.push(Server {
                original: *address,
                listen,
                serving: talk.serving,
                steps: talk.steps[1].clone(),
            });
            servers.len() - 1
        });
        of_client.push(index);
    }
    let alone = servers.len() == 1;
    let mut out = String::new();
    for (index, server) in servers.iter().enumerate() {
        let _ = writeln!(out, "{}", if alone { "[server]" } else { "[[server]]" });
        if !alone {
            let _ = writeln!(out, "name = \"{}\"", name(index, alone));
        }
        let kind = match server.serving {
            Serving::Script => "threaded",
            Serving::Nobody => "none",
            Serving::UdpEcho | Serving::UdpSink => "udp",
        };
        let _ = writeln!(out, "kind = \"{kind}\"\nlisten = \"{}\"", server.listen);
        let clients = of_client.iter().filter(|of| **of == index).count();
        if clients > BACKLOG && server.serving == Serving::Script {
            let _ = writeln!(out, "backlog = {}", clients.min(65535));
        }
        let handler = match server.serving {
            Serving::Script => steps(&server.steps, &name(index, alone), files),
            Serving::UdpEcho => quoted("echo"),
            Serving::UdpSink => quoted("sink"),
            Serving::Nobody => String::new(),
        };
        if !handler.is_empty() {
            let _ = writeln!(out, "handler = {handler}");
        }
        out.push('\n');
    }
    if let Some((first, _)) = talks.first()
        && alone
        && talks.len() > 1
        && talks
            .iter()
            .all(|(talk, _)| talk.steps[0] == first.steps[0] && !talk.udp)
    {
        // They are called client-1, client-2… all the same.
        let steps = steps(&first.steps[0], &name(0, alone), files);
        let _ = writeln!(
            out,
            "[[client]]\ncount = {}\nsteps = {steps}\n",
            talks.len()
        );
        return out;
    }
    for ((talk, _), index) in talks.iter().zip(of_client) {
        let server = name(index, alone);
        let _ = writeln!(out, "[[client]]\nname = \"{}\"", talk.name);
        if !alone {
            let _ = writeln!(out, "server = \"{server}\"");
        }
        if talk.udp {
            let _ = writeln!(out, "udp = true");
        }
        let _ = writeln!(out, "steps = {}\n", steps(&talk.steps[0], &server, files));
    }
    out
}

struct Server {
    /// In the capture.
    original: SocketAddr,
    /// In the scenario.
    listen: SocketAddr,
    serving: Serving,
    steps: Vec<Do>,
}

fn name(index: usize, alone: bool) -> String {
    match alone {
        true => "server".to_owned(),
        false => format!("server-{}", index + 1),
    }
}

/// The loopback address of the family, with the port of the capture if nobody has it yet.
fn free(servers: &[Server], original: SocketAddr) -> SocketAddr {
    let host: IpAddr = match original {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let taken = |port: u16| servers.iter().any(|server| server.listen.port() == port);
    let mut port = original.port().max(1);
    while taken(port) {
        port = port.checked_add(1).unwrap_or(1024);
    }
    SocketAddr::new(host, port)
}

/// `server` is the name of the connection's server.
fn steps(steps: &[Do], server: &str, files: &mut Files) -> String {
    let list: Vec<String> = steps.iter().map(|step| one(step, server, files)).collect();
    let line = format!("[{}]", list.join(", "));
    if line.len() <= WIDTH {
        return line;
    }
    format!("[\n    {},\n]", list.join(",\n    "))
}

fn one(step: &Do, server: &str, files: &mut Files) -> String {
    match step {
        Do::Connect => "\"connect\"".to_owned(),
        Do::Refused => "{ connect = true, fails = \"ECONNREFUSED\" }".to_owned(),
        Do::Send(Payload::Known(bytes)) => format!("{{ send = {} }}", files.value(bytes)),
        Do::Send(Payload::Unknown(n)) => format!("{{ send = {{ pattern = {n} }} }}"),
        Do::Recv(Payload::Known(bytes)) => format!("{{ recv = {} }}", files.value(bytes)),
        Do::Recv(Payload::Unknown(n)) => format!("{{ recv = {n} }}"),
        Do::RecvEof => "\"recv-eof\"".to_owned(),
        Do::ShutdownWrite => "\"shutdown-write\"".to_owned(),
        Do::Close => "\"close\"".to_owned(),
        Do::Reset => "\"reset\"".to_owned(),
        Do::PeerReset => "{ wait = \"peer-reset\" }".to_owned(),
        Do::Unreachable => "{ recv = { up-to = 1024 }, fails = \"ECONNREFUSED\" }".to_owned(),
        Do::Deaf(on) => format!("{{ deaf = {on} }}"),
        Do::Event(actor, event) => {
            let actor = if actor == "server" { server } else { actor };
            format!("{{ wait = {{ actor = \"{actor}\", event = \"{event}\" }} }}")
        }
        Do::Barrier(name) => format!("{{ barrier = \"{name}\" }}"),
    }
}
