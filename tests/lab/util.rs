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
use libtest_mimic::Failed;

/// Long enough for any machine; reaching it is a failure.
pub const LIMIT: Duration = Duration::from_secs(20);

static ISOLATION: OnceLock<Isolation> = OnceLock::new();

pub fn set_isolation(isolation: Isolation) {
    ISOLATION.set(isolation).expect("set once");
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
    let isolation = ISOLATION.get().expect("set by main");
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
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(&copy)
        .env("TMPDIR", folder.path())
        .env("HOME", folder.path())
        .env_remove("SUDO_UID")
        .env_remove("SUDO_GID")
        .current_dir(folder.path())
        .output()
        .map_err(|e| format!("setpriv (of util-linux): {e}"))?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "as nobody: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
        .into())
    }
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
