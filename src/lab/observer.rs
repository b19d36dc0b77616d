//! Follows the capture while it grows: frames into the store, segments onto the live wire.

use std::sync::Arc;

use super::watch::Wire;
use crate::capture::live::LiveCapture;
use crate::capture::{FrameStore, Spill};
use crate::wire::{LinkType, Reassembler};

/// What has been captured and how far it has been followed.
///
/// The capture thread only copies; that frames go where they stay, in memory or in a file, is this
/// one's work, before anybody refers to them. While a slow disk holds it up, frames wait in memory, as
/// many as [`crate::capture::live::LiveConfig::behind`] says.
#[derive(Debug)]
pub struct Observer {
    link: LinkType,
    wire: Arc<Wire>,
    reassembler: Reassembler,
    frames: FrameStore,
    spill: Spill,
    followed: usize,
}

/// All frames, and why some are cut, if they had to be.
#[derive(Debug)]
pub struct Observed {
    /// In capture order.
    pub frames: FrameStore,
    /// In words: nothing can be proven then.
    pub doubt: Option<String>,
}

impl Observer {
    /// Nothing followed yet. What is too much for memory goes into `spill`.
    pub fn new(link: LinkType, wire: Arc<Wire>, spill: Spill) -> Self {
        Observer {
            link,
            wire,
            reassembler: Reassembler::default(),
            frames: FrameStore::default(),
            spill,
            followed: 0,
        }
    }

    /// Takes what the capture has, follows it, and wakes those who wait for segments.
    pub fn look(&mut self, capture: &LiveCapture) {
        let new = capture.take();
        if !new.is_empty() {
            self.frames.append(new, &mut self.spill);
            self.follow();
        }
    }

    /// How many frames have been followed.
    pub fn followed(&self) -> usize {
        self.followed
    }

    /// Takes the last frames of a capture that has been closed.
    pub fn last(mut self, rest: FrameStore) -> Observed {
        self.frames.append(rest, &mut self.spill);
        self.follow();
        Observed {
            frames: self.frames,
            doubt: self.spill.error().map(ToString::to_string),
        }
    }

    fn follow(&mut self) {
        while let Some(frame) = self.frames.get(self.followed, self.link) {
            let chunk = self.frames.chunk_of(self.followed);
            let packet = self.reassembler.parse(&frame);
            self.wire.push(frame.number, frame.time, &packet, chunk);
            self.followed += 1;
        }
        self.wire.wake();
    }
}
