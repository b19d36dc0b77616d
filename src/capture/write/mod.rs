//! Capture files written: pcap and pcapng, frame by frame, whole at any time.

pub mod output;
pub mod pcap;
pub mod pcapng;

pub use output::{Output, WriteError};
pub use pcap::PcapWriter;
pub use pcapng::{PcapngInfo, PcapngWriter};
