//! The lab's parts against the real kernel: namespaces, live capture, capture files, programs.
//!
//! The same tests run twice: as whoever calls them, and, when that is root, once more as an
//! unprivileged user, in a process that this one starts.

mod capture;
mod files;
mod util;

use lab_capture::lab::{Isolation, On};
use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    // While there is one thread.
    let isolation = match Isolation::prepare(On::Namespace) {
        Ok(isolation) => isolation,
        Err(error) => {
            eprintln!("these tests need a network namespace: {error}");
            std::process::exit(101);
        }
    };
    util::set_isolation(isolation);
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(capture::trials());
    trials.extend(files::trials());
    if nix::unistd::geteuid().is_root() && !isolation.rootless() {
        trials.push(Trial::test(
            "all_of_it_as_an_unprivileged_user",
            util::run_unprivileged,
        ));
    }
    libtest_mimic::run(&arguments, trials).exit();
}
