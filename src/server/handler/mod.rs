//! What a server does with a connection: one file each, all of them tasks that never block.

mod hub;
mod output;
mod simple;
mod steps;

pub use hub::Hub;
pub use output::Output;

use super::shop::Shop;
use crate::client::{Link, Task};
use crate::scenario::Handler;

/// Bytes that a server reads at once, as the course's programs do.
pub const RECV_SIZE: usize = 1024;

/// The program of one connection.
pub fn task(shop: &Shop, link: Link) -> Box<dyn Task> {
    match &shop.server.handler {
        Handler::Echo => Box::new(simple::Simple::echo(link)),
        Handler::Sink => Box::new(simple::Simple::sink(link)),
        Handler::Greet(text) => Box::new(simple::Simple::greet(link, text)),
        Handler::Steps(steps) => Box::new(steps::task(shop, link, steps.clone())),
        Handler::Chat | Handler::Forward(_) | Handler::Http(_) => {
            Box::new(simple::Simple::sink(link))
        }
    }
}
