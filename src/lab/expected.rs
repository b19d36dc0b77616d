//! What a scenario's scripts will put on the wire, at most: for the choice of the ring.

use std::path::Path;

use crate::capture::live::Expected;
use crate::scenario::{
    Action, Client, ClientKind, Data, Framing, Handler, Scenario, Server, ServerKind, Step,
};

/// Assumed of what cannot be known.
const UNKNOWN: u64 = 1 << 20;

/// The shortest request that gets an answer, and the longest head of one.
const HTTP: (u64, u64) = (16, 512);

/// Frames of a connection besides those that steps cause, and of a step: handshake and close, with
/// room for what the kernel repeats.
const FRAMES: (u64, u64) = (16, 8);

/// Bytes and frames, rather too many than too few.
pub fn of(scenario: &Scenario) -> Expected {
    let folder = scenario.source.path.parent().unwrap_or(Path::new("."));
    let clients: Vec<Script> = scenario.clients.iter().map(|c| client(c, folder)).collect();
    let sum = Script::sum(&clients);
    let connections = (clients.len() as u64).saturating_mul(sum.connects.max(1));
    let mut all = sum;
    for server in &scenario.servers {
        let answers = answers(server, folder, sum, connections);
        all.bytes = all.bytes.saturating_add(answers.bytes);
        all.steps = all.steps.saturating_add(answers.steps);
    }
    let frames = connections
        .saturating_mul(scenario.servers.len().max(1) as u64)
        .saturating_mul(FRAMES.0)
        .saturating_add(all.steps.saturating_mul(FRAMES.1));
    let servers = scenario.servers.iter();
    let foreign = servers
        .filter(|s| matches!(s.kind, ServerKind::Command(_)))
        .count()
        + scenario
            .clients
            .iter()
            .filter(|c| matches!(c.kind, ClientKind::Command(_)))
            .count();
    Expected {
        bytes: all.bytes,
        frames: (foreign == 0).then_some(frames),
    }
}

/// What steps amount to, repeats counted.
#[derive(Debug, Clone, Copy, Default)]
struct Script {
    bytes: u64,
    steps: u64,
    connects: u64,
}

impl Script {
    fn sum(all: &[Script]) -> Script {
        all.iter().fold(Script::default(), |sum, one| Script {
            bytes: sum.bytes.saturating_add(one.bytes),
            steps: sum.steps.saturating_add(one.steps),
            connects: sum.connects.max(one.connects),
        })
    }

    fn times(self, times: u64) -> Script {
        Script {
            bytes: self.bytes.saturating_mul(times),
            steps: self.steps.saturating_mul(times),
            connects: self.connects.saturating_mul(times),
        }
    }

    fn of(steps: &[Step], framing: Option<&Framing>, folder: &Path) -> Script {
        let each: Vec<Script> = steps
            .iter()
            .map(|step| {
                let (bytes, connects) = match &step.action {
                    Action::Send(data) => (len(data, folder), 0),
                    Action::SendMessage(data) => (framed(len(data, folder), framing), 0),
                    Action::Connect(_) => (0, 1),
                    Action::Repeat { times, steps } => {
                        return Script::of(steps, framing, folder).times(u64::from(*times));
                    }
                    _ => (0, 0),
                };
                Script {
                    bytes,
                    steps: 1,
                    connects,
                }
            })
            .collect();
        // Connects of one script add up, those of several clients do not: see `of`.
        let connects = each.iter().map(|script| script.connects).sum();
        Script {
            connects,
            ..Script::sum(&each)
        }
    }
}

fn client(client: &Client, folder: &Path) -> Script {
    match &client.kind {
        ClientKind::Script(steps) | ClientKind::Udp(steps) => {
            Script::of(steps, client.framing.as_ref(), folder)
        }
        ClientKind::Command(_) => Script {
            bytes: UNKNOWN,
            ..Script::default()
        },
    }
}

/// What a server sends, when clients send this on so many connections.
fn answers(server: &Server, folder: &Path, clients: Script, connections: u64) -> Script {
    let bytes = match &server.handler {
        Handler::Echo => clients.bytes,
        Handler::Sink => 0,
        Handler::Greet(text) => connections.saturating_mul(text.len() as u64),
        // Everybody hears everybody.
        Handler::Chat => clients.bytes.saturating_mul(connections),
        // There and back, once more.
        Handler::Forward(_) => clients.bytes.saturating_mul(2),
        Handler::Http(body) => {
            let (request, head) = HTTP;
            let answers = clients.bytes / request + connections;
            answers.saturating_mul(body.len() as u64 + head)
        }
        Handler::Steps(steps) => {
            return Script::of(steps, server.framing.as_ref(), folder).times(connections);
        }
    };
    let steps = match &server.handler {
        Handler::Chat => clients.steps.saturating_mul(connections),
        _ => clients.steps,
    };
    Script {
        bytes,
        steps,
        connects: 0,
    }
}

fn len(data: &Data, folder: &Path) -> u64 {
    match data {
        Data::Bytes(bytes) => bytes.len() as u64,
        Data::Pattern(len) => *len,
        Data::File(path) => std::fs::metadata(folder.join(path)).map_or(UNKNOWN, |f| f.len()),
    }
}

/// With its frame.
fn framed(len: u64, framing: Option<&Framing>) -> u64 {
    let more = match framing {
        Some(Framing::Fixed(size)) => *size as u64,
        Some(Framing::Delimiter(delimiter)) => delimiter.len() as u64,
        _ => 16,
    };
    len.saturating_add(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(rest: &str) -> Expected {
        let text = format!(
            "title = \"x\"\n[server]\nkind = \"select\"\nlisten = \"127.0.0.1:5000\"\n{rest}"
        );
        let scenario = crate::scenario::parse(Path::new("x.toml"), text).expect("a scenario");
        of(&scenario)
    }

    #[test]
    fn what_goes_over_the_wire_is_counted_with_its_repetitions() {
        let echo = "handler = \"echo\"\n[[client]]\nname = \"c\"\ncount = 3\n";
        let steps = "steps = [\"connect\", { repeat = { times = 4, steps = [{ send = \"12345\" }] } }, \"close\"]\n";
        let all = expected(&format!("{echo}{steps}"));
        assert_eq!(all.bytes, 3 * 4 * 5 * 2);
        assert!(all.frames.unwrap() >= 3 * (7 + 2 * 2 * 4));
    }

    #[test]
    fn external_programs_send_nobody_knows_how_much() {
        let program = "handler = \"echo\"\n[[client]]\nname = \"c\"\ncommand = [\"true\"]\n";
        assert_eq!(expected(program).frames, None);
    }

    #[test]
    fn everybody_in_a_chat_hears_everybody() {
        let chat = "handler = \"chat\"\n[[client]]\nname = \"c\"\ncount = 10\n\
                    steps = [\"connect\", { send = \"hello\" }, \"close\"]\n";
        assert!(expected(chat).bytes >= 10 * 5 * 10);
    }
}
