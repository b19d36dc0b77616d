//! Why isolation is refused on this machine, and how to repair it, in words for a person.

use crate::platform::{self, UserNamespaceError};

/// The remedy for a user namespace that could not be made or, without an error, for one that was
/// made and is of no use, or a step after it that was refused.
pub(super) fn explain(error: Option<&UserNamespaceError>) -> String {
    let cure = match error {
        Some(UserNamespaceError::NotPermitted {
            unprivileged_userns_clone: Some(0),
        }) => "this kernel lets only root make user namespaces; allow it for all users with\n  \
               sudo sysctl kernel.unprivileged_userns_clone=1"
            .to_owned(),
        Some(UserNamespaceError::NoSpace {
            max_user_namespaces: Some(0),
        }) => "user namespaces are turned off; turn them on with\n  \
               sudo sysctl user.max_user_namespaces=10000"
            .to_owned(),
        Some(UserNamespaceError::NoSpace { .. }) => {
            "too many user namespaces are in use, or they are nested too deep; raise the limit with\n  \
             sudo sysctl user.max_user_namespaces=100000"
                .to_owned()
        }
        Some(UserNamespaceError::Threads(_)) => {
            "this is a fault of lab-capture: it must enter the namespace before it starts threads"
                .to_owned()
        }
        _ if platform::apparmor_restricts().is_some() => apparmor(),
        _ => "a seccomp filter (as in Docker and other containers) or a security module forbids it;\n\
              in a container allow the system call unshare (docker run --security-opt seccomp=unconfined)"
            .to_owned(),
    };
    format!(
        "{cure}\nor run it as root:  sudo lab-capture …\nor on the machine's own lo, where unshare is not needed:  sudo lab-capture --on host …"
    )
}

/// Ubuntu 23.10 and later: a profile may give a program what unprivileged users have lost.
fn apparmor() -> String {
    let program = std::env::current_exe().map_or_else(
        |_| "/usr/local/bin/lab-capture".to_owned(),
        |p| p.display().to_string(),
    );
    format!(
        "AppArmor takes the capabilities of user namespaces from programs without a profile; give \
         lab-capture one: write into /etc/apparmor.d/lab-capture\n  \
         abi <abi/4.0>,\n  \
         profile lab-capture {program} flags=(unconfined) {{ userns, }}\n\
         and load it with\n  \
         sudo apparmor_parser -r /etc/apparmor.d/lab-capture"
    )
}

/// The remedy for `--on host` without `CAP_NET_RAW`.
pub(super) fn capture_on_host() -> String {
    "run it as root:  sudo lab-capture --on host …\n\
     or without --on host: a namespace of its own needs no root"
        .to_owned()
}
