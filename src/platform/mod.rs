//! What the kernel offers and no crate wraps well enough: namespaces, interfaces, ownership.
//! The only room with `unsafe`, each use with its reason.

pub mod owner;
