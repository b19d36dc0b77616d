//! Where chatting connections meet: each has a mailbox, others drop bytes into it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, Weak};

use crate::platform::Notify;

/// Bytes that a mailbox holds at most: one who never reads must not fill the memory.
pub const MAILBOX: usize = 1024 * 1024;

/// All connections that chat.
#[derive(Debug, Default)]
pub struct Hub {
    members: Mutex<Vec<(String, Weak<Mailbox>)>>,
}

/// What others have said and this connection has not sent yet.
#[derive(Debug)]
pub struct Mailbox {
    bytes: Mutex<VecDeque<u8>>,
    /// Signalled when something was dropped in.
    pub notify: Notify,
}

impl Mailbox {
    /// Takes everything.
    pub fn take(&self) -> VecDeque<u8> {
        self.notify.clear();
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(|e| e.into_inner()))
    }

    fn put(&self, bytes: &[u8]) -> bool {
        let mut queue = self.bytes.lock().unwrap_or_else(|e| e.into_inner());
        if queue.len() + bytes.len() > MAILBOX {
            return false;
        }
        queue.extend(bytes);
        self.notify.signal();
        true
    }
}

impl Hub {
    /// Joins under a name; leaves when the mailbox is dropped.
    ///
    /// # Errors
    /// What `eventfd(2)` says.
    pub fn join(&self, name: String) -> io::Result<Arc<Mailbox>> {
        let mailbox = Arc::new(Mailbox {
            bytes: Mutex::default(),
            notify: Notify::new()?,
        });
        let mut members = self.members.lock().unwrap_or_else(|e| e.into_inner());
        members.retain(|(_, m)| m.strong_count() > 0);
        members.push((name, Arc::downgrade(&mailbox)));
        Ok(mailbox)
    }

    /// Drops bytes into every other mailbox; the names of those that are full and got nothing.
    pub fn say(&self, from: &Arc<Mailbox>, bytes: &[u8]) -> Vec<String> {
        let mut full = Vec::new();
        let members = self.members.lock().unwrap_or_else(|e| e.into_inner());
        for (name, member) in members.iter() {
            let Some(mailbox) = member.upgrade() else {
                continue;
            };
            if !Arc::ptr_eq(&mailbox, from) && !mailbox.put(bytes) {
                full.push(name.clone());
            }
        }
        full
    }
}
