//! What a filter can ask of a frame.

use std::fmt;
use std::net::IpAddr;

use super::layers::{Layer, Layers, walk};
use crate::tcp::{Fed, Tracked, Tracker};
use crate::timeline::Nanos;
use crate::wire::Frame;
use crate::wire::{Packet, Reassembler, Segment};

/// What a frame does not allow to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown {
    /// The field that a filter asked for.
    pub field: &'static str,
    /// What stands in the way.
    pub why: &'static str,
    /// The frame's number.
    pub frame: u64,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unknown { field, why, frame } = self;
        write!(f, "frame {frame}: `{field}` cannot be told of {why}")
    }
}

impl std::error::Error for Unknown {}

/// One frame as filters see it. See [`Viewer`].
#[derive(Debug, Clone)]
pub struct PacketView<'a> {
    pub(super) frame: Frame<'a>,
    /// Since the first frame, and since the one before.
    pub(super) relative: Nanos,
    pub(super) delta: Nanos,
    pub(super) layers: Layers<'a>,
    pub(super) transport: Transport<'a>,
}

/// What the innermost packet is.
#[derive(Debug, Clone)]
pub(super) enum Transport<'a> {
    Tcp(Tcp<'a>),
    Udp {
        ports: [u16; 2],
        len: u32,
        payload: &'a [u8],
    },
    /// A TCP header that is not a segment.
    Stub([u16; 2]),
    /// A datagram of many fragments, complete with this frame and of another protocol.
    Other,
}

#[derive(Debug, Clone)]
pub(super) struct Tcp<'a> {
    pub segment: Segment<'a>,
    pub tracked: Tracked,
    /// Since the first segment of the stream, and since the one before.
    pub relative: Nanos,
    pub delta: Nanos,
}

/// Makes views, frame by frame in capture order: it follows TCP streams, puts fragments together,
/// and remembers the times that relative ones refer to.
#[derive(Debug, Default)]
pub struct Viewer {
    reassembler: Reassembler,
    tracker: Tracker,
    lens: Lens,
}

impl Viewer {
    /// The view of the next frame.
    pub fn view<'a>(&'a mut self, frame: &Frame<'a>) -> PacketView<'a> {
        let packet = self.reassembler.parse(frame);
        let fed = self.tracker.feed(frame.number, frame.time, &packet);
        self.lens.view(frame, packet, fed)
    }
}

/// Makes views of frames that somebody else parses and tracks. It remembers times: 16 bytes for
/// each stream.
#[derive(Debug, Default)]
pub struct Lens {
    first: Option<Nanos>,
    last: Option<Nanos>,
    /// First and last time of each stream, by its number.
    streams: Vec<(Nanos, Nanos)>,
}

impl Lens {
    /// The view of the next frame, of which these became known.
    pub fn view<'a>(&mut self, frame: &Frame<'a>, packet: Packet<'a>, fed: Fed) -> PacketView<'a> {
        let first = *self.first.get_or_insert(frame.time);
        let last = self.last.replace(frame.time).unwrap_or(frame.time);
        let mut layers = walk(frame);
        let times = match fed {
            Fed::Segment(Tracked { stream, .. }) | Fed::Header(stream) => {
                times(&mut self.streams, stream, frame.time)
            }
            Fed::Nothing => (frame.time, frame.time),
        };
        let transport = match packet {
            Packet::Tcp(segment) => {
                expect(&mut layers, segment.src, segment.dst);
                match fed {
                    Fed::Segment(tracked) => Transport::Tcp(Tcp {
                        segment,
                        tracked,
                        relative: frame.time.wrapping_sub(times.0),
                        delta: frame.time.wrapping_sub(times.1),
                    }),
                    _ => Transport::Other,
                }
            }
            Packet::Stub(stub, _) => Transport::Stub([stub.src.port(), stub.dst.port()]),
            Packet::Udp(udp) => {
                expect(&mut layers, udp.src, udp.dst);
                Transport::Udp {
                    ports: [udp.src_port, udp.dst_port],
                    len: udp.len,
                    payload: udp.payload,
                }
            }
            _ => Transport::Other,
        };
        PacketView {
            frame: *frame,
            relative: frame.time.wrapping_sub(first),
            delta: frame.time.wrapping_sub(last),
            layers,
            transport,
        }
    }
}

/// The stream's first time, and the one before `now`, which takes its place.
fn times(streams: &mut Vec<(Nanos, Nanos)>, stream: u32, now: Nanos) -> (Nanos, Nanos) {
    let index = stream as usize;
    if index >= streams.len() {
        streams.resize(index + 1, (now, now));
    }
    let (since, before) = streams[index];
    streams[index].1 = now;
    (since, before)
}

/// The innermost header must be among those found; otherwise there is a tunnel that `layers` did
/// not look into.
fn expect(layers: &mut Layers<'_>, src: IpAddr, dst: IpAddr) {
    let innermost = layers.list.iter().rev().find_map(|layer| match layer {
        Layer::Ipv4(h) => Some((
            IpAddr::from([h[12], h[13], h[14], h[15]]),
            IpAddr::from([h[16], h[17], h[18], h[19]]),
        )),
        Layer::Ipv6(h) => {
            let address = |at: usize| -> IpAddr {
                let mut octets = [0; 16];
                octets.copy_from_slice(&h[at..at + 16]);
                octets.into()
            };
            Some((address(8), address(24)))
        }
        _ => None,
    });
    if innermost != Some((src, dst)) && layers.closed.is_none() {
        layers.closed = Some("a packet in a tunnel");
    }
}
