//! echo, sink and greet: read until the peer's end, then close.

use super::RECV_SIZE;
use super::output::{Flushed, Output};
use crate::client::{Io, Link, Task, Want};
use crate::platform::multiplex::Interest;

/// Bytes after which a peer counts as one that sends much, and how many are read from it at once.
const MUCH: u64 = 256 << 10;
const MUCH_AT_ONCE: usize = 64 << 10;

/// Reads 1024 bytes at a time until the peer's end, then closes; perhaps sends them back, perhaps greets first. From a
/// peer that sends much it reads more at a time, as programs do: a GiB would otherwise take a million calls, and each
/// is an event.
pub struct Simple {
    link: Link,
    output: Output,
    echo: bool,
    buffer: Vec<u8>,
}

impl Simple {
    /// Sends back what arrives.
    pub fn echo(link: Link) -> Self {
        Simple {
            link,
            output: Output::default(),
            echo: true,
            buffer: vec![0; RECV_SIZE],
        }
    }

    /// Only reads.
    pub fn sink(link: Link) -> Self {
        Simple {
            echo: false,
            ..Simple::echo(link)
        }
    }

    /// Says something first, then only reads.
    pub fn greet(link: Link, text: &[u8]) -> Self {
        let mut greet = Simple::sink(link);
        greet.output.push(text);
        greet
    }

    fn close(&mut self) -> Want {
        self.link.close();
        Want::Over
    }
}

impl Task for Simple {
    fn run(&mut self) -> Want {
        // A program that sends before it reads on: no more is read while the peer does not take what was sent.
        match self.output.flush(&mut self.link, self.echo) {
            Flushed::All => {}
            Flushed::Blocked => return Want::on(self.link.watch(Interest::WRITE)),
            Flushed::Broken(_) => return self.close(),
        }
        if self.link.received >= MUCH {
            self.buffer.resize(MUCH_AT_ONCE, 0);
        }
        match self.link.recv(&mut self.buffer) {
            Io::Done(0) | Io::Failed(_) => return self.close(),
            Io::Blocked => {}
            Io::Done(n) if self.echo => {
                self.output.push(&self.buffer[..n]);
                match self.output.flush(&mut self.link, true) {
                    Flushed::All => {}
                    Flushed::Blocked => return Want::on(self.link.watch(Interest::WRITE)),
                    Flushed::Broken(_) => return self.close(),
                }
            }
            Io::Done(_) => {}
        }
        Want::on(self.link.watch(Interest::READ))
    }

    fn holds(&self) -> bool {
        self.link.socket().is_some()
    }
}
