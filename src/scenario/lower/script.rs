//! Can these steps be done in this order? A small machine with the states of one socket.

use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::{Action, Framing, Recv, Span, Step, Wait};
use super::Lower;

/// Most steps that a script may come to with all its repetitions.
const MAX_STEPS: u64 = 10_000_000;

/// Whose script it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A TCP client: has no connection at first.
    Client,
    /// A UDP client.
    Udp,
    /// A server's handler: runs once for each connection, which it has at first.
    Connection,
    /// The script of a server of kind `listen`: has a listening socket, and a connection after `accept`.
    Listener,
}

/// What is known beside the steps.
#[derive(Debug, Clone, Copy)]
pub struct Script<'s> {
    /// Whose script it is.
    pub role: Role,
    /// The actors that run it.
    pub actors: &'s [String],
    /// How messages are told apart.
    pub framing: Option<&'s Framing>,
}

/// The state of the socket.
#[derive(Debug, Clone)]
enum Socket {
    /// There is no connection yet.
    Fresh,
    /// `connect` failed, as it was meant to.
    Refused,
    /// There is one.
    Open {
        /// The own FIN was sent here.
        ended: Option<Span>,
        /// The peer's end was read here.
        peer_ended: Option<Span>,
    },
    /// It was closed here, by that word.
    Closed(Span, &'static str),
}

const OPEN: Socket = Socket::Open {
    ended: None,
    peer_ended: None,
};

impl Lower<'_> {
    /// Reports every step that cannot be done at its place.
    pub fn script(&mut self, steps: &[Step], script: Script<'_>) {
        let socket = match script.role {
            Role::Connection => OPEN,
            _ => Socket::Fresh,
        };
        let mut walk = Walk {
            lower: self,
            script,
            socket,
            listening: true,
            assumed: false,
        };
        walk.steps(steps, 1);
    }
}

pub(super) struct Walk<'w, 'l> {
    pub(super) lower: &'w mut Lower<'l>,
    pub(super) script: Script<'w>,
    socket: Socket,
    listening: bool,
    /// The connection is one that a reported step should have had: another complaint would be one too many.
    assumed: bool,
}

impl Walk<'_, '_> {
    fn steps(&mut self, steps: &[Step], repeated: u64) {
        for step in steps {
            if let Action::Repeat { times, steps } = &step.action {
                let repeated = repeated.saturating_mul(u64::from(*times));
                if repeated.saturating_mul(steps.len() as u64) > MAX_STEPS {
                    self.wrong(
                        step,
                        "these are too many repetitions",
                        &format!("more than {MAX_STEPS} steps"),
                    );
                }
                let before = self.lower.found_len();
                self.steps(steps, repeated);
                // What the end of a round leaves behind must fit its beginning; one complaint is enough.
                if *times > 1 && self.lower.found_len() == before {
                    self.steps(steps, repeated);
                }
                continue;
            }
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        if self.of_another_role(step) {
            return;
        }
        self.fault(step);
        self.lower.step_names(step, self.script);
        // A step that is meant to fail may stand where it cannot succeed; but it needs a socket.
        let meant = step.fails.is_some();
        match &step.action {
            Action::Connect(_) => self.connect(step, meant),
            Action::Bind(_) => match self.socket {
                Socket::Open { .. } if !meant => self.wrong(
                    step,
                    "`bind` comes before `connect`",
                    "this socket has its port",
                ),
                _ => {}
            },
            Action::Send(_) | Action::SendMessage(_) => {
                self.nothing(step);
                self.message(step);
                if let Some(Some(ended)) = self.open(step).map(|o| o.0)
                    && !meant
                {
                    self.after(
                        step,
                        "nothing can be sent",
                        ended,
                        "FIN has been sent here",
                        Some("if that is what the scenario shows: fails = \"EPIPE\""),
                    );
                }
            }
            Action::Recv(_) | Action::RecvMessage(_) | Action::RecvFile { .. } => {
                self.nothing(step);
                self.message(step);
                if let Some((_, Some(ended))) = self.open(step)
                    && !meant
                {
                    self.after(
                        step,
                        "nothing more can come",
                        ended,
                        "the peer's end was read here",
                        None,
                    );
                }
                let to_end = match &step.action {
                    _ if meant => self.ends_by_fault(step),
                    Action::Recv(recv) => *recv == Recv::Eof,
                    Action::RecvFile { .. } => true,
                    _ => self.script.framing == Some(&Framing::Close),
                };
                if let (true, Socket::Open { peer_ended, .. }) = (to_end, &mut self.socket) {
                    *peer_ended = Some(step.span.clone());
                }
            }
            Action::Shutdown(how) => {
                let open = self.open(step);
                let writes = *how != super::super::model::How::Read;
                if let (Some((Some(first), _)), true, false) = (open, writes, meant) {
                    self.after(
                        step,
                        "there is nothing left to shut down",
                        first,
                        "FIN has been sent here",
                        None,
                    );
                }
                if let (true, false, Socket::Open { ended, .. }) = (writes, meant, &mut self.socket)
                {
                    *ended = Some(step.span.clone());
                }
            }
            Action::Close => self.close(step, "close"),
            Action::Reset => self.close(step, "reset"),
            Action::Wait(wait) => match wait {
                Wait::Segment(segment) if segment.connection.is_none() && !self.listens() => {
                    // Of an own connection that has ended, too: its last segments may be awaited.
                    if !matches!(self.socket, Socket::Closed(..)) {
                        self.open(step);
                    }
                }
                Wait::Event(_) | Wait::Segment(_) => {}
                // The listening socket is readable when a connection stands in its queue.
                Wait::Readable if self.listens() => {}
                Wait::PeerFin
                | Wait::PeerReset
                | Wait::Readable
                | Wait::Queued(_)
                | Wait::Acked
                | Wait::Stalled => {
                    self.open(step);
                }
            },
            Action::Set(_) | Action::Deaf(_) => {
                if let Socket::Closed(..) = self.socket {
                    // A new socket begins here.
                    self.socket = Socket::Fresh;
                }
            }
            Action::Accept => {
                if !self.listening {
                    self.wrong(
                        step,
                        "nothing can be accepted",
                        "the listening socket is closed",
                    );
                }
                if let Socket::Open { .. } = self.socket {
                    self.wrong(
                        step,
                        "this script holds one connection at a time",
                        "the one before is not closed",
                    );
                }
                self.socket = OPEN;
            }
            Action::CloseListener => {
                if !self.listening {
                    self.wrong(
                        step,
                        "the listening socket can be closed only once",
                        "it is closed",
                    );
                }
                self.listening = false;
            }
            Action::Barrier(_) | Action::Signal(..) | Action::Repeat { .. } => {}
        }
    }

    /// Is the own socket a listening one?
    fn listens(&self) -> bool {
        let connected = matches!(self.socket, Socket::Open { .. });
        self.script.role == Role::Listener && self.listening && !connected
    }

    fn connect(&mut self, step: &Step, meant: bool) {
        let assumed = std::mem::take(&mut self.assumed);
        if let (Socket::Open { .. }, false, false) = (&self.socket, meant, assumed) {
            self.wrong(step, "this client has a connection", "close it first");
        }
        match (&self.socket, meant) {
            (Socket::Open { .. }, _) => {}
            (_, true) => self.socket = Socket::Refused,
            (_, false) => self.socket = OPEN,
        }
    }

    fn close(&mut self, step: &Step, word: &'static str) {
        match &self.socket {
            Socket::Refused => {}
            _ => {
                self.open(step);
            }
        }
        self.socket = Socket::Closed(step.span.clone(), word);
    }

    /// The ends of the open connection; reports the step if there is none.
    fn open(&mut self, step: &Step) -> Option<(Option<Span>, Option<Span>)> {
        let name = step.action.word();
        match self.socket.clone() {
            Socket::Open { ended, peer_ended } => Some((ended, peer_ended)),
            Socket::Closed(at, how) => {
                self.lower.report(
                    Diagnostic::new(
                        Code::ImpossibleStep,
                        step.span.clone(),
                        format!("`{name}` cannot come after `{how}`"),
                        "there is no connection any more",
                    )
                    .context(at, "it ended here")
                    .help_all(
                        (self.script.role == Role::Client)
                            .then(|| "a new `connect` may follow".into()),
                    ),
                );
                None
            }
            Socket::Fresh | Socket::Refused if step.fails.is_some() => None,
            Socket::Fresh | Socket::Refused => {
                let (first, example) = match self.script.role {
                    Role::Listener => (
                        "accept",
                        "handler = [\"accept\", { recv = \"hello\" }, \"close\"]",
                    ),
                    _ => (
                        "connect",
                        "steps = [\"connect\", { send = \"hello\" }, { recv = \"hello\" }, \"close\"]",
                    ),
                };
                self.lower.report(
                    Diagnostic::new(
                        Code::ImpossibleStep,
                        step.span.clone(),
                        format!("`{name}` cannot come before `{first}`"),
                        "there is no connection yet",
                    )
                    .example(example),
                );
                // One complaint is enough.
                self.socket = OPEN;
                self.assumed = true;
                None
            }
        }
    }

    /// Reports a step that this role does not have.
    fn of_another_role(&mut self, step: &Step) -> bool {
        let name = step.action.word();
        let role = self.script.role;
        let label = match (&step.action, role) {
            (Action::Connect(_) | Action::Bind(_), Role::Connection | Role::Listener) => {
                "a server does not connect: its handler begins with a connection"
            }
            (Action::Barrier(_), Role::Connection | Role::Listener) => {
                "barriers are among clients; use `wait` with `actor` and `event`"
            }
            (Action::Accept | Action::CloseListener, Role::Client | Role::Udp) => {
                "a client has no listening socket"
            }
            (Action::Accept | Action::CloseListener, Role::Connection) => {
                "only in the script of a server of kind `listen`"
            }
            (
                Action::Shutdown(_)
                | Action::Reset
                | Action::SendMessage(_)
                | Action::RecvMessage(_)
                | Action::RecvFile { .. }
                | Action::Recv(Recv::Eof)
                | Action::Wait(
                    Wait::PeerFin
                    | Wait::PeerReset
                    | Wait::Acked
                    | Wait::Stalled
                    | Wait::Segment(_),
                ),
                Role::Udp,
            ) => "UDP has no connection, no stream and no end",
            _ => return false,
        };
        self.wrong(step, &format!("`{name}` cannot be here"), label);
        true
    }

    pub(super) fn wrong(&mut self, step: &Step, message: &str, label: &str) {
        self.lower.report(Diagnostic::new(
            Code::ImpossibleStep,
            step.span.clone(),
            message,
            label,
        ));
    }

    fn after(&mut self, step: &Step, message: &str, at: Span, why: &str, help: Option<&str>) {
        self.lower.report(
            Diagnostic::new(
                Code::ImpossibleStep,
                step.span.clone(),
                message,
                format!("`{}` cannot be done here", step.action.word()),
            )
            .context(at, why)
            .help_all(help.map(str::to_owned)),
        );
    }
}
