//! A scenario file, run and judged from a test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::again;
use super::error::Error;
use crate::capture::FrameStore;
use crate::capture::spill::IN_MEMORY;
use crate::capture::write::PcapWriter;
use crate::check::{Judge, Judged, Policy, Verdict};
use crate::flow::Flow;
use crate::lab::{self, RunOptions};
use crate::platform::Cancel;
use crate::report::{self, text};
use crate::scenario;
use crate::tcp::Conversation;
use crate::timeline::Event;
use crate::wire::LinkType;

/// How a scenario is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What to do with the snapshots beside the scenario. By default [`Policy::Compare`]; with
    /// `CI=true` [`Policy::ReadOnly`].
    pub policy: Policy,
    /// Where files that scripts receive go; the system's folder for temporary files by default.
    pub output: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        let ci = std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1");
        Settings {
            policy: if ci {
                Policy::ReadOnly
            } else {
                Policy::Compare
            },
            output: std::env::temp_dir(),
        }
    }
}

/// A scenario that was run and judged.
#[derive(Debug, Clone)]
pub struct Tested {
    /// All that reports are made of: verdict, connections by name, events, frames.
    pub judged: Judged,
}

/// Runs a scenario file and judges it by its snapshot and expectations. The path is relative to the
/// working folder, which cargo makes the package's.
///
/// # Errors
/// The file is wrong, the process not isolated, or the lab could not run it. What the scenario's
/// programs did wrong is no error but [`Tested::judged`]'s verdict.
pub fn run(path: impl AsRef<Path>) -> Result<Tested, Error> {
    run_with(path, &Settings::default())
}

/// As [`run`], with settings.
///
/// # Errors
/// As [`run`].
pub fn run_with(path: impl AsRef<Path>, settings: &Settings) -> Result<Tested, Error> {
    let start = Instant::now();
    let scenario = Arc::new(scenario::load(path.as_ref())?);
    let system = |operation| move |source| Error::System { operation, source };
    let options = RunOptions {
        isolation: again::isolation()?,
        output: settings.output.clone(),
        memory: IN_MEMORY,
        interrupt: Cancel::new().map_err(system("make an eventfd"))?,
    };
    let ran = lab::run(&scenario, &options)?;
    let judge = Judge {
        policy: settings.policy,
        isolated: true,
        ..Judge::default()
    };
    let opinion = judge.judge(&scenario, &ran.recording, ran.conversations, &ran.exchanges)?;
    ran.closing.join();
    Ok(Tested {
        judged: opinion.of(scenario, ran.recording, None, start.elapsed()),
    })
}

impl Tested {
    /// Fails the test unless everything held, with the whole report: packets, ladder, findings.
    ///
    /// # Panics
    /// The verdict is not 'passed'.
    #[track_caller]
    pub fn assert_passed(&self) {
        if !matches!(self.judged.verdict, Verdict::Passed { .. }) {
            panic!(
                "{} did not pass\n{}",
                self.judged.scenario.name,
                self.report()
            );
        }
    }

    /// What the terminal shows of a run, without colours.
    pub fn report(&self) -> String {
        let mut out = anstream::StripStream::new(vec![]);
        // Writing into memory does not fail.
        let _ = text::write(&mut out, &self.judged, &report::Options::default());
        String::from_utf8_lossy(&out.into_inner()).into_owned()
    }

    /// The flow of every connection, by name, as the snapshot beside the scenario holds it.
    pub fn flows(&self) -> String {
        crate::check::judge::flows_text(&self.judged.connections, &self.judged.datagrams)
    }

    /// The connection of that name (`client-1`; its second one is `client-1#2`).
    pub fn conversation(&self, name: &str) -> Option<&Conversation> {
        let mut connections = self.judged.connections.iter();
        connections
            .find(|named| named.name == name)
            .map(|named| &named.conversation)
    }

    /// The flow of the connection of that name.
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        let connections = self.judged.connections.iter().map(|named| &named.flow);
        let mut flows = connections.chain(&self.judged.datagrams);
        flows.find(|flow| flow.name == name)
    }

    /// What the actors did, in order.
    pub fn events(&self) -> &[Event] {
        let recording = self.judged.recording.as_ref();
        recording.map_or(&[], |recording| &recording.events)
    }

    /// Writes all frames as a nanosecond pcap file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_pcap(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        match &self.judged.recording {
            Some(recording) => write_pcap(
                path.as_ref(),
                &recording.frames,
                recording.link,
                recording.snaplen,
            ),
            None => Ok(()),
        }
    }
}

pub(super) fn write_pcap(
    path: &Path,
    frames: &FrameStore,
    link: LinkType,
    snaplen: u32,
) -> Result<(), Error> {
    let mut writer = PcapWriter::create(path, link, snaplen)?;
    writer.write_all(frames)?;
    writer.finish()?;
    Ok(())
}

pub(super) fn text(flows: &[Flow]) -> String {
    let flows: Vec<String> = flows.iter().map(Flow::to_string).collect();
    if flows.is_empty() {
        return "no packet\n".to_owned();
    }
    flows.join("\n")
}
