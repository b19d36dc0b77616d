//! Servers, one file a kind, one trait, one way to handle a connection.
//!
//! [`spawn`] binds and listens before it returns, then serves in a thread of its own ([`Running`]). What differs between
//! kinds is only how they wait: `select`, `poll` and `epoll` share one event loop over a [`Multiplexer`]; `threaded`,
//! `forking` and `sequential` drive one connection at a time in a thread, a process, or in place. What is done with a
//! connection is a [`crate::client::Task`] made by [`handler`].

mod accept;
mod blocking;
mod epoll;
mod error;
mod event_loop;
mod forking;
pub mod handler;
mod listen;
mod listen_only;
mod poll;
pub mod process;
mod process_main;
mod select;
mod sequential;
mod shop;
mod spawn;
mod threaded;
mod udp;

pub use crate::client::Context;
pub use error::ServerError;
pub use event_loop::Multiplexer;
pub use process::{Controls, Killer};
pub use process_main::process_main;
pub use shop::{Serve, Shop, unsupported};
pub use spawn::{Running, serve, spawn};
