//! One frame to one [`Packet`]: every link type, truncated and malformed frames.
//!
//! No state but the [`Reassembler`]'s. The decisions are Wireshark's: which tunnels are opened,
//! what a bad length means, when a TCP header is a segment. The parsers are the house's own, on
//! slices with a captured and a wire length, because that pair decides `tcp.len` in snapped
//! frames.

mod ether;
mod extension;
mod frame;
mod ip;
mod juniper;
pub mod link;
mod linknames;
mod links;
mod names;
mod packet;
mod parse;
mod ppp;
#[cfg(test)]
mod properties;
mod reassembly;
pub mod segment;
pub mod seq;
mod tags;
mod tcp;
mod tunnel;
mod udp;
mod view;
mod wifi;

pub use frame::Frame;
pub use link::LinkType;
pub use packet::{Fragment, LinkTypeKey, Packet, Reason, Stub, StubReason};
pub use parse::parse;
pub use reassembly::Reassembler;
pub use segment::*;
pub use seq::SeqNumber;
pub use tcp::options as tcp_options;
