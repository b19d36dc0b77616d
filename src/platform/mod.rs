//! The system calls behind the lab: namespaces, interfaces, capabilities, CPUs, processes. The one
//! room in which `unsafe` may stand, each use with its reason.

pub mod before_main;
pub mod capability;
pub mod cpu;
pub mod error;
pub mod forking;
pub mod init;
pub mod link;
pub mod multiplex;
pub mod namespace;
pub mod notify;
pub mod owner;
pub mod process;
pub mod scratch;
pub mod socket;

pub use capability::{Capability, drop_all_capabilities, has_cap};
pub use cpu::{affinity, on_each_cpu};
pub use error::PlatformError;
pub use link::{Interface, Offload};
pub use namespace::{
    UserNamespaceError, apparmor_restricts, enter_user_namespace, is_network_sysctl,
    new_network_namespace, read_sysctl, threads, write_sysctl,
};
pub use notify::{Cancel, Notify};
