//! A recording to a capture file.

use std::path::{Path, PathBuf};

use super::args::Format;
use crate::capture::Recording;
use crate::capture::write::{PcapWriter, WriteError};

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
    match format {
        Format::Pcap | Format::Pcapng => {
            let path = folder.join(format!("{name}.pcap"));
            let mut writer = PcapWriter::create(&path, recording.link, recording.snaplen)?;
            for frame in recording.frames.iter(recording.link) {
                writer.write(&frame)?;
            }
            writer.finish()
        }
    }
}
