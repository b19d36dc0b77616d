//! Where the actors talk: an own network namespace for each run, or the machine's real `lo`.

use std::marker::PhantomData;

use super::help::explain;
use crate::platform::{
    self, Capability, Interface, Offload, PlatformError, UserNamespaceError, has_cap,
};
use crate::scenario::{Link, Span};

/// Whose loopback interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum On {
    /// An own network namespace for each run.
    #[default]
    Namespace,
    /// The machine's.
    Host,
}

/// A run cannot be isolated, or its network not be set up as the scenario asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsolationError {
    /// The kernel, or what guards it, refuses; the remedy says how to repair that.
    #[error("no network namespace of its own for the run: {step}: {cause}\n{remedy}")]
    Unavailable {
        /// What was tried: `user namespace`, `network namespace`, `lo up`, `packet socket`.
        step: &'static str,
        /// The kernel's reason.
        cause: String,
        /// What to do about it, a line or more.
        remedy: String,
    },
    /// `--on host` needs to open a packet socket.
    #[error("--on host captures the machine's own lo, which needs root or CAP_NET_RAW\n{remedy}")]
    NoCaptureOnHost {
        /// What to do about it.
        remedy: String,
    },
    /// The machine's own settings are not a scenario's to change.
    #[error(
        "{what} changes the network of the whole machine with --on host; run it without --on host"
    )]
    OnHost {
        /// `[link]` or the sysctl's name.
        what: String,
        /// Where the scenario says so.
        span: Span,
    },
    /// Not a setting of the network namespace.
    #[error("{name} is not a setting of a network namespace (net.…)")]
    NotOfNamespace {
        /// The sysctl's name.
        name: String,
        /// Where the scenario says so.
        span: Span,
    },
    /// The kernel refused a setting of the scenario.
    #[error("{what}: {source}{}", super::help::setting(source))]
    Setting {
        /// What was set to which value.
        what: String,
        /// Where the scenario says so.
        span: Span,
        /// The kernel's reason.
        source: PlatformError,
    },
}

/// How this process isolates its runs; decided once, before any thread is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isolation {
    on: On,
    rootless: bool,
}

impl Isolation {
    /// Decides how runs are isolated. With the capabilities for it (root, sudo) there is nothing to
    /// prepare; without, the process enters a user namespace, in which the user is mapped to itself.
    /// Must be called while the process has one thread.
    ///
    /// # Errors
    /// No user namespace can be had, or, with [`On::Host`], `CAP_NET_RAW` is missing; with a remedy.
    pub fn prepare(on: On) -> Result<Self, IsolationError> {
        match on {
            On::Host if has_cap(Capability::NetRaw) => Ok(Isolation {
                on,
                rootless: false,
            }),
            On::Host => Err(IsolationError::NoCaptureOnHost {
                remedy: super::help::capture_on_host(),
            }),
            On::Namespace if privileged() => Ok(Isolation {
                on,
                rootless: false,
            }),
            On::Namespace => {
                platform::enter_user_namespace().map_err(|e| user_namespace_error(&e))?;
                Ok(Isolation { on, rootless: true })
            }
        }
    }

    /// Whose loopback interface.
    pub fn on(&self) -> On {
        self.on
    }

    /// In a user namespace of its own?
    pub fn rootless(&self) -> bool {
        self.rootless
    }

    /// Moves the calling thread, and the threads and programs that it starts from now on, to where
    /// a run's actors talk, and applies the scenario's settings. With [`On::Namespace`] that is a
    /// network namespace of its own with `lo` up; the thread cannot leave it again, so each run
    /// takes a thread of its own. The namespace ends with the last that uses it.
    ///
    /// # Errors
    /// The namespace cannot be made (with a remedy), or a setting is refused.
    pub fn enter(
        &self,
        link: &Link,
        sysctl: &[(String, String, Span)],
    ) -> Result<Namespace, IsolationError> {
        if self.on == On::Host {
            return refuse_settings(link, sysctl).map(|()| Namespace(PhantomData));
        }
        platform::new_network_namespace().map_err(|e| unavailable("network namespace", &e))?;
        for (name, value, span) in sysctl {
            set_sysctl(name, value, span)?;
        }
        let lo = Interface::open("lo").map_err(|e| unavailable("lo up", &e))?;
        set_link(&lo, link)?;
        lo.up().map_err(|e| unavailable("lo up", &e))?;
        Ok(Namespace(PhantomData))
    }
}

/// The calling thread is where its run's actors talk. Bound to the thread.
#[derive(Debug)]
pub struct Namespace(PhantomData<*const ()>);

impl Namespace {
    /// The namespace's identity, `net:[4026531840]`.
    pub fn id(&self) -> String {
        // `/proc/self` would be the process's first thread.
        std::fs::read_link("/proc/thread-self/ns/net")
            .map_or_else(|_| "net:[unknown]".to_owned(), |p| p.display().to_string())
    }
}

/// All that a run needs without a user namespace.
fn privileged() -> bool {
    [
        Capability::SysAdmin,
        Capability::NetAdmin,
        Capability::NetRaw,
    ]
    .into_iter()
    .all(has_cap)
}

/// A setting of the calling thread's network namespace.
pub(super) fn set_sysctl(name: &str, value: &str, span: &Span) -> Result<(), IsolationError> {
    if !platform::is_network_sysctl(name) {
        return Err(IsolationError::NotOfNamespace {
            name: name.to_owned(),
            span: span.clone(),
        });
    }
    platform::write_sysctl(name, value).map_err(|source| IsolationError::Setting {
        what: format!("{name} = {value}"),
        span: span.clone(),
        source,
    })
}

fn set_link(lo: &Interface, link: &Link) -> Result<(), IsolationError> {
    let failed = |what: String| {
        let span = link.span.clone();
        move |source| IsolationError::Setting { what, span, source }
    };
    if let Some(mtu) = link.mtu {
        lo.set_mtu(mtu).map_err(failed(format!("mtu = {mtu}")))?;
    }
    if !link.offload {
        for offload in Offload::ALL {
            lo.set_offload(offload, false)
                .map_err(failed("offload = false".to_owned()))?;
        }
    }
    Ok(())
}

fn refuse_settings(link: &Link, sysctl: &[(String, String, Span)]) -> Result<(), IsolationError> {
    if link.mtu.is_some() || !link.offload {
        return Err(IsolationError::OnHost {
            what: "[link]".to_owned(),
            span: link.span.clone(),
        });
    }
    match sysctl.first() {
        Some((name, _, span)) => Err(IsolationError::OnHost {
            what: name.clone(),
            span: span.clone(),
        }),
        None => Ok(()),
    }
}

fn user_namespace_error(error: &UserNamespaceError) -> IsolationError {
    IsolationError::Unavailable {
        step: "user namespace",
        cause: error.to_string(),
        remedy: explain(Some(error)),
    }
}

fn unavailable(step: &'static str, error: &PlatformError) -> IsolationError {
    IsolationError::Unavailable {
        step,
        cause: error.to_string(),
        remedy: explain(None),
    }
}
