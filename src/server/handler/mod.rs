//! What a server does with a connection: one file each, all of them tasks that never block.

mod chat;
mod forward;
pub mod http;
mod hub;
mod output;
mod simple;
mod steps;

pub use hub::Hub;
pub use output::Output;
pub use steps::steps;

use super::shop::Shop;
use crate::client::report::{Draft, errno_of};
use crate::client::{Link, Reporter, Task, Want};
use crate::scenario::Handler;
use crate::timeline::Ends;

/// Bytes that a server reads at once, as the course's programs do.
pub const RECV_SIZE: usize = 1024;

/// The program of a connection that has just come, and the event that says so: after it, the connection takes part in
/// whatever the handler does.
pub fn welcome(shop: &Shop, link: Link) -> Box<dyn Task> {
    let ends = link.ends;
    let reporter = link.reporter.clone();
    let event = accepted(&reporter, ends);
    let task = task(shop, link);
    event.push();
    task
}

/// The event of an accepted connection.
pub fn accepted(reporter: &Reporter, ends: Option<Ends>) -> Draft<'_> {
    let peer = ends.map_or_else(String::new, |e| e.peer.to_string());
    reporter.event("accept", peer).ends(ends)
}

/// The program of one connection.
pub fn task(shop: &Shop, link: Link) -> Box<dyn Task> {
    match &shop.server.handler {
        Handler::Echo => Box::new(simple::Simple::echo(link)),
        Handler::Sink => Box::new(simple::Simple::sink(link)),
        Handler::Greet(text) => Box::new(simple::Simple::greet(link, text)),
        Handler::Steps(list) => Box::new(steps(shop, link, list.clone())),
        Handler::Forward(target) => Box::new(forward::Forward::new(link, *target)),
        Handler::Http(body) => Box::new(http::Http::new(link, body)),
        Handler::Chat => {
            let mut link = Some(link);
            match chat::Chat::new(&mut link, &shop.hub) {
                Ok(chat) => Box::new(chat),
                Err(e) => Box::new(Refused(link, errno_of(&e))),
            }
        }
    }
}

/// A connection for which the system has no room: said and closed.
struct Refused(Option<Link>, nix::errno::Errno);

impl Task for Refused {
    fn run(&mut self) -> Want {
        if let Some(mut link) = self.0.take() {
            link.failed("eventfd", self.1);
            link.close();
        }
        Want::Over
    }
}
