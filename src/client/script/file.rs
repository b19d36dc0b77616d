//! `recv-file`: everything until the peer's end, into a file, compared with another.

use std::path::{Component, Path};

use super::act::{Act, Failure, Progress};
use super::kept::Kept;
use super::machine::Script;
use super::payload::{Payload, difference};
use super::recv::Eof;
use crate::timeline::Op;

/// The step.
pub struct RecvFile {
    eof: Eof,
    into: Option<Kept>,
    equals: Option<Payload>,
}

fn failure(result: String) -> Failure {
    Failure {
        call: "recv",
        result,
        errno: None,
        fault: None,
        op: None,
    }
}

impl RecvFile {
    /// Creates the file in the output folder, opens the other.
    pub fn new(
        script: &Script,
        into: Option<&Path>,
        equals: Option<&Path>,
    ) -> Result<Self, Failure> {
        let equals = equals
            .map(|path| Payload::file(&script.context.folder.join(path)))
            .transpose()
            .map_err(|e| failure(e.to_string()))?;
        let into = into
            .map(|path| {
                let inside = path.components().all(|c| matches!(c, Component::Normal(_)));
                if !inside {
                    let text = format!("{} is not inside the capture folder", path.display());
                    return Err(failure(text));
                }
                let path = script.context.output.join(path);
                Kept::create(&path)
                    .map_err(|(path, e)| failure(format!("cannot create {}: {e}", path.display())))
            })
            .transpose()?;
        Ok(RecvFile {
            eof: Eof::new(),
            into,
            equals,
        })
    }
}

impl Act for RecvFile {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let (into, equals) = (&mut self.into, &self.equals);
        let read = self.eof.read(script, |offset, bytes| {
            if let Some(file) = into {
                file.write(bytes)
                    .map_err(|e| Progress::failed("recv", format!("cannot write: {e}"), None))?;
            }
            let Some(expected) = equals else {
                return Ok(());
            };
            match difference(expected, offset, bytes) {
                Ok(None) => Ok(()),
                Ok(Some(text)) => Err(Progress::failed("recv", text, None)),
                Err(e) => Err(Progress::failed("recv", format!("cannot read: {e}"), None)),
            }
        });
        let got = match read {
            Ok(n) => n,
            Err(progress) => return progress,
        };
        if let Some(file) = into
            && let Err(e) = file.finish()
        {
            let text = format!("cannot give the received file its name: {e}");
            return Progress::failed("recv", text, Op::PeerFin);
        }
        if let Some(expected) = equals
            && expected.len() != got
        {
            let text = format!("{got} bytes came, {} were expected", expected.len());
            return Progress::failed("recv", text, Op::PeerFin);
        }
        Progress::done("recv", format!("{got}, then 0"), Op::PeerFin)
    }

    fn waiting(&self, script: &Script) -> String {
        self.eof.waiting(script)
    }

    fn abandon(&mut self, script: &mut Script) {
        self.eof.abandon(script);
    }
}
