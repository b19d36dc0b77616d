//! Does a message fit its frame?

use super::super::diagnostic::{Code, Diagnostic};
use super::super::model::{Action, Data, Framing, Recv, Step};
use super::super::words::FRAME_FAULTS;
use super::script::{Role, Walk};

impl Walk<'_, '_> {
    /// A stream cannot carry nothing.
    pub(super) fn nothing(&mut self, step: &Step) {
        let (Action::Send(data) | Action::Recv(Recv::Exact(data))) = &step.action else {
            return;
        };
        if *data == Data::Bytes(Vec::new()) && self.script.role != Role::Udp {
            self.wrong(step, "no bytes: nothing would happen", "empty");
        }
    }

    /// Is the step one that reads the peer's end within a message, or in the place of one?
    pub(super) fn ends_by_fault(&self, step: &Step) -> bool {
        let fails = step.fails.as_ref().map(|(name, _)| name.as_str());
        matches!(fails, Some("cut-off" | "ended"))
    }

    /// A fault of a message is one of `recv-message`, and of a framing that can have it.
    pub(super) fn fault(&mut self, step: &Step) {
        let Some((name, span)) = &step.fails else {
            return;
        };
        if !FRAME_FAULTS.iter().any(|fault| fault.word == name) {
            return;
        }
        let (message, label, example) = match (&step.action, self.script.framing) {
            (Action::RecvMessage(_), None) => return, // Told by `message`.
            (Action::RecvMessage(_), Some(framing)) => {
                let possible = match framing {
                    Framing::Close | Framing::Stream => false,
                    Framing::Prefix { signed: true, .. } => true,
                    _ => name != "negative",
                };
                if possible {
                    return;
                }
                let label = match (framing, name.as_str()) {
                    (Framing::Close, _) => "the peer's end is what ends a message",
                    (Framing::Stream, _) => "a stream has no messages",
                    _ => "only a signed prefix can be negative",
                };
                let message = format!("with this framing no message can be `{name}`");
                let example = match name.as_str() {
                    "negative" => "framing = { prefix = { width = 4, signed = true } }",
                    _ => "framing = { delimiter = \"\\n\" }",
                };
                (message, label, example)
            }
            _ => (
                format!("`{name}` is a fault of a framed message"),
                "only `recv-message` can end with it",
                "{ recv-message = true, fails = \"cut-off\" }",
            ),
        };
        self.lower.report(
            Diagnostic::new(Code::ImpossibleStep, span.clone(), message, label).example(example),
        );
    }

    /// A framed step needs a frame that its message fits.
    pub(super) fn message(&mut self, step: &Step) {
        let (data, sends) = match &step.action {
            Action::SendMessage(data) => (Some(data), true),
            Action::RecvMessage(data) => (data.as_ref(), false),
            _ => return,
        };
        let name = step.action.word();
        let Some(framing) = self.script.framing else {
            self.lower.report(
                Diagnostic::new(
                    Code::ImpossibleStep,
                    step.span.clone(),
                    format!("`{name}` needs `framing`"),
                    "where would the message end?",
                )
                .example("framing = { delimiter = \"\\n\" }"),
            );
            return;
        };
        if *framing == Framing::Stream && data.is_none() {
            self.wrong(
                step,
                "a stream has no messages",
                "say which bytes, or use `recv` with a count",
            );
        }
        let length = match data {
            Some(Data::Bytes(bytes)) => bytes.len() as u64,
            Some(Data::Pattern(length)) => *length,
            _ => return,
        };
        let label = match framing {
            Framing::Fixed(fixed) if length != *fixed as u64 => {
                format!("it has {length} bytes, every message has {fixed}")
            }
            Framing::Prefix { max, .. } if length > *max => {
                format!("it has {length} bytes, a message has at most {max}")
            }
            Framing::Delimiter(end) if contains(data, end) => {
                "it holds the delimiter: it would be two".into()
            }
            _ => return,
        };
        self.lower.report(
            Diagnostic::new(
                Code::ImpossibleStep,
                step.span.clone(),
                "this message does not fit its frame",
                label,
            )
            .help(if sends {
                "to show a broken message, use `send`, which frames nothing"
            } else {
                "no such message can come"
            }),
        );
    }
}

fn contains(data: Option<&Data>, part: &[u8]) -> bool {
    let Some(Data::Bytes(bytes)) = data else {
        return false;
    };
    !part.is_empty() && bytes.windows(part.len()).any(|w| w == part)
}
