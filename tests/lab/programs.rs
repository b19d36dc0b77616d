//! External programs: started, watched, and ended without rest.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lab_capture::lab::program_output::KEPT;
use lab_capture::lab::program_sockets::{SocketState, tcp_sockets};
use lab_capture::lab::{Exit, Isolation, Launch, On, ProgramError, RunningProgram, probe};
use lab_capture::scenario::{Link, Program};
use lab_capture::timeline::Timeline;
use libtest_mimic::{Failed, Trial};

use crate::util::{LIMIT, in_namespace, isolation, run_again};

pub fn trials() -> Vec<Trial> {
    fn trial(name: &str, work: fn()) -> Trial {
        Trial::test(name, move || {
            work();
            Ok(())
        })
    }
    let mut trials = vec![
        trial("program_listens_serves_and_exits", listens),
        trial("program_that_ends_before_it_listens", ends_before_listening),
        trial("program_that_never_listens", never_listens),
        trial("program_that_is_not_there", not_there),
        trial("program_is_typed_to", typed),
        trial("program_prints_more_than_is_kept", prints_much),
        trial(
            "program_output_is_complete_when_its_end_is_known",
            output_complete,
        ),
        trial("program_environment_folder_and_descriptors", surroundings),
        trial("program_is_killed", killed),
        trial("program_daemons_do_not_outlive_it", daemons),
        trial("program_has_its_own_processes", own_processes),
        trial("program_identity", identity),
        trial("program_dies_with_lab_capture", dies_with_parent),
        trial("probe_of_the_whole_chain", || {
            let probe = probe().unwrap();
            assert!(probe.works(), "{probe:?}");
            assert_eq!(probe.privileged, !isolation().rootless());
        }),
    ];
    if nix::unistd::geteuid().is_root() && std::env::var_os("SUDO_UID").is_none() {
        trials.push(Trial::test(
            "under_sudo_it_is_the_invoking_user",
            under_sudo,
        ));
    }
    trials
}

/// What this test program does when it plays an actor.
pub fn role(arguments: &[String]) -> ExitCode {
    match arguments[0].as_str() {
        "echo-once" => {
            let listener = TcpListener::bind(&arguments[1]).unwrap();
            let (mut socket, _) = listener.accept().unwrap();
            let mut buffer = [0; 1024];
            let n = socket.read(&mut buffer).unwrap();
            socket.write_all(&buffer[..n]).unwrap();
            println!("echoed {n}");
        }
        "lab-capture" => {
            let isolation = Isolation::prepare(On::Namespace).unwrap();
            isolation.enter(&Link::default(), &[]).unwrap();
            let launch = Launch {
                isolation,
                folder: Path::new("/"),
                timeline: &Timeline::new(),
            };
            // 1 itself is the program's own output.
            let held = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
            let program = launch
                .start(&"daemon".into(), &shell(&arguments[1]), &[held.as_fd()])
                .unwrap();
            println!("started");
            std::io::stdin().read_line(&mut String::new()).unwrap();
            drop(program);
        }
        other => panic!("no role {other}"),
    }
    ExitCode::SUCCESS
}

fn program(argv: &[&str]) -> Program {
    Program {
        argv: argv.iter().map(|s| s.to_string()).collect(),
        ..Program::default()
    }
}

fn shell(script: &str) -> Program {
    program(&["sh", "-c", script])
}

fn start_at(
    folder: &Path,
    timeline: &Arc<Timeline>,
    program: &Program,
) -> Result<RunningProgram, ProgramError> {
    Launch {
        isolation: isolation(),
        folder,
        timeline,
    }
    .start(&"server".into(), program, &[])
}

fn start(timeline: &Arc<Timeline>, program: &Program) -> RunningProgram {
    start_at(&std::env::temp_dir(), timeline, program).unwrap_or_else(|e| panic!("{e}"))
}

fn words(timeline: &Timeline) -> Vec<String> {
    let events = timeline.snapshot();
    events
        .iter()
        .map(|e| format!("{} {}", e.call, e.result))
        .collect()
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

fn listens() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let exe = std::env::current_exe().unwrap();
        let address = "127.0.0.1:5000".parse().unwrap();
        let server = start(
            &timeline,
            &program(&[
                exe.to_str().unwrap(),
                "__role",
                "echo-once",
                "127.0.0.1:5000",
            ]),
        );
        server.wait_listening(address, LIMIT, &|| false).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"hello").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "hello");
        assert_eq!(server.wait_exit(LIMIT), Some(Exit::Status(0)));
        // The client's end has the program's FIN.
        let local = client.local_addr().unwrap();
        let row = tcp_sockets()
            .unwrap()
            .into_iter()
            .find(|s| s.local == local)
            .unwrap();
        assert_eq!(row.state, SocketState::CloseWait);
        assert_eq!(server.output().stdout, b"echoed 5\n");
        server.stop();
        let words = words(&timeline);
        assert!(
            words[0].starts_with("start ") && words[0].ends_with(" echo-once 127.0.0.1:5000"),
            "{words:?}"
        );
        assert_eq!(words[1..], ["listen 127.0.0.1:5000", "exit status 0"]);
        let events = timeline.snapshot();
        assert!(events.is_sorted_by_key(|e| e.at), "{events:?}");
        assert!(events.iter().all(|e| !e.failed && &*e.actor == "server"));
    });
}

fn ends_before_listening() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let server = start(
            &timeline,
            &Program {
                status: Some(0),
                ..shell("echo no such luck >&2; exit 3")
            },
        );
        let error = server
            .wait_listening("127.0.0.1:5000".parse().unwrap(), LIMIT, &|| false)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "server: the program ended (exit status 3) before it listened on 127.0.0.1:5000"
        );
        assert_eq!(server.stop().stderr, b"no such luck\n");
        assert_eq!(words(&timeline)[1..], ["exit status 3"]);
        assert!(
            timeline.snapshot()[1].failed,
            "the scenario expects status 0"
        );
    });
}

fn never_listens() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let server = start(&timeline, &program(&["sleep", "1000"]));
        let address = "127.0.0.1:5000".parse().unwrap();
        let error = server
            .wait_listening(address, Duration::from_millis(20), &|| false)
            .unwrap_err();
        assert!(
            matches!(error, ProgramError::NotListening { .. }),
            "{error}"
        );
        let error = server.wait_listening(address, LIMIT, &|| true).unwrap_err();
        assert!(matches!(error, ProgramError::Cancelled { .. }), "{error}");
        assert_eq!(server.exit(), None);
        server.stop();
        assert_eq!(
            words(&timeline),
            ["start sleep 1000"],
            "our own kill is no event"
        );
    });
}

fn not_there() {
    in_namespace(|| {
        let folder = tempfile::tempdir().unwrap();
        let timeline = Timeline::new();
        let error = |program: &Program| {
            start_at(folder.path(), &timeline, program)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(&program(&["no-such-program"])),
            "server: program no-such-program not found in any folder of PATH"
        );
        let at = folder.path().display();
        assert_eq!(
            error(&program(&["./server"])),
            format!("server: program ./server not found ({at}/./server)").replace("/./", "/")
        );
        std::fs::write(folder.path().join("server"), "not a program").unwrap();
        assert_eq!(
            error(&program(&["./server"])),
            format!("server: {at}/server is not an executable file (chmod +x?)")
        );
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join("server"), mode).unwrap();
        assert_eq!(
            error(&program(&["./server"])),
            format!("server: {at}/server could not be started: execve: Exec format error")
        );
        assert_eq!(
            error(&Program {
                dir: Some("nowhere".into()),
                ..program(&["true"])
            }),
            format!("server: working folder {at}/nowhere not found")
        );
        assert!(error(&program(&[])).contains("not found"));
        assert_eq!(timeline.snapshot(), []);
    });
}

fn typed() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let lines = || vec!["hello".to_owned(), "world".to_owned()];
        let cat = start(
            &timeline,
            &Program {
                stdin: lines(),
                ..program(&["cat"])
            },
        );
        assert_eq!(
            cat.wait_exit(LIMIT),
            Some(Exit::Status(0)),
            "standard input is closed after the lines"
        );
        assert_eq!(cat.stop().stdout, b"hello\nworld\n");

        let script = "read a; read b; echo $a $b; exec cat";
        let kept = start(
            &timeline,
            &Program {
                stdin: lines(),
                keep_stdin: true,
                ..shell(script)
            },
        );
        assert_eq!(
            kept.wait_exit(Duration::from_millis(50)),
            None,
            "standard input stays open"
        );
        assert_eq!(kept.stop().stdout, b"hello world\n");

        // More than a pipe holds, to one who does not read.
        let much = vec!["x".repeat(1000); 1000];
        let deaf = start(
            &timeline,
            &Program {
                stdin: much,
                ..program(&["sleep", "1000"])
            },
        );
        deaf.stop();
    });
}

fn prints_much() {
    in_namespace(|| {
        let timeline = Timeline::new();
        let chatty = start(
            &timeline,
            &shell(
                "echo begin; head -c 3000000 /dev/zero; echo end; head -c 1000000 /dev/zero >&2",
            ),
        );
        assert_eq!(
            chatty.wait_exit(LIMIT),
            Some(Exit::Status(0)),
            "it never blocks on its output"
        );
        let output = chatty.stop();
        assert!(output.stdout.starts_with(b"begin\n"));
        assert!(output.stdout.ends_with(b"end\n"));
        assert!((2 * KEPT..2 * KEPT + 100).contains(&output.stdout.len()));
        assert!((2 * KEPT..2 * KEPT + 100).contains(&output.stderr.len()));
        let text = String::from_utf8_lossy(&output.stdout);
        let left_out = 3_000_010 - 2 * KEPT;
        assert!(text.contains(&format!("\n[{left_out} bytes left out]\n")));
    });
}

fn output_complete() {
    in_namespace(|| {
        for round in 0..30 {
            let timeline = Timeline::new();
            let program = start(&timeline, &shell("echo out; echo err >&2"));
            assert_eq!(program.wait_exit(LIMIT), Some(Exit::Status(0)));
            let output = program.output();
            assert_eq!(
                (&output.stdout[..], &output.stderr[..]),
                (&b"out\n"[..], &b"err\n"[..]),
                "round {round}"
            );
        }
    });
}

fn surroundings() {
    in_namespace(|| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let timeline = Timeline::new();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&writer);
        let script = format!(
            "echo $GREETING; pwd; echo through >&{number}; ls -l /proc/self/fd | grep -c socket >&2"
        );
        let launch = Launch {
            isolation: isolation(),
            folder: folder.path(),
            timeline: &timeline,
        };
        // `>&12` is not portable in sh; bash takes it.
        let program = Program {
            argv: vec!["bash".into(), "-c".into(), script],
            env: vec![("GREETING".into(), "hello".into())],
            dir: Some("sub".into()),
            ..Program::default()
        };
        let running = launch
            .start(&"server".into(), &program, &[writer.as_fd()])
            .unwrap();
        drop(writer);
        assert!(matches!(running.wait_exit(LIMIT), Some(Exit::Status(_))));
        let output = running.stop();
        let at = folder.path().canonicalize().unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            format!("hello\n{}/sub\n", at.display())
        );
        assert_eq!(
            output.stderr, b"0\n",
            "the supervisor's socket is not inherited"
        );
        let mut through = String::new();
        reader.read_to_string(&mut through).unwrap();
        assert_eq!(through, "through\n");
    });
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
        let up = format!(
            "echo up >&{}; exec sleep {seconds}",
            std::os::fd::AsRawFd::as_raw_fd(&writer)
        );
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
        assert_eq!(processes_with(&seconds).len(), 3, "the daemons live on");
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

/// Killed in the one way that it cannot answer.
fn dies_with_parent() {
    let seconds = unique_seconds();
    let script = format!("setsid sleep {seconds} & sleep {seconds} & exec sleep {seconds}");
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["__role", "lab-capture", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    parent.kill().unwrap();
    parent.wait().unwrap();
    // Every process of the program has inherited this pipe: it ends when the last is gone.
    assert_eq!(stdout.read_line(&mut line).unwrap(), 0);
    assert_eq!(processes_with(&seconds), Vec::<PathBuf>::new());
}
