//! The built program, from its command line to its files, as root and as an unprivileged user.
//!
//! Run by root, every test that speaks of a user runs as `labtest` (`make test` creates it). Run by
//! anybody else, they run as oneself, and those that need root run in this program once more,
//! started by `sudo`.

mod bad_input;
mod endings;
mod exit_codes;
mod inconclusive;
#[path = "../support/machine.rs"]
mod machine;
mod proc_scan;
mod program;
mod samples;
mod scenarios;
mod snapshots;
mod stage;
mod tshark;
mod witness;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(scenarios::trials());
    trials.extend(witness::trials());
    trials.extend(bad_input::trials());
    trials.extend(endings::trials());
    trials.extend(exit_codes::trials());
    trials.extend(inconclusive::trials());
    trials.extend(snapshots::trials());
    trials.extend(samples::trials());
    trials.extend(stage::as_root());
    let conclusion = libtest_mimic::run(&arguments, trials);
    stage::remove();
    conclusion.exit();
}

/// Trials from functions, named as they are.
#[macro_export]
macro_rules! trials {
    ($($function:ident),* $(,)?) => {
        vec![$(libtest_mimic::Trial::test(
            concat!(module_path!(), "::", stringify!($function)).replacen("end_to_end::", "", 1),
            || { $function(); Ok(()) },
        )),*]
    };
}
