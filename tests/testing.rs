//! `lab_capture::testing`, from where it is meant to be called: libtest, many tests in one process.
//!
//! As root there is no user namespace; one test runs all the others as another user.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use lab_capture::testing::{self, Error};

const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 5000);

/// What the outer process says of a test that should fail.
fn failure(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).expect_err("the isolated test fails");
    let words = panic.downcast::<String>().expect("a message");
    *words
}

/// One question, one answer, the server closes first.
fn talk() -> io::Result<()> {
    let listener = TcpListener::bind(SERVER)?;
    std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            let (mut socket, _) = listener.accept()?;
            let mut question = [0; 4];
            socket.read_exact(&mut question)?;
            socket.write_all(b"pong")
        });
        let mut client = TcpStream::connect(SERVER)?;
        client.write_all(b"ping")?;
        let mut answer = vec![];
        client.read_to_end(&mut answer)?;
        assert_eq!(answer, b"pong");
        server.join().expect("no panic")
    })
}

const TALK: &str = "\
client
  handshake complete
  client 4 \"ping\"
  then server 4 \"pong\" fin
  then client fin
  close server first
";

#[test]
fn own_sockets() {
    testing::isolated(|| {
        let captured = testing::capture(talk)?.transpose()?;
        assert_eq!(captured.flows(), TALK);
        Ok::<_, Error>(())
    });
}

#[test]
fn outside_of_isolated_it_says_what_to_do() {
    let error = testing::capture(talk).expect_err("this process has threads");
    assert!(matches!(error, Error::NotIsolated), "{error}");
    assert!(error.to_string().contains("testing::isolated"), "{error}");
}

#[test]
fn a_panic_inside_fails_the_test_with_its_words() {
    let said = failure(|| testing::isolated(|| assert_eq!(1 + 1, 3, "the answer is wrong")));
    assert!(said.contains("the answer is wrong"), "{said}");
}

#[test]
fn an_error_inside_fails_the_test_with_its_words() {
    let said = failure(|| testing::isolated(|| Err(io::Error::other("no cable"))));
    assert!(said.contains("no cable"), "{said}");
}

#[test]
fn a_test_that_ends_its_process_has_not_passed() {
    let said = failure(|| testing::isolated(|| -> () { std::process::exit(0) }));
    assert!(said.contains("before its own end"), "{said}");
}

#[test]
fn a_test_that_is_killed_has_not_passed() {
    let said = failure(|| testing::isolated(|| -> () { std::process::abort() }));
    assert!(said.contains("signal: 6"), "{said}");
}

#[test]
fn a_test_that_is_not_reached_has_not_passed() {
    let said = failure(|| testing::isolated_by(&["--exact", "no_such_test"], || ()));
    assert!(said.contains("was not reached"), "{said}");
    assert!(said.contains("running 0 tests"), "{said}");
}

#[test]
fn an_unnamed_thread_is_told_why_it_cannot() {
    let thread = std::thread::spawn(|| failure(|| testing::isolated(|| ())));
    // A literal panic message is no `String`.
    assert!(thread.join().is_err());
}

#[test]
fn nothing_of_it_runs_in_the_calling_process() {
    let mut here = false;
    testing::isolated(|| here = true);
    assert!(!here, "the closure ran in another process");
}

#[test]
fn several_in_one_test_each_in_a_process_of_its_own() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_owned();
    // In the inner processes, too, a new file was made by the line above: tell them this one.
    let path = std::env::var_os("TESTING_FILE").map_or(path, Into::into);
    // SAFETY is not needed: the variable is set by the command below, not here.
    if std::env::var_os("TESTING_FILE").is_none() {
        let status = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "several_in_one_test_each_in_a_process_of_its_own",
            ])
            .env("TESTING_FILE", &path)
            .status()
            .expect("it starts");
        assert!(status.success());
        let text = std::fs::read_to_string(&path).expect("it is there");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        let pids: Vec<&str> = lines.iter().filter_map(|l| l.split(' ').nth(1)).collect();
        let distinct: std::collections::BTreeSet<_> = pids.iter().collect();
        assert_eq!(distinct.len(), 4, "{text}");
        let names: Vec<&str> = lines.iter().filter_map(|l| l.split(' ').next()).collect();
        assert_eq!(names, ["loop0", "loop1", "loop2", "last"]);
        return;
    }
    let write = |name: &str| {
        let line = format!("{name} {}\n", std::process::id());
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("it is there");
        file.write_all(line.as_bytes()).expect("it is written");
    };
    for round in 0..3 {
        testing::isolated(|| write(&format!("loop{round}")));
    }
    // Inside of another, it just runs.
    testing::isolated(|| testing::isolated(|| write("last")));
}

#[test]
fn several_captures_in_one_test_do_not_see_each_other() {
    testing::isolated(|| {
        for _ in 0..3 {
            // The port is free each time: it is another namespace.
            let captured = testing::capture(talk)?.transpose()?;
            assert_eq!(captured.conversations.len(), 1);
            assert_eq!(captured.conversations[0].segments[0].frame, 1);
        }
        Ok::<_, Error>(())
    });
}

#[test]
fn a_panic_in_the_closure_of_a_capture_goes_on() {
    let said = failure(|| {
        testing::isolated(|| {
            testing::capture(|| panic!("in the closure")).map(|_: testing::Captured<()>| ())
        });
    });
    assert!(said.contains("in the closure"), "{said}");
}

#[test]
fn threads_and_child_processes_are_captured() {
    testing::isolated(|| {
        let script = "import socket\n\
                      s = socket.create_connection(('127.0.0.1', 5000))\n\
                      s.sendall(b'from a child')\n\
                      s.shutdown(socket.SHUT_WR)\n\
                      s.recv(1)\n";
        let captured = testing::capture(|| -> io::Result<()> {
            let listener = TcpListener::bind(SERVER)?;
            let server = std::thread::spawn(move || -> io::Result<Vec<u8>> {
                let (mut socket, _) = listener.accept()?;
                let mut bytes = vec![];
                socket.read_to_end(&mut bytes)?;
                Ok(bytes)
            });
            assert!(
                Command::new("python3")
                    .args(["-c", script])
                    .status()?
                    .success()
            );
            assert_eq!(server.join().expect("no panic")?, b"from a child");
            Ok(())
        })?
        .transpose()?;
        let server = SocketAddr::from(SERVER);
        let conversation = captured.to(server).next().expect("one connection");
        let payload: Vec<u8> = conversation
            .segments
            .iter()
            .flat_map(|s| s.payload.to_vec())
            .collect();
        assert_eq!(payload, b"from a child");
        // Both FINs are acknowledged, though the last acknowledgement is nobody's system call.
        let last = conversation.segments.last().expect("segments");
        assert_eq!(last.len, 0);
        assert!(
            captured.flows().contains("close client first"),
            "{}",
            captured.flows()
        );
        Ok::<_, Error>(())
    });
}

#[test]
fn programs_see_the_user_that_they_know() {
    testing::isolated(|| {
        let map = std::fs::read_to_string("/proc/self/uid_map").expect("/proc is there");
        let mut numbers = map.split_whitespace();
        let (inside, outside) = (numbers.next(), numbers.next());
        assert_eq!(inside, outside, "mapped to itself, not to root: {map}");
        let output = Command::new("id").arg("-u").output().expect("id(1)");
        let id = String::from_utf8_lossy(&output.stdout);
        assert_eq!(id.trim(), nix::unistd::getuid().to_string());
    });
}

#[test]
fn datagrams_are_captured() {
    testing::isolated(|| {
        let captured = testing::capture(|| -> io::Result<()> {
            let server = UdpSocket::bind(SERVER)?;
            let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            client.send_to(b"ping", SERVER)?;
            let mut buffer = [0; 10];
            let (n, from) = server.recv_from(&mut buffer)?;
            server.send_to(&buffer[..n], from)?;
            client.recv_from(&mut buffer)?;
            Ok(())
        })?
        .transpose()?;
        assert_eq!(captured.exchanges.len(), 1);
        assert!(
            captured.flows().contains("client 4 \"ping\""),
            "{}",
            captured.flows()
        );
        Ok::<_, Error>(())
    });
}

#[test]
fn a_reset_and_a_refusal_are_told_apart() {
    testing::isolated(|| {
        let captured = testing::capture(|| -> io::Result<()> {
            assert!(TcpStream::connect(SERVER).is_err(), "nobody listens");
            let listener = TcpListener::bind(SERVER)?;
            let mut client = TcpStream::connect(SERVER)?;
            let (server, _) = listener.accept()?;
            client.write_all(b"never read")?;
            client.shutdown(Shutdown::Write)?;
            let mut byte = [0];
            server.peek(&mut byte)?;
            // Unread bytes in the queue: close() sends RST.
            drop(server);
            assert!(client.read(&mut byte).is_err());
            Ok(())
        })?
        .transpose()?;
        let flows = captured.flows();
        assert!(flows.contains("handshake refused"), "{flows}");
        assert!(flows.contains("reset"), "{flows}");
        Ok::<_, Error>(())
    });
}

#[test]
fn what_was_captured_can_be_written_and_read_again() {
    testing::isolated(|| {
        let captured = testing::capture(talk)?;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("talk.pcap");
        captured.write_pcap(&path)?;
        let mut reader = lab_capture::capture::read::Reader::open(&path).expect("a capture file");
        let mut frames = 0;
        while let Some(frame) = reader.next().expect("whole") {
            frames = frame.number;
        }
        assert_eq!(frames, captured.frames.len() as u64);
        Ok::<_, Error>(())
    });
}

#[test]
fn a_scenario() {
    testing::isolated(|| {
        let tested = testing::run("scenarios/close.toml")?;
        tested.assert_passed();
        assert!(tested.flows().contains("close client first"));
        let conversation = tested.conversation("client-1").expect("one connection");
        assert_eq!(conversation.server, SocketAddr::from(SERVER));
        assert!(tested.events().iter().any(|event| event.call == "accept"));
        assert!(tested.report().contains("passed"));
        Ok::<_, Error>(())
    });
}

/// Both start this very binary again, as a helper: it must not take that for a list of tests.
#[test]
fn scenarios_with_processes_of_their_own() {
    testing::isolated(|| {
        testing::run("scenarios/python-echo.toml")?.assert_passed();
        testing::run("scenarios/killed-unread.toml")?.assert_passed();
        Ok::<_, Error>(())
    });
}

#[test]
fn a_scenario_that_does_not_hold_fails_with_its_report() {
    let said = failure(|| {
        testing::isolated(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("wrong.toml");
            let text = "title = \"The answer is another\"\n\
                        [server]\nkind = \"select\"\nlisten = \"127.0.0.1:5000\"\nhandler = \"echo\"\n\
                        [[client]]\nsteps = [\"connect\", { send = \"a\" }, { recv = \"b\" }, \"close\"]\n\
                        [expect]\nsnapshot = false\n";
            std::fs::write(&path, text).expect("it is written");
            testing::run(&path)?.assert_passed();
            Ok::<_, Error>(())
        });
    });
    assert!(said.contains("wrong did not pass"), "{said}");
}

#[test]
fn a_scenario_that_cannot_be_loaded_is_an_error_with_its_line() {
    let said = failure(|| {
        testing::isolated(|| testing::run("scenarios/no-such-file.toml").map(drop));
    });
    assert!(said.contains("no-such-file.toml"), "{said}");
}

/// Root needs no user namespace, everybody else does: all of the above, as somebody else.
#[test]
fn all_of_it_as_another_user() {
    const SELF: &str = "all_of_it_as_another_user";
    const NOBODY: u32 = 65534;
    if !nix::unistd::getuid().is_root() {
        // Then all of the above have just been that.
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), everybody).expect("it is ours");
    let program = folder.path().join("testing");
    // A hard link would not be readable either where the project is in root's home.
    std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("room");
    let copied = Command::new("cp")
        .args(["-r", "scenarios"])
        .arg(folder.path())
        .status();
    assert!(copied.expect("cp(1)").success());
    let output = Command::new(&program)
        .args(["--skip", SELF])
        .current_dir(folder.path())
        .env("TMPDIR", "/tmp")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let ran = said.lines().filter(|line| line.ends_with("... ok")).count();
    assert!(ran >= 20, "{said}");
}
