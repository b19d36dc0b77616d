//! The `lab-capture` command: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|a| a == lab_capture::server::process::SUBCOMMAND)
    {
        return ExitCode::from(lab_capture::server::process_main());
    }
    ExitCode::SUCCESS
}
