//! External programs: how they end, and as whom they run.

use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab_capture::lab::{Exit, Launch};
use lab_capture::timeline::Timeline;
use libtest_mimic::{Failed, Trial};

use crate::programs::{program, shell, start, words};
use crate::util::{LIMIT, in_namespace, isolation, run_again, trial};

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("program_is_killed", killed),
        trial("program_daemons_do_not_outlive_it", daemons),
        trial("program_has_its_own_processes", own_processes),
        trial("program_identity", identity),
        trial("program_dies_with_lab_capture", || dies_with_parent(&[])),
    ];
    if nix::unistd::geteuid().is_root() && std::env::var_os("SUDO_UID").is_none() {
        trials.push(Trial::test(
            "under_sudo_it_is_the_invoking_user",
            under_sudo,
        ));
        // As in a container whose seccomp filter forbids `unshare`.
        trials.push(trial(
            "program_dies_also_where_unshare_is_forbidden",
            || dies_with_parent(&["setpriv", "--bounding-set=-sys_admin", "--"]),
        ));
    }
    trials
}

/// Processes whose command line contains these words.
fn processes_with(words: &str) -> Vec<PathBuf> {
    std::fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            std::fs::read(path.join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(words))
        })
        .collect()
}

/// Seconds to sleep that no other process has on its command line.
fn unique_seconds() -> String {
    format!(
        "98765.{}{:?}",
        std::process::id(),
        std::thread::current().id()
    )
    .chars()
    .filter(|c| c.is_ascii_digit() || *c == '.')
    .collect()
}

fn killed() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let server = start(
            &timeline,
            &shell("trap '' TERM; echo ready; exec sleep 1000"),
        );
        server.kill().unwrap();
        assert_eq!(server.wait_exit(LIMIT), Some(Exit::Signal(9)));
        assert_eq!(words(&timeline)[1..], ["killed by SIGKILL"]);
        // To one who has gone it is no error.
        server.kill().unwrap();
        server.stop();
    });
}

fn daemons() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let seconds = unique_seconds();
        let (reader, writer) = std::io::pipe().unwrap();
        let up = format!("echo up >&{}; sleep {seconds}; true", writer.as_raw_fd());
        let script =
            format!("setsid bash -c '{up}' & (setsid bash -c '{up}' &) ; bash -c '{up}' & exit 0");
        let launch = Launch {
            isolation: isolation(),
            folder: Path::new("/"),
            timeline: &timeline,
        };
        let daemon = launch
            .start(
                &"server".into(),
                &program(&["bash", "-c", &script]),
                &[writer.as_fd()],
            )
            .unwrap();
        drop(writer);
        let mut reader = BufReader::new(reader);
        for _ in 0..3 {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert_eq!(line, "up\n");
        }
        assert_eq!(daemon.wait_exit(LIMIT), Some(Exit::Status(0)));
        assert!(daemon.has_own_pid_namespace());
        // Three shells, and perhaps what they have started.
        assert!(processes_with(&seconds).len() >= 3, "the daemons live on");
        daemon.stop();
        assert_eq!(processes_with(&seconds), Vec::<PathBuf>::new());
        assert_eq!(
            reader.read_line(&mut String::new()).unwrap(),
            0,
            "nobody is left to write"
        );
    });
}

fn own_processes() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let program = start(
            &timeline,
            &shell("echo $$; readlink /proc/self; tr '\\0' ' ' < /proc/1/cmdline"),
        );
        assert_eq!(program.wait_exit(LIMIT), Some(Exit::Status(0)));
        let output = program.stop();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "2", "the second process of its namespace");
        assert_eq!(lines[1], "3", "and /proc is that namespace's");
        assert!(lines[2].starts_with("lab-capture __init "), "{text}");
    });
}

/// Who the program is: the invoking user, without capabilities unless that is root.
fn identity() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let program = start(
            &timeline,
            &shell(
                "id -u; id -g; id -G; grep -E 'Cap(Prm|Eff|Bnd|Amb)' /proc/self/status; echo $HOME $USER",
            ),
        );
        assert_eq!(program.wait_exit(LIMIT), Some(Exit::Status(0)));
        let text = String::from_utf8(program.stop().stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let me = nix::unistd::geteuid().as_raw().to_string();
        let sudo = std::env::var("SUDO_UID").ok();
        assert_eq!(lines[0], sudo.clone().unwrap_or(me.clone()), "{text}");
        if let Some(uid) = &sudo {
            assert_eq!(
                (lines[1], lines[2]),
                (&uid[..], &uid[..]),
                "no group of root's is left: {text}"
            );
            assert_eq!(lines.last().unwrap(), &"/nonexistent nobody");
        }
        let capable = |name: &str| {
            let line = lines.iter().find(|l| l.starts_with(name)).unwrap();
            line.chars()
                .filter(|c| c.is_ascii_hexdigit())
                .any(|c| ('1'..='9').contains(&c))
        };
        let root = me == "0" && sudo.is_none();
        assert_eq!(capable("CapEff:\t"), root, "{text}");
        assert_eq!(capable("CapPrm:\t"), root, "{text}");
        assert!(!capable("CapAmb:\t"), "{text}");
    });
    // Files as well.
    if let Ok(uid) = std::env::var("SUDO_UID") {
        use lab_capture::capture::write::PcapWriter;
        use lab_capture::wire::LinkType;
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/close.pcap");
        PcapWriter::create(&path, LinkType::ETHERNET, 262_144)
            .unwrap()
            .finish()
            .unwrap();
        for path in [path.clone(), path.parent().unwrap().to_owned()] {
            let owner = std::fs::metadata(&path).unwrap();
            assert_eq!(
                (owner.uid().to_string(), owner.gid().to_string()),
                (uid.clone(), uid.clone())
            );
        }
    }
}

fn under_sudo() -> Result<(), Failed> {
    run_again(|command| {
        command
            .arg("program_identity")
            .env("SUDO_UID", "65534")
            .env("SUDO_GID", "65534");
    })
}

/// Killed in the one way that it cannot answer. `before`: a command that starts it.
fn dies_with_parent(before: &[&str]) {
    let seconds = unique_seconds();
    let script = format!("setsid sleep {seconds} & (sleep {seconds} &) ; exec sleep {seconds}");
    let mut words = before.iter().map(|s| s.to_string()).collect::<Vec<_>>();
    words.push(std::env::current_exe().unwrap().display().to_string());
    let on = if before.is_empty() {
        "namespace"
    } else {
        "host"
    };
    words.extend(["__role", "lab-capture", on, &script].map(str::to_owned));
    let mut parent = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(
        line,
        format!("started, own PID namespace: {}\n", before.is_empty())
    );
    parent.kill().unwrap();
    parent.wait().unwrap();
    // Every process of the program has inherited this pipe: it ends when the last is gone.
    assert_eq!(stdout.read_line(&mut line).unwrap(), 0);
    assert_eq!(processes_with(&seconds), Vec::<PathBuf>::new());
}
