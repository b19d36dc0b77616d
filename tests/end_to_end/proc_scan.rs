//! What a run leaves behind: its processes are known by a variable in their environment, its
//! namespaces by their inodes, which are held so that the kernel cannot give them to others.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::program::LIMIT;

const VARIABLE: &str = "LAB_CAPTURE_TEST_RUN";

/// The mark of one run.
#[derive(Debug)]
pub struct Mark(String);

impl Mark {
    /// Marks what this command will start.
    pub fn put(command: &mut Command) -> Mark {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let value = format!("{}-{serial}", std::process::id());
        command.env(VARIABLE, &value);
        Mark(format!("{VARIABLE}={value}"))
    }

    /// The processes that carry it now.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let carries = |pid: &i32| {
            // One that is gone, or not ours to read, is not it.
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|b| *b == 0)
                .any(|v| v == self.0.as_bytes())
        };
        let name = |pid: i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            (pid, String::from_utf8_lossy(&line).replace('\0', " "))
        };
        processes().into_iter().filter(carries).map(name).collect()
    }

    /// The namespaces that its processes are in and we are not.
    pub fn namespaces(&self) -> Namespaces {
        let mut held = BTreeMap::new();
        for (pid, _) in self.processes() {
            for link in links_of(pid) {
                let mine = Path::new("/proc/self/ns").join(link.file_name().expect("a name"));
                let (Ok(file), Ok(mine)) = (File::open(&link), mine.metadata()) else {
                    continue;
                };
                let Ok(metadata) = file.metadata() else {
                    continue;
                };
                if metadata.ino() != mine.ino() {
                    held.insert(metadata.ino(), (link, file));
                }
            }
        }
        Namespaces(held)
    }

    /// Waits until so many processes of this command line carry it; a panic after [`LIMIT`].
    #[track_caller]
    pub fn await_processes(&self, command: &str, count: usize) {
        let start = Instant::now();
        loop {
            let there = self.processes();
            if there
                .iter()
                .filter(|(_, line)| line.trim() == command)
                .count()
                == count
            {
                return;
            }
            assert!(
                start.elapsed() < LIMIT,
                "not {count} times {command:?}: {there:?}"
            );
            std::thread::yield_now();
        }
    }

    /// Waits until no process carries it any more; a panic after [`LIMIT`].
    #[track_caller]
    pub fn assert_gone(&self) {
        let start = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(start.elapsed() < LIMIT, "left behind: {left:?}");
            std::thread::yield_now();
        }
    }
}

fn processes() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted");
    let pid =
        |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    entries.filter_map(pid).collect()
}

/// `PID (NAME) Z …`
fn is_zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    state.starts_with(['Z', 'X'])
}

/// The namespaces of all threads of a process.
fn links_of(pid: i32) -> Vec<PathBuf> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return vec![];
    };
    let tasks = tasks.filter_map(|task| Some(task.ok()?.path()));
    let kinds = ["net", "user", "pid", "mnt", "ipc", "uts"];
    tasks
        .flat_map(|task| kinds.map(|kind| task.join("ns").join(kind)))
        .collect()
}

/// Namespaces, held open.
#[derive(Debug)]
pub struct Namespaces(BTreeMap<u64, (PathBuf, File)>);

impl Namespaces {
    /// The kinds that there are: `net`, `user`.
    pub fn kinds(&self) -> Vec<&str> {
        let kind = |(link, _): &'_ (PathBuf, File)| {
            link.file_name().and_then(|n| n.to_str()).map(str::to_owned)
        };
        let mut kinds: Vec<&str> = vec![];
        for entry in self.0.values() {
            let name = kind(entry).expect("a name");
            let known = ["net", "user", "pid", "mnt", "ipc", "uts"];
            kinds.extend(known.into_iter().filter(|known| *known == name));
        }
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// The network namespace.
    pub fn network(&self) -> &File {
        let mut entries = self.0.values();
        let net = entries.find(|(link, _)| link.ends_with("net"));
        &net.expect("a network namespace").1
    }

    /// Waits until nobody but this test is in one of them, has one open, or has one mounted; a panic
    /// after [`LIMIT`]. Since we hold them, none of these inodes can be another namespace's. (A
    /// process that ends loses its environment first and its namespaces later.)
    #[track_caller]
    pub fn assert_abandoned(&self) {
        let start = Instant::now();
        while let Some(holder) = self.holder() {
            assert!(
                start.elapsed() < LIMIT,
                "{} still holds a namespace of the run",
                holder.display()
            );
            std::thread::yield_now();
        }
    }

    fn holder(&self) -> Option<PathBuf> {
        // This program, and what it has forked that is not yet another one (other tests do).
        let me = std::fs::read_link("/proc/self/exe").expect("/proc is mounted");
        for pid in processes() {
            // What is dead and only waits to be asked for its status has no namespace.
            if is_zombie(pid) {
                continue;
            }
            for link in links_of(pid) {
                let ino = link.metadata().map(|m| m.ino()).unwrap_or_default();
                if self.0.contains_key(&ino) {
                    return Some(link);
                }
            }
            if std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == me) {
                continue;
            }
            let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
                continue;
            };
            for descriptor in descriptors.flatten() {
                let target = std::fs::read_link(descriptor.path()).unwrap_or_default();
                if self.is(&target) {
                    return Some(descriptor.path());
                }
            }
        }
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
        let mut mounts = mounts.split_whitespace().map(PathBuf::from);
        mounts.find(|mount| self.is(mount))
    }

    /// `net:[4026531840]`
    fn is(&self, name: &Path) -> bool {
        let inode = || {
            name.to_str()?
                .split_once(":[")?
                .1
                .strip_suffix(']')?
                .parse()
                .ok()
        };
        inode().is_some_and(|inode| self.0.contains_key(&inode))
    }
}
