//! Servers, one file a kind, one trait, one way to handle a connection.
//!
//! [`spawn`] binds and listens before it returns, then serves in a thread of its own ([`Running`]). What differs between
//! kinds is only how they wait: `select`, `poll` and `epoll` share one event loop over a [`Multiplexer`]; `threaded`,
//! `forking` and `sequential` drive one connection at a time in a thread, a process, or in place. What is done with a
//! connection is a [`crate::client::Task`] made by [`handler`].

mod accept;
mod epoll;
mod error;
mod event_loop;
pub mod handler;
mod listen;
mod poll;
mod select;
mod shop;
mod spawn;

pub use crate::client::Context;
pub use error::ServerError;
pub use event_loop::Multiplexer;
pub use shop::{Serve, Shop};
pub use spawn::{Running, spawn};

#[cfg(test)]
mod tests;
