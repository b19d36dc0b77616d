//! What proves nothing is not judged: exit code 4, with the reason.

use std::net::{TcpStream, UdpSocket};

use libtest_mimic::Trial;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use lab_capture::platform::Interface;

use crate::endings::{UnderWay, under_way};
use crate::program::Outcome;
use crate::stage::{Person, is_root};

pub fn trials() -> Vec<Trial> {
    // Entering another's network namespace needs root.
    if is_root() {
        crate::trials![frames_were_dropped, the_interface_went_down]
    } else {
        vec![]
    }
}

/// The client goes on when a second connection has been accepted: the test's.
const WAITS_FOR_US: &str = r#"
limit = "50s"
[capture]
buffer = 1
[server]
kind = "select"
handler = [{ recv-file = { into = "pipe" }, limit = "45s" }, "close"]
[[client]]
steps = [
    "connect",
    { send = "under way" },
    { wait = { actor = "server", event = "accept", times = 2 }, limit = "45s" },
    "close",
]
[expect]
snapshot = false
"#;

/// Runs `work` in the network namespace of the run.
fn inside(middle: &UnderWay, work: impl FnOnce() + Send) {
    let network = middle.namespaces.network();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            setns(network, CloneFlags::CLONE_NEWNET).expect("root may");
            work();
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

fn inconclusive(outcome: &Outcome, reason: &str) {
    outcome.exits(4);
    assert!(
        outcome.stdout.contains("middle: inconclusive"),
        "{}",
        outcome.text()
    );
    assert!(outcome.stdout.contains(reason), "{}", outcome.text());
}

/// While the whole program is stopped, nobody empties its ring of 1 MiB: 64 MiB do not fit.
fn frames_were_dropped() {
    let middle = under_way(Person::Root, WAITS_FOR_US);
    middle.run.signal(Signal::SIGSTOP);
    let pid = Id::Pid(Pid::from_raw(middle.run.pid()));
    waitid(pid, WaitPidFlag::WSTOPPED | WaitPidFlag::WNOWAIT).expect("our child stops");
    inside(&middle, || {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let to = socket.local_addr().expect("bound");
        for _ in 0..1024 {
            socket
                .send_to(&[0; 65_000], to)
                .expect("lo takes everything");
        }
    });
    middle.run.signal(Signal::SIGCONT);
    inside(&middle, || {
        TcpStream::connect("127.0.0.1:5000").expect("the server listens");
    });
    inconclusive(&middle.run.wait(), "the capture dropped ");
}

fn the_interface_went_down() {
    let soon = WAITS_FOR_US.replace("limit = \"45s\"", "limit = \"2s\"");
    let middle = under_way(Person::Root, &soon);
    inside(&middle, || {
        let lo = Interface::open("lo").expect("lo is there");
        lo.down().expect("root may");
    });
    inconclusive(&middle.run.wait(), "Network is down");
}
