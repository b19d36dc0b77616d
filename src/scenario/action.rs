//! The words of actions.

use super::model::{Action, How, Recv};

impl Action {
    /// Its word in the file; where there is a short form (`recv-eof`, `shutdown-write`), that one.
    pub fn word(&self) -> &'static str {
        match self {
            Action::Connect(_) => "connect",
            Action::Bind(_) => "bind",
            Action::Send(_) => "send",
            Action::SendMessage(_) => "send-message",
            Action::Recv(Recv::Eof) => "recv-eof",
            Action::Recv(_) => "recv",
            Action::RecvMessage(_) => "recv-message",
            Action::RecvFile { .. } => "recv-file",
            Action::Shutdown(How::Read) => "shutdown-read",
            Action::Shutdown(How::Write) => "shutdown-write",
            Action::Shutdown(How::Both) => "shutdown-both",
            Action::Close => "close",
            Action::Reset => "reset",
            Action::Wait(_) => "wait",
            Action::Barrier(_) => "barrier",
            Action::Set(_) => "set",
            Action::Repeat { .. } => "repeat",
            Action::Signal(signal, _) => signal.word(),
            Action::Deaf(_) => "deaf",
            Action::Accept => "accept",
            Action::CloseListener => "close-listener",
        }
    }
}
