//! IP fragments to datagrams, as Wireshark puts them together: complete at the frame that fills
//! the last hole, in bounded memory.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::ip::{Ip, Path, transport};
use super::view::View;
use super::{Fragment, Packet, Reason, parse};
use crate::wire::Frame;

/// Bytes held in unfinished datagrams; the oldest are given up beyond this.
const MAX_BYTES: usize = 8 << 20;
/// Counted for each fragment beside its payload.
const OVERHEAD: usize = 128;
/// Fragments of one datagram: 65,536 bytes in steps of 8.
const MAX_PARTS: usize = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    /// In IPv4 a part of the key; in IPv6 what the fragment that completes the datagram says.
    protocol: u8,
    vlan: u16,
}

#[derive(Debug, Default)]
struct Unfinished {
    /// Which of several under the same key, for the queue of ages.
    serial: u64,
    /// By offset, those that came first before others of the same offset.
    parts: BTreeMap<(u32, u32), Vec<u8>>,
    /// Bytes from the first on without a hole.
    covered: u32,
    /// Known when the last fragment has come.
    len: Option<u32>,
    bytes: usize,
}

impl Unfinished {
    /// Adds a part and moves on over what it connects: each part is passed once.
    fn add(&mut self, offset: u32, bytes: &[u8]) {
        let end = offset + bytes.len() as u32;
        self.parts
            .insert((offset, self.parts.len() as u32), bytes.to_vec());
        if offset > self.covered || end <= self.covered {
            return;
        }
        let behind = (self.covered, u32::MAX);
        self.covered = end;
        for (&(offset, _), bytes) in self.parts.range(behind..) {
            if offset > self.covered {
                break;
            }
            self.covered = self.covered.max(offset + bytes.len() as u32);
        }
    }

    /// The datagram's payload if no byte is missing. Where parts overlap, the first in order of
    /// offset wins, as in Wireshark.
    fn whole(&self) -> Option<Vec<u8>> {
        let len = self.len.filter(|&len| self.covered >= len)?;
        let mut whole = Vec::with_capacity(len as usize);
        for (&(offset, _), bytes) in &self.parts {
            let done = whole.len() as u32;
            if offset > done || done >= len {
                break;
            }
            let from = (done - offset) as usize;
            let to = bytes.len().min((len - offset) as usize);
            whole.extend_from_slice(bytes.get(from..to).unwrap_or(&[]));
        }
        Some(whole)
    }
}

/// Puts fragments together. The one thing in this room with a memory.
#[derive(Debug, Default)]
pub struct Reassembler {
    unfinished: FxHashMap<Key, Unfinished>,
    ages: VecDeque<(u64, Key)>,
    serial: u64,
    bytes: usize,
    given_up: u64,
    done: Vec<u8>,
}

impl Reassembler {
    /// As [`parse`], and where the frame completes a fragmented datagram, what that carries.
    #[inline]
    pub fn parse<'a>(&'a mut self, frame: &Frame<'a>) -> Packet<'a> {
        match parse(frame) {
            Packet::Fragment(fragment) => self.push(&fragment),
            packet => packet,
        }
    }

    /// Datagrams given up because too many were unfinished at once.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Datagrams still unfinished.
    pub fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    /// Takes a fragment; the datagram's content if it is complete now, the fragment otherwise.
    pub fn push<'a>(&'a mut self, fragment: &Fragment<'a>) -> Packet<'a> {
        let Some(mut done) = self.add(fragment) else {
            return Packet::Fragment(*fragment);
        };
        let mut last = Inner::of(fragment);
        // A tunnel may carry fragments in fragments.
        for _ in 0..8 {
            let inner = match open(&done, &mut last) {
                Packet::Fragment(inner) => inner,
                _ => break,
            };
            let next = Inner::of(&inner);
            match self.add(&inner) {
                Some(whole) => (done, last) = (whole, next),
                None => return Packet::Skipped(Reason::Fragment),
            }
        }
        self.done = done;
        match open(&self.done, &mut last) {
            Packet::Fragment(_) => Packet::Skipped(Reason::TooDeep),
            packet => packet,
        }
    }

    fn add(&mut self, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        let key = Key::of(fragment);
        let serial = &mut self.serial;
        let ages = &mut self.ages;
        let entry = self.unfinished.entry(key).or_insert_with(|| {
            *serial += 1;
            ages.push_back((*serial, key));
            Unfinished {
                serial: *serial,
                ..Unfinished::default()
            }
        });
        let end = fragment.offset + fragment.payload.len() as u32;
        if !fragment.more && entry.len.is_none() {
            entry.len = Some(end);
        }
        if entry.parts.len() < MAX_PARTS {
            entry.add(fragment.offset, fragment.payload);
            let cost = fragment.payload.len() + OVERHEAD;
            entry.bytes += cost;
            self.bytes += cost;
        }
        if let Some(whole) = entry.whole() {
            if let Some(entry) = self.unfinished.remove(&key) {
                self.bytes -= entry.bytes;
            }
            return Some(whole);
        }
        self.shrink();
        None
    }

    /// Gives up the oldest until the rest is within bounds.
    fn shrink(&mut self) {
        while self.bytes > MAX_BYTES || self.ages.len() > MAX_BYTES / OVERHEAD {
            let Some((serial, key)) = self.ages.pop_front() else {
                return;
            };
            if self
                .unfinished
                .get(&key)
                .is_some_and(|u| u.serial == serial)
                && let Some(entry) = self.unfinished.remove(&key)
            {
                self.bytes -= entry.bytes;
                self.given_up += 1;
            }
        }
    }
}

impl Key {
    fn of(f: &Fragment<'_>) -> Key {
        Key {
            src: f.src,
            dst: f.dst,
            id: f.id,
            protocol: if f.src.is_ipv4() { f.protocol } else { 0 },
            vlan: f.vlan,
        }
    }
}

/// How to go on with a complete datagram.
struct Inner {
    protocol: u8,
    ip: Ip,
}

impl Inner {
    fn of(f: &Fragment<'_>) -> Inner {
        Inner {
            protocol: f.protocol,
            ip: Ip {
                src: f.src,
                dst: f.dst,
                id: if f.src.is_ipv4() { f.id as u16 } else { 0 },
                ttl: f.ttl,
                vlan: f.vlan,
                cut: false,
            },
        }
    }
}

fn open<'a>(payload: &'a [u8], inner: &mut Inner) -> Packet<'a> {
    let path = Path {
        depth: 1,
        vlan: inner.ip.vlan,
    };
    let view = View::new(payload, payload.len() as u32);
    transport(view, inner.protocol, &mut inner.ip, true, path)
}
