//! The `lab-capture` command: arguments in, exit code out.

fn main() {}
