//! From arguments to a subcommand, and from its result to an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::args::{Cli, Command};
use super::exit::LAB;
use super::{by_hand, check, doctor, exec, merge, record, run, show, snap};
use crate::{lab, scenario};

/// Runs the command that the process was started as.
pub fn main() -> ExitCode {
    if let Some(code) = started_again() {
        return code;
    }
    let cli = Cli::parse();
    // For looking into the lab itself: LAB_CAPTURE_LOG=info, or debug.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("LAB_CAPTURE_LOG"))
        .with_writer(std::io::stderr)
        .init();
    let result = match cli.command {
        None => run::run(&cli.run),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Snap(args)) => snap::snap(&args),
        Some(Command::Merge(args)) => merge::run(&args),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Exec(args)) => exec::exec(&args),
        Some(Command::Record(args)) => record::record(&args),
        Some(Command::Serve(args)) => by_hand::serve(&args),
        Some(Command::Talk(args)) => by_hand::talk(&args),
        Some(Command::Watch(args)) => by_hand::watch(&args),
        Some(Command::Doctor) => doctor::doctor(),
        Some(Command::Schema) => print(|out| out.write_all(scenario::schema_text().as_bytes())),
        Some(Command::Completions { shell }) => print(|out| {
            clap_complete::generate(shell, &mut Cli::command(), "lab-capture", out);
            Ok(())
        }),
        Some(Command::Man) => print(|out| clap_mangen::Man::new(Cli::command()).render(out)),
        Some(Command::Show(args)) => show::show(&args),
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

/// Writes a text made elsewhere to standard output.
fn print(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> anyhow::Result<u8> {
    let mut text = vec![];
    write(&mut text)?;
    std::io::stdout().write_all(&text)?;
    Ok(0)
}

/// Whoever read our output has seen enough: no error.
fn broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// The binary started again by itself, for what needs a process of its own. Not part of the command
/// line that users see, and looked at before anything can start a thread.
fn started_again() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let subcommand = arguments.next()?;
    match subcommand.to_str()? {
        crate::server::process::SUBCOMMAND => Some(ExitCode::from(crate::server::process_main())),
        lab::program::INIT_SUBCOMMAND => {
            let rest: Vec<String> = arguments
                .map(|a| a.to_string_lossy().into_owned())
                .collect();
            Some(lab::program::init_main(&rest))
        }
        lab::isolation::probe::SUBCOMMAND => Some(lab::probe_main()),
        _ => None,
    }
}
