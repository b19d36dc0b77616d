//! Where several programs of tests do what they do, and as whom.

use lab_capture::lab::{Isolation, On};
use lab_capture::scenario::Link;
use nix::unistd::User;

/// The unprivileged user of `make test`.
pub const TEST_USER: &str = "labtest";

/// That user's ids.
pub fn test_user() -> (u32, u32) {
    let user = User::from_name(TEST_USER).expect("the user database is readable");
    let user = user.unwrap_or_else(|| {
        panic!(
            "these tests need an unprivileged user: `make test-deps` creates it, or\n  \
             useradd --create-home {TEST_USER}"
        )
    });
    (user.uid.as_raw(), user.gid.as_raw())
}

/// A thread whose "machine" is a namespace of its own: what `--on host` sees is then ours alone, ports
/// are free that others use on this machine, and nobody else's packets come.
pub fn on_a_machine_of_its_own<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let isolation = Isolation::prepare(On::Namespace).unwrap_or_else(|e| panic!("{e}"));
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let _namespace = isolation
                .enter(&Link::default(), &[])
                .unwrap_or_else(|e| panic!("{e}"));
            work()
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
