//! The lab's parts against the real kernel: namespaces, live capture, capture files, programs.
//!
//! The same tests run twice: as whoever calls them, and, when that is root, once more as an
//! unprivileged user, in a process that this one starts.

mod capture;
mod ends;
mod files;
mod isolation;
mod programs;
mod roles;
mod util;

use std::process::ExitCode;

use lab_capture::lab::{Isolation, On};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    // This program plays lab-capture, and so its hidden subcommands.
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("__init") => return lab_capture::lab::program::init_main(&words[1..]),
        Some("__probe") => return lab_capture::lab::probe_main(),
        Some("__role") => return roles::play(&words[1..]),
        _ => {}
    }
    let arguments = Arguments::from_args();
    // While there is one thread.
    let prepared = match Isolation::prepare(On::Namespace) {
        Ok(isolation) => isolation,
        Err(error) => {
            eprintln!("these tests need a network namespace: {error}");
            return ExitCode::from(101);
        }
    };
    util::set_isolation(prepared);
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(capture::trials());
    trials.extend(files::trials());
    trials.extend(isolation::trials());
    trials.extend(programs::trials());
    trials.extend(ends::trials());
    if nix::unistd::geteuid().is_root() && !prepared.rootless() {
        trials.push(Trial::test(
            "all_of_it_as_an_unprivileged_user",
            util::run_unprivileged,
        ));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
