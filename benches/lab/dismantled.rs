//! The kernel dismantles network namespaces behind the back of those who left them, in their order, one
//! batch at a time. Who is measured next would pay for it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};

/// One end of a pair of interfaces; it goes with the namespace that has the other.
const MARK: &str = "lab-mark";

/// Puts the calling thread, and what it starts, into a network namespace where marks can be made.
pub fn prepare() {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace (run as root)");
}

/// Waits until the kernel has dismantled every namespace that nobody is in: one is made, and left, and
/// those before it went first.
pub fn wait() {
    let mut last = Command::new("unshare")
        .args(["--net", "--", "sh", "-c", "echo ready; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("unshare");
    let said = last.stdout.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line).expect("a line");
    let peer = format!("name {MARK}-b netns {}", last.id());
    let made = Command::new("ip")
        .args(["link", "add", MARK, "type", "veth", "peer"])
        .args(peer.split(' '))
        .status()
        .expect("ip");
    assert!(made.success(), "ip link add {MARK}");
    // End of file: the last process leaves the namespace.
    drop(last.stdin.take());
    last.wait().expect("it ends");
    let start = Instant::now();
    while marked() {
        assert!(start.elapsed() < Duration::from_secs(60), "{MARK} stays");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn marked() -> bool {
    let devices = std::fs::read_to_string("/proc/thread-self/net/dev").expect("the interfaces");
    devices.contains(MARK)
}
