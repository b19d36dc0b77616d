//! What the tests share.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lab_capture::lab::Isolation;
use lab_capture::scenario::{Link, Span};
use libtest_mimic::{Failed, Trial};

/// Long enough for any machine; reaching it is a failure.
pub const LIMIT: Duration = Duration::from_secs(20);

static ISOLATION: OnceLock<Isolation> = OnceLock::new();

pub fn set_isolation(isolation: Isolation) {
    ISOLATION.set(isolation).expect("set once");
}

/// A test that fails by panicking.
pub fn trial(name: &str, work: fn()) -> Trial {
    Trial::test(name, move || {
        work();
        Ok(())
    })
}

pub fn isolation() -> Isolation {
    *ISOLATION.get().expect("set by main")
}

/// Runs `work` in a thread with a network namespace of its own.
pub fn in_namespace<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    in_namespace_with(Link::default(), Vec::new(), work)
}

/// The same, with settings.
pub fn in_namespace_with<T: Send + 'static>(
    link: Link,
    sysctl: Vec<(String, String, Span)>,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let isolation = isolation();
    let thread = std::thread::spawn(move || {
        let _namespace = isolation
            .enter(&link, &sysctl)
            .unwrap_or_else(|e| panic!("{e}"));
        work()
    });
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// One connection: five bytes there and back, closed by the client; ten frames.
pub fn echo(address: SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    // The port that the kernel chose, should `address` leave it to it.
    let address = listener.local_addr().unwrap();
    let client = std::thread::spawn(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
    });
    let (mut socket, _) = listener.accept().unwrap();
    let mut message = [0; 5];
    socket.read_exact(&mut message).unwrap();
    socket.write_all(&message).unwrap();
    assert_eq!(socket.read(&mut message).unwrap(), 0);
    drop(socket);
    client.join().unwrap();
}

/// Threads that do nothing but take the CPUs, until dropped.
pub struct BusyLoops(Arc<AtomicBool>);

impl BusyLoops {
    pub fn start(count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..count {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        BusyLoops(stop)
    }
}

impl Drop for BusyLoops {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// This test program once more, as `nobody`.
pub fn run_unprivileged() -> Result<(), Failed> {
    // Where the program was built may be closed to others.
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(
        folder.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )?;
    let copy = folder.path().join("lab");
    std::fs::copy(std::env::current_exe()?, &copy)?;
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(&copy)
        .env("TMPDIR", folder.path())
        .env("HOME", folder.path())
        .env_remove("SUDO_UID")
        .env_remove("SUDO_GID")
        .current_dir(folder.path());
    report(command)
}

/// This test program once more, changed by `change`.
pub fn run_again(change: impl FnOnce(&mut Command)) -> Result<(), Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    change(&mut command);
    report(command)
}

fn report(mut command: Command) -> Result<(), Failed> {
    let output = command
        .output()
        .map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    // At least one test, and none failed: a filter that finds none is no success.
    if output.status.success() && !text.contains("running 0 tests") {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}\n{text}{errors}", output.status).into())
}

/// Runs a tool that a person would use, and returns what it says.
pub fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
