//! The README and the documents under `docs/` are true: their commands are run, what they show is
//! compared with what comes, their scenarios are run, their links lead somewhere.
//!
//! ````text
//! ```console            `$ ` begins a command; what stands below it is compared, if anything does.
//!                       A line `...` stands for any number of lines. A command must end with exit
//!                       code 0, or be followed by `$ echo $?` and the code.
//! ```console terminal=N the same in a terminal that stays open; later blocks go on with it. A line
//!                       with ` ← ` is typed; `^C` and `^D` are keys.
//! ```sh                 every line is a command
//! ```toml               a scenario: loaded, and run with --accept. `file=NAME` keeps it in the folder
//!                       for the commands after it; `load` only loads it.
//! ```LANGUAGE file=NAME any other file
//! ````
//!
//! `sudo` lines run as root, all others as the unprivileged user `labtest`, both on a loopback
//! interface of the test's own. `DOCS=update cargo test --test docs` writes what commands print now,
//! and the tables of words, into the documents.

mod block;
mod console;
mod document;
mod json;
#[path = "../support/machine.rs"]
mod machine;
mod normal;
mod stage;
mod terminal;
mod text;
mod words;

use libtest_mimic::Arguments;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = text::trials();
    trials.extend(words::trials());
    trials.extend(json::trials());
    trials.extend(normal::trials());
    if stage::is_root() {
        trials.extend(document::trials());
    } else {
        trials.push(stage::as_root());
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Should the documents be rewritten instead of judged?
pub fn update() -> bool {
    std::env::var_os("DOCS").is_some_and(|value| value == "update")
}
