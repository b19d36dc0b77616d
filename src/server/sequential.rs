//! One connection at a time, as `SocketServer.TCPServer`: the next waits in the backlog.

use std::io;

use super::blocking::{Waiter, Woken};
use super::handler;
use super::shop::{Serve, Shop};
use crate::client::drive;
use crate::client::task::Driven;

/// The kind.
pub struct Sequential;

impl Serve for Sequential {
    fn serve(self: Box<Self>, shop: &Shop) -> io::Result<()> {
        let mut waiter = Waiter::new(None);
        let mut kept = Vec::new();
        loop {
            let link = match waiter.next(shop)? {
                Woken::Connection(link) => link,
                Woken::Also => continue,
                Woken::Cancelled => return Ok(()),
            };
            let mut task = handler::welcome(shop, link);
            let driven = drive(&mut *task, &shop.context.cancel)?;
            if task.holds() {
                kept.push(task);
            }
            if driven == Driven::Cancelled {
                return Ok(());
            }
        }
    }
}
