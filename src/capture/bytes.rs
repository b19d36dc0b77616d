//! Bytes of frames that many share: in memory, or in a file that the kernel pages in.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::platform::scratch::{Scratch, Window};

/// Bytes that never change, shared by all copies.
#[derive(Debug, Clone)]
pub struct Chunk(Arc<Held>);

#[derive(Debug)]
enum Held {
    Memory(Vec<u8>),
    File(Arc<Paged>, Range<usize>),
}

impl Chunk {
    pub(super) fn paged(window: &Arc<Paged>, range: Range<usize>) -> Chunk {
        Chunk(Arc::new(Held::File(Arc::clone(window), range)))
    }

    /// All of them.
    pub fn bytes(&self) -> &[u8] {
        match &*self.0 {
            Held::Memory(bytes) => bytes,
            Held::File(window, range) => &window.bytes()[range.clone()],
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        match &*self.0 {
            Held::Memory(bytes) => bytes.len(),
            Held::File(_, range) => range.len(),
        }
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that stay taken while it lives.
    pub fn held(&self) -> usize {
        match &*self.0 {
            Held::Memory(bytes) => bytes.capacity(),
            Held::File(..) => 0,
        }
    }

    /// The file that it lies in, and from where on, if it lies in one.
    pub fn file(&self) -> Option<(&Arc<Scratch>, u64)> {
        match &*self.0 {
            Held::Memory(_) => None,
            Held::File(window, range) => {
                let (file, offset) = window.window.place();
                Some((file, offset + range.start as u64))
            }
        }
    }

    /// These bytes, shared where they are a part of this chunk, copied where they are not (an IP
    /// datagram put together from fragments).
    pub fn payload(&self, part: &[u8]) -> Payload {
        let whole = self.bytes();
        let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize);
        let inside = start.filter(|start| {
            start
                .checked_add(part.len())
                .is_some_and(|end| end <= whole.len())
        });
        match inside.map(u32::try_from) {
            _ if part.is_empty() => Payload::default(),
            Some(Ok(start)) => Payload {
                chunk: Some(self.clone()),
                start,
                len: part.len() as u32,
            },
            _ => part.into(),
        }
    }
}

impl From<Vec<u8>> for Chunk {
    fn from(mut bytes: Vec<u8>) -> Self {
        if bytes.capacity() / 2 > bytes.len() {
            bytes.shrink_to_fit();
        }
        Chunk(Arc::new(Held::Memory(bytes)))
    }
}

/// Payload of a packet: a part of what was captured, not a copy of it. Reads as `[u8]`.
#[derive(Clone, Default)]
pub struct Payload {
    /// None if it is empty: most segments of a transfer only acknowledge.
    chunk: Option<Chunk>,
    start: u32,
    len: u32,
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.chunk {
            Some(chunk) => &chunk.bytes()[self.start as usize..][..self.len as usize],
            None => &[],
        }
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl From<Vec<u8>> for Payload {
    /// No packet has 4 GiB; what is beyond them is left out.
    fn from(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(u32::MAX as usize);
        let len = bytes.len() as u32;
        Payload {
            chunk: (len > 0).then(|| bytes.into()),
            start: 0,
            len,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Payload {}

/// Windows whose pages count as this process's memory at once, of one recording.
const RESIDENT: usize = 4;

/// The windows that were read last. The pages of the others have been given back.
#[derive(Debug, Default)]
pub(super) struct Resident(Mutex<VecDeque<Weak<Paged>>>);

/// A window of a file that keeps its pages while it is one of those that were read last.
#[derive(Debug)]
pub(super) struct Paged {
    window: Window,
    myself: Weak<Paged>,
    resident: Arc<Resident>,
    /// Is it in that list?
    listed: AtomicBool,
}

impl Paged {
    pub(super) fn new(window: Window, resident: &Arc<Resident>) -> Arc<Paged> {
        Arc::new_cyclic(|myself| Paged {
            window,
            myself: myself.clone(),
            resident: Arc::clone(resident),
            listed: AtomicBool::new(false),
        })
    }

    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    /// Bytes that somebody still reads when the pages are given back are had from the file again.
    fn bytes(&self) -> &[u8] {
        if !self.listed.load(Ordering::Relaxed) {
            self.resident.list(self);
        }
        self.window.bytes()
    }
}

impl Resident {
    fn list(&self, paged: &Paged) {
        let mut list = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if paged.listed.swap(true, Ordering::Relaxed) {
            return;
        }
        list.push_back(paged.myself.clone());
        if list.len() > RESIDENT
            && let Some(oldest) = list.pop_front().and_then(|oldest| oldest.upgrade())
        {
            oldest.listed.store(false, Ordering::Relaxed);
            oldest.window.give_back();
        }
    }
}
