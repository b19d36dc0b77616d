//! pcapng: as pcap, with comments, names and the capture's counters.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::interface_statistics::{
    InterfaceStatisticsBlock, InterfaceStatisticsOption,
};
use pcap_file::pcapng::blocks::name_resolution::{
    Ipv4Record, Ipv6Record, NameResolutionBlock, Record,
};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgBlock, PcapNgWriteError, PcapNgWriter as Blocks};

use super::output::{Output, WriteError};
use crate::capture::Stats;
use crate::timeline::Nanos;
use crate::wire::Frame;
use crate::wire::LinkType;

/// What stands in front of the frames.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PcapngInfo {
    /// The section's comment: the scenario's name and title.
    pub comment: Option<String>,
    /// Names of addresses, shown by Wireshark in their place.
    pub names: BTreeMap<IpAddr, Vec<String>>,
    /// The capture filter, if there was one.
    pub filter: Option<String>,
}

/// Writes a pcapng file of one interface, block by block.
pub struct PcapngWriter {
    blocks: Blocks<Output>,
    path: PathBuf,
    frames: u64,
}

impl PcapngWriter {
    /// Starts a file that will be at `path` when finished. `snaplen` in bytes.
    ///
    /// # Errors
    /// The folder cannot be written to, or the disk is full.
    pub fn create(
        path: &Path,
        link: LinkType,
        snaplen: u32,
        info: &PcapngInfo,
    ) -> Result<Self, WriteError> {
        let mut options = vec![
            SectionHeaderOption::OS(Cow::Borrowed("Linux")),
            SectionHeaderOption::UserApplication(Cow::Borrowed(concat!(
                "lab-capture ",
                env!("CARGO_PKG_VERSION")
            ))),
        ];
        options.extend(
            info.comment
                .as_deref()
                .map(|text| SectionHeaderOption::Common(comment(text))),
        );
        let section = SectionHeaderBlock {
            options,
            ..SectionHeaderBlock::default()
        };
        let output = Output::create(path)?;
        let blocks =
            Blocks::with_section_header(output, section).map_err(|e| translate(path, e))?;
        let mut writer = PcapngWriter {
            blocks,
            path: path.to_owned(),
            frames: 0,
        };
        let nanoseconds = InterfaceTsResolution::new(false, 9)
            .map_err(|e| translate(path, PcapNgWriteError::Io(std::io::Error::other(e))))?;
        let mut options = vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed("lo")),
            InterfaceDescriptionOption::IfTsResol(nanoseconds),
        ];
        // An IfFilter begins with a byte 0 for text.
        options.extend(info.filter.as_deref().map(|text| {
            InterfaceDescriptionOption::IfFilter(Cow::Owned([b"\0", cut(text).as_bytes()].concat()))
        }));
        writer.block(InterfaceDescriptionBlock {
            linktype: DataLink::from(u32::from(link.0)),
            snaplen,
            options,
        })?;
        if !info.names.is_empty() {
            writer.block(NameResolutionBlock {
                records: info.names.iter().map(record).collect(),
                options: vec![],
            })?;
        }
        writer.flush()?;
        Ok(writer)
    }

    /// Appends a frame with its comments.
    ///
    /// # Errors
    /// The disk is full, or the file system failed; nothing more can be written then.
    pub fn write(&mut self, frame: &Frame<'_>, comments: &[&str]) -> Result<(), WriteError> {
        self.block(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: since_epoch(frame.time),
            original_len: frame.wire_len,
            data: Cow::Borrowed(frame.data),
            options: comments
                .iter()
                .map(|text| EnhancedPacketOption::Common(comment(text)))
                .collect(),
        })?;
        self.frames += 1;
        Ok(())
    }

    /// Appends the capture's counters, after the last frame.
    ///
    /// # Errors
    /// As [`PcapngWriter::write`].
    pub fn statistics(&mut self, at: Nanos, stats: Stats) -> Result<(), WriteError> {
        self.block(InterfaceStatisticsBlock {
            interface_id: 0,
            timestamp: since_epoch(at),
            options: vec![
                InterfaceStatisticsOption::IsbIfRecv(stats.received.into()),
                InterfaceStatisticsOption::IsbIfDrop(stats.if_dropped.into()),
                InterfaceStatisticsOption::IsbOsDrop(stats.dropped.into()),
            ],
        })
    }

    /// Frames written.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Hands what is buffered to the kernel.
    ///
    /// # Errors
    /// As [`PcapngWriter::write`].
    pub fn flush(&mut self) -> Result<(), WriteError> {
        let output = self.blocks.get_mut();
        output.end_record()?;
        output.flush_records()
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// As [`PcapngWriter::write`]; a file that was there before is untouched.
    pub fn finish(mut self) -> Result<PathBuf, WriteError> {
        self.blocks.get_mut().end_record()?;
        self.blocks.into_inner().finish()
    }

    fn block<'a>(&mut self, block: impl PcapNgBlock<'a>) -> Result<(), WriteError> {
        self.blocks
            .write_pcapng_block(block)
            .map_err(|e| translate(&self.path, e))?;
        self.blocks.get_mut().end_record()
    }
}

fn since_epoch(time: Nanos) -> Duration {
    Duration::from_nanos(u64::try_from(time).unwrap_or(0))
}

/// Options have 16 bits for their length.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(u16::MAX as usize - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn comment(text: &str) -> CommonOption<'_> {
    CommonOption::Comment(Cow::Borrowed(cut(text)))
}

fn record<'a>((address, names): (&'a IpAddr, &'a Vec<String>)) -> Record<'a> {
    let names = names.iter().map(|n| Cow::Borrowed(cut(n))).collect();
    match *address {
        IpAddr::V4(ip_addr) => Record::Ipv4(Ipv4Record { ip_addr, names }),
        IpAddr::V6(ip_addr) => Record::Ipv6(Ipv6Record { ip_addr, names }),
    }
}

fn translate(path: &Path, error: PcapNgWriteError) -> WriteError {
    let source = match error {
        PcapNgWriteError::Io(source) => source,
        other => std::io::Error::other(other),
    };
    WriteError::Write {
        path: path.to_owned(),
        source,
    }
}
