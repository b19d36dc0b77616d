//! From arguments to a subcommand, and from its result to an exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::args::{Cli, Command};
use super::{run, snap};

/// A scenario or the command line is wrong.
pub const USAGE: u8 = 2;
/// The lab could not run.
pub const LAB: u8 = 3;

/// Runs the command that the process was started as.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => run::run(&cli.run),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Snap(args)) => snap::snap(&args),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "lab-capture",
                &mut std::io::stdout(),
            );
            Ok(0)
        }
        Some(_) => todo!(),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("lab-capture: {error:#}");
            ExitCode::from(LAB)
        }
    }
}

/// Whoever read our output has seen enough: no error.
fn broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
