//! Listens and never accepts: what the kernel does alone. A list of steps may accept, or close the listener.

use std::io;

use super::blocking::wait_cancel;
use super::handler::steps;
use super::shop::{Serve, Shop};
use crate::client::task::Driven;
use crate::client::{Link, drive};
use crate::scenario::Handler;

/// The kind.
pub struct ListenOnly;

impl Serve for ListenOnly {
    fn serve(self: Box<Self>, shop: &Shop) -> io::Result<()> {
        let Handler::Steps(list) = &shop.server.handler else {
            return wait_cancel(&shop.context.cancel);
        };
        let link = Link::unconnected(shop.reporter.clone());
        let mut task = steps(shop, link, list.clone());
        match drive(&mut task, &shop.context.cancel)? {
            Driven::Over => wait_cancel(&shop.context.cancel),
            Driven::Cancelled => Ok(()),
        }
    }
}
