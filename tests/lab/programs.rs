//! External programs: started, typed to, watched.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lab_capture::lab::program::output::KEPT;
use lab_capture::lab::program::sockets::tcp_sockets;
use lab_capture::lab::{Exit, Launch, ProgramError, RunningProgram};
use lab_capture::platform::socket::TcpState;
use lab_capture::scenario::Program;
use lab_capture::timeline::Timeline;
use libtest_mimic::Trial;

use crate::util::{LIMIT, in_namespace, isolation, trial};

pub fn trials() -> Vec<Trial> {
    vec![
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
    ]
}

pub fn program(argv: &[&str]) -> Program {
    Program {
        argv: argv.iter().map(|s| s.to_string()).collect(),
        ..Program::default()
    }
}

pub fn shell(script: &str) -> Program {
    program(&["sh", "-c", script])
}

pub fn start_at(
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

pub fn start(timeline: &Arc<Timeline>, program: &Program) -> RunningProgram {
    start_at(&std::env::temp_dir(), timeline, program).unwrap_or_else(|e| panic!("{e}"))
}

pub fn words(timeline: &Timeline) -> Vec<String> {
    let events = timeline.snapshot();
    events
        .iter()
        .map(|e| format!("{} {}", e.call, e.result))
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
        assert_eq!(row.state, TcpState::CloseWait);
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
