//! What this test program does when it plays a part in a process of its own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use lab_capture::lab::{Isolation, Launch, On};
use lab_capture::platform;
use lab_capture::scenario::Link;
use lab_capture::timeline::Timeline;

use crate::programs::shell;

/// The first argument says which part.
pub fn play(arguments: &[String]) -> ExitCode {
    match arguments[0].as_str() {
        "echo-once" => echo_once(&arguments[1]),
        "lab-capture" => lab_capture(&arguments[1], &arguments[2]),
        "prepare" => prepare(&arguments[1]),
        "read-only settings" => read_only_settings(),
        other => panic!("no part {other}"),
    }
    ExitCode::SUCCESS
}

fn echo_once(address: &str) {
    let listener = TcpListener::bind(address).unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    let mut buffer = [0; 1024];
    let n = socket.read(&mut buffer).unwrap();
    socket.write_all(&buffer[..n]).unwrap();
    println!("echoed {n}");
}

/// Starts a program and waits to be killed.
fn lab_capture(on: &str, script: &str) {
    let on = match on {
        "host" => On::Host,
        _ => On::Namespace,
    };
    let isolation = Isolation::prepare(on).unwrap();
    isolation.enter(&Link::default(), &[]).unwrap();
    let launch = Launch {
        isolation,
        folder: Path::new("/"),
        timeline: &Timeline::new(),
    };
    // 1 itself is the program's own output.
    let held = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
    let program = launch
        .start(&"daemon".into(), &shell(script), &[held.as_fd()])
        .unwrap();
    println!(
        "started, own PID namespace: {}",
        program.has_own_pid_namespace()
    );
    std::io::stdin().read_line(&mut String::new()).unwrap();
    drop(program);
}

/// Prepares isolation where it cannot be had, and prints what a person is told.
fn prepare(obstacle: &str) {
    let on = match obstacle {
        "limit" => {
            // The limit is that of the user namespace one is in.
            platform::enter_user_namespace().unwrap();
            platform::write_sysctl("user.max_user_namespaces", "0").unwrap();
            On::Namespace
        }
        "chroot" => {
            platform::enter_user_namespace().unwrap();
            nix::unistd::chroot(&std::env::temp_dir()).unwrap();
            On::Namespace
        }
        "threads" => {
            let (started, wait) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                started.send(()).unwrap();
                std::thread::park();
            });
            wait.recv().unwrap();
            On::Namespace
        }
        "host" => On::Host,
        // As `--cap-drop all` leaves the root of a container.
        "root" => On::Namespace,
        other => panic!("no obstacle {other}"),
    };
    platform::drop_all_capabilities().unwrap();
    println!("{}", Isolation::prepare(on).unwrap_err());
}

/// What is said of a `[sysctl]` where `/proc/sys` is read-only, as in a container.
fn read_only_settings() {
    use nix::mount::{MsFlags, mount};
    let isolation = Isolation::prepare(On::Namespace).unwrap();
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
    let change = |source, target, flags| mount(source, target, None::<&str>, flags, None::<&str>);
    let sys = "/proc/sys";
    change(None, "/", MsFlags::MS_REC | MsFlags::MS_PRIVATE).unwrap();
    change(Some(sys), sys, MsFlags::MS_BIND | MsFlags::MS_REC).unwrap();
    // What was mounted with these flags keeps them, in a namespace that does not own it.
    let keep = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | keep;
    change(None, sys, read_only).unwrap();
    let settings = [("net.ipv4.tcp_syn_retries".to_owned(), "3".to_owned(), 5..9)];
    println!(
        "{}",
        isolation.enter(&Link::default(), &settings).unwrap_err()
    );
}
