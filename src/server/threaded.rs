//! A thread for each connection, as Python's `ThreadingTCPServer`.

use std::io;
use std::thread::{Builder, JoinHandle};

use super::blocking::{Waiter, Woken};
use super::handler;
use super::shop::{Serve, Shop};
use crate::client::report::errno_of;
use crate::client::{Link, Task, drive};

/// The kind.
pub struct Threaded;

/// Stack of a connection's thread: handlers are shallow, and there may be thousands.
const STACK: usize = 256 * 1024;

/// A thread gives its task back, with the sockets that its program left open.
type Worker = JoinHandle<Box<dyn Task>>;

impl Serve for Threaded {
    fn serve(self: Box<Self>, shop: &Shop) -> io::Result<()> {
        let mut waiter = Waiter::new(None);
        let mut crew = Crew::default();
        loop {
            match waiter.next(shop)? {
                Woken::Connection(link) => crew.hire(shop, link),
                Woken::Also => {}
                Woken::Cancelled => return Ok(()),
            }
        }
    }
}

/// The threads; joined when this is dropped, after the run was cancelled.
#[derive(Default)]
struct Crew {
    workers: Vec<Worker>,
    kept: Vec<Box<dyn Task>>,
}

impl Crew {
    fn hire(&mut self, shop: &Shop, link: Link) {
        self.collect(|worker| worker.is_finished());
        let ends = link.ends;
        let mut task = handler::welcome(shop, link);
        let (cancel, reporter) = (shop.context.cancel.clone(), shop.reporter.clone());
        let worker = Builder::new().stack_size(STACK).spawn(move || {
            if let Err(e) = drive(&mut *task, &cancel) {
                let event = reporter.error("poll", errno_of(&e));
                event.ends(ends).failed(true).push();
            }
            task
        });
        match worker {
            Ok(worker) => self.workers.push(worker),
            // The task, and with it the connection, is gone with the closure.
            Err(e) => shop
                .reporter
                .error("pthread_create", errno_of(&e))
                .ends(ends)
                .push(),
        }
    }

    /// Joins those threads.
    fn collect(&mut self, which: impl Fn(&Worker) -> bool) {
        let (done, busy) = std::mem::take(&mut self.workers)
            .into_iter()
            .partition(|w| which(w));
        self.workers = busy;
        let done: Vec<Worker> = done;
        for worker in done {
            if let Ok(task) = worker.join()
                && task.holds()
            {
                self.kept.push(task);
            }
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.collect(|_| true);
    }
}
