//! chat: what one says, all others hear.

use std::sync::Arc;

use super::RECV_SIZE;
use super::hub::{Hub, MAILBOX, Mailbox};
use super::output::{Flushed, Output};
use crate::client::{Io, Link, Task, Want, Watch};
use crate::platform::multiplex::Interest;

/// One who chats.
pub struct Chat {
    link: Link,
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    output: Output,
}

impl Chat {
    /// Joins the others.
    ///
    /// # Errors
    /// What `eventfd(2)` says.
    pub fn new(link: &mut Option<Link>, hub: &Arc<Hub>) -> std::io::Result<Self> {
        let name = link.as_ref().and_then(|l| l.ends);
        let mailbox = hub.join(name.map_or_else(String::new, |e| e.peer.to_string()))?;
        let link = link.take().ok_or(nix::errno::Errno::EBADF)?;
        Ok(Chat {
            link,
            hub: hub.clone(),
            mailbox,
            output: Output::default(),
        })
    }

    fn close(&mut self) -> Want {
        self.link.close();
        Want::Over
    }

    fn say(&self, bytes: &[u8]) {
        for name in self.hub.say(&self.mailbox, bytes) {
            let text = format!(
                "{} bytes for {name} dropped: it does not read, {MAILBOX} bytes wait already",
                bytes.len()
            );
            self.link.event("chat", text).push();
        }
    }
}

impl Task for Chat {
    fn run(&mut self) -> Want {
        if self.output.is_empty() {
            self.output.push(self.mailbox.take().make_contiguous());
        }
        let flushed = self.output.flush(&mut self.link, false);
        if let Flushed::Broken(_) = flushed {
            return self.close();
        }
        let mut buffer = [0; RECV_SIZE];
        match self.link.recv(&mut buffer) {
            Io::Done(0) | Io::Failed(_) => return self.close(),
            Io::Done(n) => self.say(&buffer[..n]),
            Io::Blocked => {}
        }
        if flushed == Flushed::Blocked {
            return Want::on(self.link.watch(Interest::BOTH));
        }
        let mut on = self.link.watch(Interest::READ);
        on.push(Watch::notify(&self.mailbox.notify));
        Want::on(on)
    }

    fn holds(&self) -> bool {
        self.link.socket().is_some()
    }
}
