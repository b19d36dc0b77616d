//! What can be made of a pass: the table, lines, records, one connection, its streams.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::pass::View;
use crate::report::buffer::Buffer;
use crate::report::follow::{Follow, Form};
use crate::report::lines::Lines;
use crate::report::records;
use crate::report::table::Table;
use crate::tcp::streams::{Piece, Why};
use crate::tcp::{Conversation, Fed, Seg, Side, Streams, Summary};
use crate::wire::Frame;
use crate::wire::Packet;

/// The table of connections.
pub struct TableView<'a> {
    /// Where it goes.
    pub out: &'a mut dyn Write,
    /// Its rows.
    pub table: Table,
}

impl View for TableView<'_> {
    #[inline]
    fn frame(&mut self, _: &Frame<'_>, _: &Packet<'_>, _: &Fed) -> io::Result<()> {
        Ok(())
    }

    fn connection(&mut self, summary: &Summary) -> io::Result<()> {
        self.table.row(self.out, summary)
    }
}

/// One line for each packet.
pub struct LinesView<'a> {
    /// Where they go.
    pub out: &'a mut dyn Write,
    /// The lines.
    pub lines: Lines,
}

impl View for LinesView<'_> {
    fn frame(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, fed: &Fed) -> io::Result<()> {
        self.lines.frame(self.out, frame, packet, fed)
    }

    fn connection(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

/// JSON Lines.
pub struct JsonView<'a> {
    /// Where they go.
    pub out: &'a mut dyn Write,
    /// What waits to be written.
    pub buffer: Buffer,
}

impl View for JsonView<'_> {
    #[inline]
    fn frame(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, fed: &Fed) -> io::Result<()> {
        if let (Packet::Tcp(segment), Fed::Segment(tracked)) = (packet, fed) {
            records::segment(&mut self.buffer, frame.number, frame.time, segment, tracked);
            self.buffer.spill(self.out)?;
        }
        Ok(())
    }

    fn connection(&mut self, summary: &Summary) -> io::Result<()> {
        records::connection(&mut self.buffer, summary);
        self.buffer.spill(self.out)
    }
}

/// Segments of one connection that are kept for its packet list and ladder, and their bytes.
const KEPT: usize = 10_000;
const KEPT_BYTES: usize = 16 << 20;

/// One connection.
#[derive(Default)]
pub struct StreamView {
    /// Its segments, the first ones.
    pub segments: Vec<Seg>,
    /// Those that were not kept.
    pub more: u64,
    /// Its account; several, if it was closed early and went on.
    pub summaries: Vec<Summary>,
    bytes: usize,
}

impl View for StreamView {
    fn frame(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, fed: &Fed) -> io::Result<()> {
        let (Packet::Tcp(segment), Fed::Segment(tracked)) = (packet, fed) else {
            return Ok(());
        };
        if self.segments.len() >= KEPT || self.bytes >= KEPT_BYTES {
            self.more += 1;
            return Ok(());
        }
        self.bytes += segment.payload.len();
        self.segments
            .push(Seg::new(frame.number, frame.time, segment, tracked));
        Ok(())
    }

    fn connection(&mut self, summary: &Summary) -> io::Result<()> {
        self.summaries.push(summary.clone());
        Ok(())
    }
}

impl StreamView {
    /// What was collected, as a conversation.
    pub fn conversation(self) -> Option<(Summary, Conversation, u64)> {
        let summary = self.summaries.into_iter().next()?;
        let conversation = Conversation {
            stream: summary.stream,
            client: summary.client,
            server: summary.server,
            segments: self.segments,
        };
        Some((summary, conversation, self.more))
    }
}

/// Where followed bytes go.
pub enum Target<'a> {
    /// Both directions to one writer.
    One(&'a mut dyn Write),
    /// Each to a file of its own: the client's, the server's.
    Each([BufWriter<File>; 2]),
}

/// The streams of one connection.
pub struct FollowView<'a> {
    form: Form,
    from: Option<Side>,
    target: Target<'a>,
    streams: Streams,
    follow: Option<Follow>,
    ends: Option<[String; 2]>,
    frame: u64,
    offsets: [u64; 2],
    /// Holes: whose, at which offset, how many bytes, why. The first ones.
    pub holes: Vec<(Side, u64, u64, Why)>,
    /// How many there were.
    pub hole_count: u64,
}

impl<'a> FollowView<'a> {
    /// Follows what `from` sent, or both.
    pub fn new(form: Form, from: Option<Side>, target: Target<'a>) -> Self {
        FollowView {
            form,
            from,
            target,
            streams: Streams::default(),
            follow: None,
            ends: None,
            frame: 0,
            offsets: [0; 2],
            holes: vec![],
            hole_count: 0,
        }
    }

    /// Hands out what is left; was there any segment?
    pub fn finish(mut self) -> io::Result<Done> {
        let mut streams = std::mem::take(&mut self.streams);
        streams.finish(|side, piece| self.piece(side, piece))?;
        match &mut self.target {
            Target::One(out) => match &mut self.follow {
                Some(follow) => follow.finish(*out)?,
                None => out.flush()?,
            },
            Target::Each(files) => files.iter_mut().try_for_each(Write::flush)?,
        }
        Ok(Done {
            found: self.ends.is_some(),
            holes: self.holes,
            hole_count: self.hole_count,
        })
    }

    fn piece(&mut self, side: Side, piece: Piece<'_>) -> io::Result<()> {
        if self.from.is_some_and(|from| from != side) {
            return Ok(());
        }
        let offset = &mut self.offsets[side.index()];
        match piece {
            Piece::Data(bytes) => *offset += bytes.len() as u64,
            Piece::Missing(n, why) => {
                self.hole_count += 1;
                if self.holes.len() < 10 {
                    self.holes.push((side, *offset, n, why));
                }
                *offset += n;
            }
        }
        match &mut self.target {
            Target::One(out) => {
                let follow = self.follow.get_or_insert_with(|| {
                    let [client, server] = self.ends.clone().unwrap_or_default();
                    Follow::new(self.form, client, server)
                });
                follow.piece(*out, side, piece, self.frame)
            }
            Target::Each(files) => match piece {
                Piece::Data(bytes) => files[side.index()].write_all(bytes),
                Piece::Missing(..) => Ok(()),
            },
        }
    }
}

/// What following came to.
pub struct Done {
    /// The stream is in the file.
    pub found: bool,
    /// See [`FollowView`].
    pub holes: Vec<(Side, u64, u64, Why)>,
    /// See [`FollowView`].
    pub hole_count: u64,
}

impl View for FollowView<'_> {
    fn frame(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, fed: &Fed) -> io::Result<()> {
        let (Packet::Tcp(segment), Fed::Segment(tracked)) = (packet, fed) else {
            return Ok(());
        };
        self.ends.get_or_insert_with(|| {
            let ends = [segment.source(), segment.destination()].map(|end| end.to_string());
            let [src, dst] = ends;
            match tracked.from {
                Side::Client => [src, dst],
                Side::Server => [dst, src],
            }
        });
        self.frame = frame.number;
        let mut streams = std::mem::take(&mut self.streams);
        let taken = streams.take(segment, tracked, |side, piece| self.piece(side, piece));
        self.streams = streams;
        taken
    }

    fn connection(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}
