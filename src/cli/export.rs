//! A recording to a capture file.

use std::path::{Path, PathBuf};

use super::options::Format;
use crate::capture::Recording;
use crate::capture::write::{PcapWriter, PcapngInfo, PcapngWriter, WriteError};

/// Writes `NAME.pcap` or `NAME.pcapng` into the folder; every frame of the run and no sentinel.
///
/// # Errors
/// The folder cannot be written to, the disk is full; the error names the path.
pub fn write(
    recording: &Recording,
    folder: &Path,
    name: &str,
    format: Format,
) -> Result<PathBuf, WriteError> {
    let extension = match format {
        Format::Pcap => "pcap",
        Format::Pcapng => "pcapng",
    };
    write_to(
        recording,
        &folder.join(format!("{name}.{extension}")),
        name,
        format,
    )
}

/// The same into this very file.
///
/// # Errors
/// As [`write`].
pub fn write_to(
    recording: &Recording,
    path: &Path,
    name: &str,
    format: Format,
) -> Result<PathBuf, WriteError> {
    match format {
        Format::Pcap => {
            let mut writer = PcapWriter::create(path, recording.link, recording.snaplen)?;
            writer.write_all(&recording.frames)?;
            writer.finish()
        }
        Format::Pcapng => {
            let info = PcapngInfo {
                comment: Some(format!("scenario: {name}")),
                ..PcapngInfo::default()
            };
            let mut writer = PcapngWriter::create(path, recording.link, recording.snaplen, &info)?;
            let mut events = recording.events.iter().peekable();
            let mut last = 0;
            for frame in recording.frames.iter(recording.link) {
                // What actors did since the frame before stands as a comment on this one.
                let mut comments = vec![];
                while let Some(event) = events.next_if(|event| event.at <= frame.time) {
                    comments.push(format!("{}: {} {}", event.actor, event.call, event.result));
                }
                let comments: Vec<&str> = comments.iter().map(String::as_str).collect();
                writer.write(&frame, &comments)?;
                last = frame.time;
            }
            writer.statistics(last, recording.stats)?;
            writer.finish()
        }
    }
}
