//! The `lab-capture` command: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab_capture::cli::main()
}
