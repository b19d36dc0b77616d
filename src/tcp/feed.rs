//! What a frame carries, handed to the tracker: the one place that knows what Wireshark takes for
//! a TCP header.

use super::{Tracked, Tracker};
use crate::timeline::Nanos;
use crate::wire::{Packet, Stub};

/// What the tracker made of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// A segment, with its analysis.
    Segment(Tracked),
    /// A TCP header that is no segment, and the stream that Wireshark gives to it.
    Header(u32),
    /// Nothing of TCP.
    Nothing,
}

impl Tracker {
    /// Takes what a frame carries, in capture order: a segment, one whose header was cut by the
    /// snapshot length, a header without a segment, one quoted in an ICMP error.
    #[inline]
    pub fn feed(&mut self, frame: u64, time: Nanos, packet: &Packet<'_>) -> Fed {
        match packet {
            Packet::Tcp(segment) if segment.options.cut => {
                Fed::Segment(self.push_cut(frame, time, segment))
            }
            Packet::Tcp(segment) => Fed::Segment(self.push(frame, time, segment)),
            Packet::Stub(stub, _) => Fed::Header(self.header(time, stub)),
            Packet::Icmp(message) => match message.quoted_tcp() {
                Some(stub) => Fed::Header(self.header(time, &stub)),
                None => Fed::Nothing,
            },
            _ => Fed::Nothing,
        }
    }

    fn header(&mut self, time: Nanos, stub: &Stub) -> u32 {
        let ends = (stub.src, stub.dst);
        self.push_stub(time, ends, stub.seq, stub.flags, stub.options.as_ref())
    }
}
