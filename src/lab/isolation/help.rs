//! Why isolation is refused on this machine, and how to repair it, in words for a person.

use nix::errno::Errno;
use nix::unistd::geteuid;

use crate::platform::{self, Capability, PlatformError, UserNamespaceError, has_cap};

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
        Some(error) if root_unmapped(error) => {
            "root (uid 0) may be mapped only by who has the capability SETFCAP; give it back\n  \
             podman run --cap-add SETFCAP …\n\
             or run it as any other user (--user)"
                .to_owned()
        }
        _ if platform::apparmor_restricts().is_some() => apparmor(),
        _ => "a seccomp filter (as in Docker and other containers) or a security module forbids it;\n\
              in a container allow the system call unshare (docker run --security-opt seccomp=unconfined)"
            .to_owned(),
    };
    // In a new namespace that has no map yet, nobody is root and all have all capabilities.
    let unmapped = error.is_some_and(root_unmapped);
    let root = unmapped || geteuid().is_root();
    let (as_root, on_host) = match (root, !unmapped && has_cap(Capability::NetRaw)) {
        // The root of a container: sudo would give it nothing that it lacks.
        (true, true) => ("", "lab-capture --on host …"),
        (true, false) => (
            "",
            "lab-capture --on host …, with the capability NET_RAW (podman run --cap-add NET_RAW)",
        ),
        (false, _) => (
            "or run it as root:  sudo lab-capture …\n",
            "sudo lab-capture --on host …",
        ),
    };
    format!("{cure}\n{as_root}or on the machine's own lo, where unshare is not needed:  {on_host}")
}

/// Was it root that may not be mapped? Linux 5.12 and later, without `CAP_SETFCAP`. Whoever else maps
/// itself is not refused.
fn root_unmapped(error: &UserNamespaceError) -> bool {
    matches!(error, UserNamespaceError::Other(error)
        if error.errno == Errno::EPERM && error.object == "/proc/self/uid_map")
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

/// How to come by `CAP_NET_RAW`, which `--on host` needs; a line or more.
pub fn remedy_on_host() -> &'static str {
    match geteuid().is_root() {
        true => "give this root the capability NET_RAW (podman run --cap-add NET_RAW)",
        false => {
            "run it as root:  sudo lab-capture --on host …\n\
             in a container as its root, with NET_RAW (podman run --user 0 --cap-add NET_RAW)"
        }
    }
}

/// The remedy for `--on host` without `CAP_NET_RAW`.
pub(super) fn capture_on_host() -> String {
    format!(
        "{}\nor without --on host: a namespace of its own needs no root",
        remedy_on_host()
    )
}

/// What to do about a setting that was refused; begins a line of its own, or is empty.
pub(super) fn setting(error: &PlatformError) -> &'static str {
    match error.errno {
        Errno::EROFS => {
            "\nthis /proc/sys is mounted read-only, as containers have it; make it writable with\n  \
             podman run --security-opt unmask=/proc/sys …\n  \
             docker run --security-opt systempaths=unconfined …\n  \
             Kubernetes: procMount: Unmasked, with hostUsers: false"
        }
        _ => "",
    }
}
