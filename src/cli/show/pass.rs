//! One pass over a file: every frame parsed, fed to the tracker, counted, and handed to a view.

use std::io;

use super::select::Select;
use crate::capture::read::{ReadError, Reader};
use crate::report::census::Census;
use crate::tcp::{Fed, How, Summary, Tracker};
use crate::wire::Frame;
use crate::wire::{Packet, Reassembler};

/// Connections that ended before the file did, replaced by others on their ports or closed to
/// bound memory, wait for their place in the order of streams: so many. Beyond it they come out
/// before those that are still followed.
const WAITING: usize = 8192;
/// How often the tracker is asked for them, in frames.
const OFTEN: u64 = 1024;

/// What looks at the frames of a pass.
pub trait View {
    /// The next frame, if it was selected.
    fn frame(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, fed: &Fed) -> io::Result<()>;
    /// A connection that is finished, if it was selected.
    fn connection(&mut self, summary: &Summary) -> io::Result<()>;
}

/// How a pass ended.
#[derive(Debug)]
pub struct Passed {
    /// What was counted.
    pub census: Census,
    /// What stopped the reading before the end of the file.
    pub error: Option<ReadError>,
    /// Streams that there were.
    pub streams: u32,
}

/// Reads to the end of the file, or to where it is damaged.
///
/// # Errors
/// Those of the view.
pub fn pass(reader: &mut Reader, select: &mut Select, view: &mut impl View) -> io::Result<Passed> {
    let mut reassembler = Reassembler::default();
    let mut tracker = Tracker::default();
    let mut census = Census::default();
    let mut waiting: Vec<Summary> = vec![];
    let error = loop {
        let frame = match reader.next() {
            Ok(Some(frame)) => frame,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        let packet = reassembler.parse(&frame);
        census.count(&frame, &packet);
        let fed = tracker.feed(frame.number, frame.time, &packet);
        if select.frame(&frame, &packet, &fed) {
            view.frame(&frame, &packet, &fed)?;
        }
        if frame.number.is_multiple_of(OFTEN) {
            waiting.extend(tracker.take_finished());
            if waiting.len() >= WAITING {
                waiting.sort_by_key(|s| s.stream);
                for summary in waiting.drain(..) {
                    finished(&summary, select, &mut census, view)?;
                }
            }
        }
    };
    waiting.extend(tracker.take_finished());
    waiting.sort_by_key(|s| s.stream);
    let streams = tracker.streams();
    let mut waiting = waiting.into_iter().peekable();
    for summary in tracker.finish() {
        while let Some(before) = waiting.next_if(|s| s.stream <= summary.stream) {
            finished(&before, select, &mut census, view)?;
        }
        finished(&summary, select, &mut census, view)?;
    }
    for summary in waiting {
        finished(&summary, select, &mut census, view)?;
    }
    Ok(Passed {
        census,
        error,
        streams,
    })
}

fn finished(
    summary: &Summary,
    select: &Select,
    census: &mut Census,
    view: &mut impl View,
) -> io::Result<()> {
    if !select.connection(summary) {
        return Ok(());
    }
    census.connections += 1;
    // Of what had ended, nothing more is to be expected.
    let open = matches!(summary.close.how, How::Open | How::Half);
    census.evicted += u64::from(summary.evicted && open);
    view.connection(summary)
}
