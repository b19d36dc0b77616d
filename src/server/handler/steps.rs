//! A list of steps for each connection: the clients' interpreter on the server's side.

use std::sync::Arc;

use super::super::shop::Shop;
use crate::client::{Link, Role, Script};
use crate::scenario::Step;

/// A script on an accepted connection, or on the listener alone (`link` unconnected). Its last event is `done`.
pub fn steps(shop: &Shop, link: Link, steps: Arc<Vec<Step>>) -> Script {
    let role = Role {
        target: None,
        datagram: false,
        listener: Some(shop.listener.clone()),
        framing: shop.server.framing.clone(),
    };
    Script::new(steps, shop.context.clone(), role, link)
}
