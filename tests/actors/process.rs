//! Servers in processes of their own.

use super::*;
use lab_capture::server::Controls;
use lab_capture::timeline::Op;

fn exists(pid: i32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn the_process_is_gone_after_stop() {
    for kind in [ServerKind::Select, ServerKind::Forking] {
        let context = context();
        let mut server = server(kind, Handler::Echo);
        server.process = true;
        let running = spawn(&server, &context).unwrap();
        let pid = running.killer().unwrap().pid();
        let steps = vec![connect(), send("a"), recv("a"), close()];
        assert_eq!(play(&context, &running, steps).result, Ok(()));
        // This one stays open: a forking server has a child for it.
        let steps = vec![connect(), send("b"), recv("b")];
        let held = play(&context, &running, steps);
        assert_eq!(held.sockets.len(), 1);
        running.stop().unwrap();
        assert!(!exists(pid));
        let events = context.timeline.snapshot();
        let exit = events.iter().find(|e| e.call == "exit").unwrap();
        assert_eq!(
            (&*exit.result, exit.failed),
            ("status 0", false),
            "{events:#?}"
        );
    }
}

#[test]
fn kill_ends_its_connections() {
    for kind in [
        ServerKind::Select,
        ServerKind::Forking,
        ServerKind::Threaded,
    ] {
        let mut context = context();
        let controls = Arc::new(Controls::default());
        context.control = Some(controls.clone());
        let mut server = server(kind, Handler::Echo);
        server.process = true;
        let running = spawn(&server, &context).unwrap();
        let killer = running.killer().unwrap();
        controls.add("server", killer.clone());
        let steps = vec![
            connect(),
            send("a"),
            recv("a"),
            step(Action::Signal(ProcessSignal::Kill, "server".into())),
            wait(Wait::PeerFin),
            eof(),
            saw("server", "exit", 1),
            close(),
        ];
        let finished = play(&context, &running, steps);
        let events = context.timeline.snapshot();
        assert_eq!(finished.result, Ok(()), "{events:#?}");
        let killed: Vec<_> = events.iter().filter(|e| e.op == Some(Op::Killed)).collect();
        assert_eq!(killed.len(), 1);
        assert_eq!(killed[0].ends.unwrap().local, running.address());
        assert!(
            events
                .iter()
                .any(|e| e.call == "exit" && e.result == "SIGKILL" && !e.failed)
        );
        assert!(killer.kill().is_err(), "its number is not used again");
        assert!(!exists(killer.pid()));
    }
}

#[test]
fn kill_of_what_is_no_process_says_so() {
    let mut context = context();
    context.control = Some(Arc::new(Controls::default()));
    let running = spawn(&server(ServerKind::Select, Handler::Echo), &context).unwrap();
    let finished = play(
        &context,
        &running,
        vec![step(Action::Signal(ProcessSignal::Kill, "server".into()))],
    );
    let text = finished.result.unwrap_err();
    assert!(text.contains("process = true"), "{text}");
}

#[test]
fn a_process_that_cannot_be_started_is_an_error() {
    let mut context = context();
    context.program = "/nonexistent".into();
    let mut server = server(ServerKind::Select, Handler::Echo);
    server.process = true;
    let text = spawn(&server, &context).unwrap_err().to_string();
    assert!(text.contains("execve"), "{text}");
    context.program = "/bin/true".into();
    let text = spawn(&server, &context).unwrap_err().to_string();
    assert!(text.contains("ended before it was ready"), "{text}");
    context.program = "/bin/echo".into();
    let text = spawn(&server, &context).unwrap_err().to_string();
    assert!(text.contains("no message"), "{text}");
}

#[test]
fn select_stops_below_its_set_size() {
    let mut server = server(ServerKind::Select, Handler::Echo);
    server.process = true;
    server.backlog = 128;
    server.descriptors = Some(1100);
    let context = context();
    let running = spawn(&server, &context).unwrap();
    // All stay open: some of the last have descriptors that select cannot watch.
    let mut open = Vec::new();
    let mut refused = 0;
    for n in 0..1040 {
        let steps = vec![connect(), send("x"), recv("x")];
        let name = format!("client-{n}");
        let finished = run_script(&client(&name, running.address(), steps), &context).unwrap();
        match finished.result {
            Ok(()) => open.push(finished),
            Err(_) => refused += 1,
        }
    }
    running.stop().unwrap();
    let events = context.timeline.snapshot();
    let said: Vec<_> = events
        .iter()
        .filter(|e| *e.actor == *"server" && e.result.contains("FD_SETSIZE"))
        .collect();
    assert_eq!(said.len(), refused);
    assert!(open.len() > 1000 && open.len() < 1024, "{}", open.len());
    assert_eq!(open.len() + refused, 1040);
}
