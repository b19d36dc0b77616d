//! All packets of a capture file, one line each, as they are read.

use std::io::{self, Write};

use super::buffer::Buffer;
use super::records;
use crate::tcp::Fed;
use crate::timeline::Nanos;
use crate::wire::Frame;
use crate::wire::{Packet, Segment};

/// Writes lines: frame, seconds since the first frame, stream, who to whom, what.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Buffer,
    start: Option<Nanos>,
    /// Widest pair of addresses so far; later lines keep to it.
    widest: usize,
}

impl Lines {
    /// Lines whose times count from `start`, ns since the Unix epoch.
    pub fn new(start: Nanos) -> Lines {
        Lines {
            start: Some(start),
            ..Lines::default()
        }
    }

    /// Writes the line of a frame.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn frame(
        &mut self,
        out: &mut dyn Write,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        fed: &Fed,
    ) -> io::Result<()> {
        let start = *self.start.get_or_insert(frame.time);
        let b = &mut self.buffer;
        right(b, 6, |b| b.number(frame.number));
        b.byte(b' ');
        right(b, 12, |b| {
            b.fraction(frame.time.wrapping_sub(start), 1_000_000_000, 6);
        });
        b.byte(b' ');
        let stream = match fed {
            Fed::Segment(tracked) => Some(tracked.stream),
            Fed::Header(stream) => Some(*stream),
            Fed::Nothing => None,
        };
        right(b, 5, |b| match stream {
            Some(stream) => b.number(stream.into()),
            None => b.byte(b'-'),
        });
        b.text("  ");
        match (packet, fed) {
            (Packet::Tcp(segment), Fed::Segment(tracked)) => {
                ends(b, &mut self.widest, |b| {
                    b.address(segment.src, segment.src_port);
                    b.text(" → ");
                    b.address(segment.dst, segment.dst_port);
                });
                tcp(b, segment, tracked);
            }
            (Packet::Udp(d), _) => {
                ends(b, &mut self.widest, |b| {
                    b.address(d.src, d.src_port);
                    b.text(" → ");
                    b.address(d.dst, d.dst_port);
                });
                b.text("UDP len ");
                b.number(d.len.into());
            }
            (Packet::Stub(stub, reason), _) => {
                ends(b, &mut self.widest, |b| {
                    b.address(stub.src.ip(), stub.src.port());
                    b.text(" → ");
                    b.address(stub.dst.ip(), stub.dst.port());
                });
                records::flags(b, stub.flags);
                b.text("  ");
                b.display(crate::wire::Reason::Tcp(*reason));
            }
            (Packet::Icmp(message), _) => {
                ends(b, &mut self.widest, |b| {
                    b.display(message.src);
                    b.text(" → ");
                    b.display(message.dst);
                });
                b.text(if message.v6 {
                    "ICMPv6 type "
                } else {
                    "ICMP type "
                });
                b.number(message.kind.into());
                b.text(" code ");
                b.number(message.code.into());
            }
            (Packet::Fragment(f), _) => {
                ends(b, &mut self.widest, |b| {
                    b.display(f.src);
                    b.text(" → ");
                    b.display(f.dst);
                });
                b.text("IP fragment at ");
                b.number(f.offset.into());
            }
            (other, _) => {
                if let Some(reason) = other.reason() {
                    b.display(reason);
                }
            }
        }
        b.byte(b'\n');
        b.spill(out)
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.buffer.flush(out)
    }
}

fn tcp(b: &mut Buffer, segment: &Segment<'_>, tracked: &crate::tcp::Tracked) {
    records::flags(b, segment.flags);
    b.text(" seq ");
    b.number(tracked.seq.into());
    b.text(" ack ");
    b.number(tracked.ack.into());
    b.text(" len ");
    b.number(segment.len.into());
    b.text(" win ");
    b.number(tracked.window.into());
    for name in tracked.analysis.names() {
        b.text("  ");
        b.text(name);
    }
}

/// What `write` writes, at the right of `width` columns.
fn right(b: &mut Buffer, width: usize, write: impl FnOnce(&mut Buffer)) {
    let mut text = Buffer::default();
    write(&mut text);
    for _ in text.0.len()..width {
        b.byte(b' ');
    }
    b.0.extend_from_slice(&text.0);
}

/// What `write` writes, filled up to the widest so far.
fn ends(b: &mut Buffer, widest: &mut usize, write: impl FnOnce(&mut Buffer)) {
    let before = b.0.len();
    write(b);
    let width = b.0.len() - before;
    *widest = (*widest).max(width);
    for _ in width..*widest + 2 {
        b.byte(b' ');
    }
}
