//! External programs as actors: started in the run's namespace, watched, and ended without rest.
//!
//! A program lives in a PID namespace whose first process is this binary, started again (see
//! [`init_main`]). That process ends when the socket to lab-capture closes, however lab-capture
//! ends, and with it ends every process of the namespace: daemons and `setsid` children included.

mod error;
mod exit;
mod find;
mod init;
mod launch;
mod monitor;
pub mod output;
mod protocol;
mod running;
pub mod sockets;

pub use error::ProgramError;
pub use exit::Exit;
pub use find::find_program;
pub use init::{SUBCOMMAND as INIT_SUBCOMMAND, init_main};
pub use launch::Launch;
pub use running::{ProgramOutput, RunningProgram};
