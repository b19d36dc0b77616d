//! Isolation: what each namespace has of its own, and what is said where there can be none.

use std::process::Command;

use lab_capture::capture::live::{LiveCapture, LiveConfig};
use lab_capture::lab::{Isolation, IsolationError, On, probe};
use lab_capture::platform::{self, Interface, Offload};
use lab_capture::scenario::{CaptureSpec, Link};
use libtest_mimic::Trial;

use crate::util::{LIMIT, echo, in_namespace, in_namespace_with, isolation, trial};

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("link_and_sysctl_are_the_namespaces_own", settings),
        trial("settings_that_are_refused", refused),
        trial("each_thread_has_its_own_namespace", own_namespaces),
        trial("remedies_where_there_is_no_isolation", remedies),
        trial("probe_of_the_whole_chain", || {
            let probe = probe().unwrap();
            assert!(probe.works(), "{probe:?}");
            assert_eq!(probe.privileged, !isolation().rootless());
            assert_eq!(probe.settings.unwrap().error, None);
        }),
    ];
    if !isolation().rootless() {
        trials.push(trial("host_mode_captures_the_machines_lo", host));
    }
    trials
}

fn settings() {
    let link = Link {
        mtu: Some(1500),
        offload: false,
        span: 0..0,
    };
    let name = "net.ipv4.tcp_syn_retries";
    let outside = platform::read_sysctl(name).unwrap();
    let sysctl = vec![(name.to_owned(), "3".to_owned(), 0..0)];
    in_namespace_with(link, sysctl, move || {
        let lo = Interface::open("lo").unwrap();
        assert_eq!(lo.mtu().unwrap(), 1500);
        for offload in Offload::ALL {
            assert!(!lo.offload(offload).unwrap(), "{offload:?}");
        }
        assert_eq!(platform::read_sysctl(name).unwrap(), "3");
    });
    in_namespace(move || {
        let lo = Interface::open("lo").unwrap();
        assert_eq!(lo.mtu().unwrap(), 65_536);
        assert!(lo.offload(Offload::Tso).unwrap());
        assert_ne!(platform::read_sysctl(name).unwrap(), "3");
    });
    assert_eq!(platform::read_sysctl(name).unwrap(), outside);
}

fn refused() {
    let error = |name: &str, value: &str| {
        let sysctl = vec![(name.to_owned(), value.to_owned(), 5..9)];
        std::thread::spawn(move || isolation().enter(&Link::default(), &sysctl).unwrap_err())
            .join()
            .unwrap()
    };
    assert_eq!(
        error("net.ipv4.no_such_setting", "1").to_string(),
        "net.ipv4.no_such_setting = 1: write /proc/sys/net/ipv4/no_such_setting: No such file or directory"
    );
    assert_eq!(
        error("net.ipv4.tcp_syn_retries", "many").to_string(),
        "net.ipv4.tcp_syn_retries = many: write /proc/sys/net/ipv4/tcp_syn_retries: Invalid argument"
    );
    for name in [
        "kernel.hostname",
        "net.ipv4",
        "net",
        "net./././kernel.hostname",
        "net..kernel",
    ] {
        let error = error(name, "x");
        let span = match &error {
            IsolationError::NotOfNamespace { span, .. } | IsolationError::Setting { span, .. } => {
                span
            }
            other => panic!("{name}: {other}"),
        };
        assert_eq!(*span, 5..9, "{name}");
    }
    let link = Link {
        mtu: Some(10),
        offload: true,
        span: 1..2,
    };
    let error = std::thread::spawn(move || isolation().enter(&link, &[]).err())
        .join()
        .unwrap();
    // The kernel's least is 0 for lo; what it takes is its business.
    if let Some(error) = error {
        assert!(matches!(error, IsolationError::Setting { .. }), "{error}");
    }
}

fn own_namespaces() {
    let id = || in_namespace_with_id();
    let (one, other) = (id(), id());
    assert_ne!(one, other);
    assert!(one.starts_with("net:["), "{one}");
}

fn in_namespace_with_id() -> String {
    std::thread::spawn(|| isolation().enter(&Link::default(), &[]).unwrap().id())
        .join()
        .unwrap()
}

fn told(role: &[&str]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("__role")
        .args(role)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn remedies() {
    let limit = told(&["prepare", "limit"]);
    assert!(limit.contains("(user.max_user_namespaces = 0)"), "{limit}");
    assert!(
        limit.contains("sudo sysctl user.max_user_namespaces=10000"),
        "{limit}"
    );
    let chroot = told(&["prepare", "chroot"]);
    assert!(
        chroot.contains("user namespace: unshare(CLONE_NEWUSER): not permitted"),
        "{chroot}"
    );
    assert!(chroot.contains("seccomp"), "{chroot}");
    assert!(chroot.contains("--on host"), "{chroot}");
    let threads = told(&["prepare", "threads"]);
    assert!(threads.contains("the process has 2 threads"), "{threads}");
    let host = told(&["prepare", "host"]);
    assert!(host.contains("needs root or CAP_NET_RAW"), "{host}");
    // Who is root already is not sent to sudo.
    let root = !isolation().rootless();
    assert_eq!(host.contains("sudo"), !root, "{host}");
    assert!(host.contains("--cap-add NET_RAW"), "{host}");
    if root {
        let unmapped = told(&["prepare", "root"]);
        assert!(unmapped.contains("uid_map"), "{unmapped}");
        assert!(unmapped.contains("--cap-add SETFCAP"), "{unmapped}");
        assert!(!unmapped.contains("sudo"), "{unmapped}");
    }
    let settings = told(&["read-only settings"]);
    assert!(
        settings.starts_with(
            "net.ipv4.tcp_syn_retries = 3: write /proc/sys/net/ipv4/tcp_syn_retries: Read-only file system\n"
        ),
        "{settings}"
    );
    assert!(settings.contains("unmask=/proc/sys"), "{settings}");
}

/// Beside other traffic, which never stops.
fn host() {
    let host = Isolation::prepare(On::Host).unwrap();
    let own = vec![("net.ipv4.tcp_syn_retries".to_owned(), "3".to_owned(), 0..1)];
    let error = host.enter(&Link::default(), &own).unwrap_err();
    assert!(error.to_string().contains("the whole machine"), "{error}");
    let slow = Link {
        offload: false,
        ..Link::default()
    };
    assert!(matches!(
        host.enter(&slow, &[]),
        Err(IsolationError::OnHost { .. })
    ));

    let _namespace = host.enter(&Link::default(), &[]).unwrap();
    let config = LiveConfig {
        fill: false,
        ..LiveConfig::choose(&CaptureSpec::default(), 0)
    };
    let mut capture = LiveCapture::open(&config, None, || {}).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let to = socket.local_addr().unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                socket.send_to(b"somebody else's", to).unwrap();
                // As fast as a socket takes them back: a flood would test the ring.
                socket.recv(&mut [0; 64]).unwrap();
            }
        });
        for _ in 0..10 {
            let before = capture.barrier(LIMIT).unwrap();
            echo("127.0.0.1:0".parse().unwrap());
            let after = capture.barrier(LIMIT).unwrap();
            assert!(after.frames >= before.frames + 8);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let finished = capture.finish();
    assert_eq!(finished.error, None);
    assert!(
        finished
            .frames
            .iter(finished.link)
            .all(|f| f.data[12..14] != [0x88, 0xb5]),
        "no sentinel is left"
    );
}
