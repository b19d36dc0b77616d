//! Follows the capture while it grows: frames into the store, segments onto the live wire.

use std::sync::Arc;

use super::watch::Wire;
use crate::capture::FrameStore;
use crate::capture::live::LiveCapture;
use crate::wire::{LinkType, Packet, Reassembler};

/// What has been captured and how far it has been followed.
#[derive(Debug)]
pub struct Observer {
    link: LinkType,
    wire: Arc<Wire>,
    reassembler: Reassembler,
    frames: FrameStore,
    followed: usize,
}

impl Observer {
    /// Nothing followed yet.
    pub fn new(link: LinkType, wire: Arc<Wire>) -> Self {
        Observer {
            link,
            wire,
            reassembler: Reassembler::default(),
            frames: FrameStore::default(),
            followed: 0,
        }
    }

    /// Takes what the capture has, follows it, and wakes those who wait for segments.
    pub fn look(&mut self, capture: &LiveCapture) {
        if capture.take_into(&mut self.frames) > 0 {
            self.follow();
        }
    }

    /// How many frames have been followed.
    pub fn followed(&self) -> usize {
        self.followed
    }

    /// Takes the last frames of a capture that has been closed.
    pub fn last(mut self, rest: &FrameStore) -> FrameStore {
        for frame in rest.iter(self.link) {
            self.frames.push(frame.time, frame.wire_len, frame.data);
        }
        self.follow();
        self.frames
    }

    fn follow(&mut self) {
        while let Some(frame) = self.frames.get(self.followed, self.link) {
            let packet = self.reassembler.parse(&frame);
            self.wire.push(frame.number, frame.time, &packet);
            match packet {
                Packet::Udp(datagram) => {
                    self.wire
                        .push_udp(|all| all.push(frame.number, frame.time, &datagram));
                }
                Packet::Icmp(icmp) => self.wire.push_udp(|all| all.push_icmp(frame.number, &icmp)),
                _ => {}
            }
            self.followed += 1;
        }
        self.wire.wake();
    }
}
