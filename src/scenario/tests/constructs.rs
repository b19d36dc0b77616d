//! Each construct of the file and what it becomes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{handler, messages, ok, script, steps, with_steps};
use crate::scenario::*;

fn address(text: &str) -> std::net::SocketAddr {
    text.parse().unwrap()
}

fn bytes(text: &str) -> Data {
    Data::Bytes(text.as_bytes().to_vec())
}

#[test]
fn defaults() {
    let scenario = ok("[server]\nkind = \"select\"\n[[client]]\nsteps = [\"connect\"]\n");
    assert_eq!(scenario.name, "test");
    assert_eq!(scenario.title, "test");
    assert_eq!(scenario.limit, Duration::from_secs(10));
    let server = &scenario.servers[0];
    assert_eq!(&*server.name, "server");
    assert_eq!(server.listen, address("127.0.0.1:5000"));
    assert_eq!(server.handler, Handler::Echo);
    assert_eq!(server.backlog, 5);
    assert_eq!(server.options, [SocketOption::ReuseAddr(true)]);
    assert!(!server.process);
    let client = &scenario.clients[0];
    assert_eq!(&*client.name, "client-1");
    assert_eq!(client.target, address("127.0.0.1:5000"));
    assert_eq!(script(client)[0].limit, Duration::from_secs(5));
    assert!(scenario.link.offload);
}

#[test]
fn every_kind_of_server() {
    let kinds = [
        ("select", ServerKind::Select),
        ("poll", ServerKind::Poll),
        ("epoll", ServerKind::Epoll),
        ("threaded", ServerKind::Threaded),
        ("forking", ServerKind::Forking),
        ("sequential", ServerKind::Sequential),
        ("udp", ServerKind::Udp),
        ("listen", ServerKind::Listen),
    ];
    for (word, kind) in kinds {
        let scenario = ok(&format!("[server]\nkind = \"{word}\"\n"));
        assert_eq!(scenario.servers[0].kind, kind);
        assert_eq!(scenario.servers[0].process, word == "forking");
    }
}

#[test]
fn nothing_listens_where_the_kind_is_none() {
    let text = "[server]\nkind = \"none\"\nlisten = \"127.0.0.1:7\"\n[[client]]\nsteps = [{ connect = \"server\", fails = \"ECONNREFUSED\" }]";
    let scenario = ok(text);
    assert!(scenario.servers.is_empty());
    assert_eq!(scenario.clients[0].target, address("127.0.0.1:7"));
    let step = &script(&scenario.clients[0])[0];
    assert_eq!(step.action, Action::Connect(Some(address("127.0.0.1:7"))));
    let (errno, span) = step.fails.clone().unwrap();
    assert_eq!(errno, "ECONNREFUSED");
    assert_eq!(&text[span], "\"ECONNREFUSED\"");
    assert_eq!(
        &text[step.span.clone()],
        "{ connect = \"server\", fails = \"ECONNREFUSED\" }"
    );
}

#[test]
fn one_server_or_many() {
    let many = ok(
        "[[server]]\nkind = \"select\"\n[[server]]\nkind = \"poll\"\nlisten = \"127.0.0.1:5001\"\n[[client]]\nserver = \"server-2\"\nsteps = [\"connect\"]\n",
    );
    let names: Vec<&str> = many.servers.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["server", "server-2"]);
    assert_eq!(many.clients[0].target, address("127.0.0.1:5001"));
    let one = ok("[[server]]\nkind = \"select\"\n[client]\nsteps = [\"connect\"]\n");
    assert_eq!(one.clients.len(), 1);
}

#[test]
fn spans_point_at_the_text() {
    let text = with_steps("[\"connect\", { send = \"x\" }]");
    let scenario = ok(&text);
    assert_eq!(&text[scenario.servers[0].span.clone()], "[server]");
    assert_eq!(&text[scenario.clients[0].span.clone()], "[[client]]");
    let steps = script(&scenario.clients[0]);
    assert_eq!(&text[steps[0].span.clone()], "\"connect\"");
    assert_eq!(&text[steps[1].span.clone()], "{ send = \"x\" }");
}

#[test]
fn names_and_counts() {
    let names = |tables: &str| -> Vec<String> {
        let scenario = ok(&format!("[server]\nkind = \"select\"\n{tables}"));
        scenario
            .clients
            .iter()
            .map(|c| c.name.to_string())
            .collect()
    };
    let table = |keys: &str| format!("[[client]]\n{keys}\nsteps = [\"connect\"]\n");
    assert_eq!(
        names(&table("count = 3")),
        ["client-1", "client-2", "client-3"]
    );
    assert_eq!(
        names(&format!("{}{}", table("count = 2"), table(""))),
        ["client-1", "client-2", "client-3"]
    );
    assert_eq!(names(&table("name = \"ann\"")), ["ann"]);
    assert_eq!(
        names(&table("name = \"ann\"\ncount = 2")),
        ["ann-1", "ann-2"]
    );
    assert_eq!(
        names(&table("name = \"ann-7\"\ncount = 2")),
        ["ann-7", "ann-8"]
    );
}

#[test]
fn clients_of_one_table_share_their_steps() {
    let scenario =
        ok("[server]\nkind = \"select\"\n[[client]]\ncount = 2\nsteps = [\"connect\"]\n");
    let (ClientKind::Script(a), ClientKind::Script(b)) =
        (&scenario.clients[0].kind, &scenario.clients[1].kind)
    else {
        panic!("scripts");
    };
    assert!(Arc::ptr_eq(a, b));
}

#[test]
fn framings() {
    let framing = |text: &str| {
        let text = format!("[server]\nkind = \"select\"\nframing = {text}\n");
        ok(&text).servers[0].framing.clone().unwrap()
    };
    assert_eq!(framing("\"close\""), Framing::Close);
    assert_eq!(framing("\"stream\""), Framing::Stream);
    assert_eq!(framing("{ fixed = 16 }"), Framing::Fixed(16));
    assert_eq!(
        framing("{ delimiter = \"\\n\" }"),
        Framing::Delimiter(b"\n".to_vec())
    );
    assert_eq!(
        framing("{ delimiter = { hex = \"00\" } }"),
        Framing::Delimiter(vec![0])
    );
    let prefix = |width, big_endian, signed, max| Framing::Prefix {
        width,
        big_endian,
        signed,
        max,
    };
    assert_eq!(framing("{ prefix = 4 }"), prefix(4, true, false, 1 << 20));
    assert_eq!(framing("{ prefix = 1 }"), prefix(1, true, false, 255));
    assert_eq!(
        framing("{ prefix = { width = 2, order = \"little\", signed = true } }"),
        prefix(2, false, true, 32767)
    );
    assert_eq!(
        framing("{ prefix = { width = 8, max = 9 } }"),
        prefix(8, true, false, 9)
    );
}

#[test]
fn messages_on_both_sides() {
    let scenario = ok(
        "[server]\nkind = \"select\"\nframing = { prefix = 4 }\nhandler = [\"recv-message\", { send-message = \"b\" }]\n[[client]]\nframing = { prefix = 4 }\nsteps = [\"connect\", { send-message = { pattern = 3 } }, { recv-message = \"b\" }]\n",
    );
    assert_eq!(handler(&scenario)[0].action, Action::RecvMessage(None));
    assert_eq!(
        handler(&scenario)[1].action,
        Action::SendMessage(bytes("b"))
    );
    assert_eq!(
        script(&scenario.clients[0])[2].action,
        Action::RecvMessage(Some(bytes("b")))
    );
}

#[test]
fn handlers() {
    let handler = |text: &str| {
        ok(&format!("[server]\nkind = \"select\"\nhandler = {text}\n")).servers[0]
            .handler
            .clone()
    };
    assert_eq!(handler("\"sink\""), Handler::Sink);
    assert_eq!(handler("\"chat\""), Handler::Chat);
    assert_eq!(
        handler("{ greet = \"hi\" }"),
        Handler::Greet(b"hi".to_vec())
    );
    assert_eq!(handler("{ http = \"hi\" }"), Handler::Http(b"hi".to_vec()));
    assert_eq!(
        handler("{ forward = \"127.0.0.1:5001\" }"),
        Handler::Forward(address("127.0.0.1:5001"))
    );
    assert_eq!(handler("[]"), Handler::Steps(Arc::default()));
}

#[test]
fn a_listening_server_has_a_script_of_its_own() {
    let scenario = ok(
        "[server]\nkind = \"listen\"\nbacklog = 0\nhandler = [{ wait = \"readable\" }, \"accept\", { recv = 1 }, \"close\", { accept = true }, \"reset\", \"close-listener\"]\n",
    );
    let actions: Vec<Action> = handler(&scenario).into_iter().map(|s| s.action).collect();
    assert_eq!(actions[1], Action::Accept);
    assert_eq!(actions[6], Action::CloseListener);
    assert_eq!(scenario.servers[0].backlog, 0);
    let plain = ok("[server]\nkind = \"listen\"\n");
    assert_eq!(plain.servers[0].handler, Handler::Steps(Arc::default()));
}

#[test]
fn programs() {
    let scenario = ok(
        "[server]\ncommand = [\"./serve\", \"-p\"]\nenv = { B = \"2\", A = \"1\" }\ndir = \"programs\"\nstatus = 3\n[[client]]\ncommand = [\"talk\"]\nstdin = [\"hello\"]\nkeep-stdin = true\n",
    );
    let ServerKind::Command(program) = &scenario.servers[0].kind else {
        panic!("a program");
    };
    assert_eq!(program.argv, ["./serve", "-p"]);
    assert_eq!(
        program.env,
        [("B".into(), "2".into()), ("A".into(), "1".into())]
    );
    assert_eq!(program.dir, Some(PathBuf::from("programs")));
    assert_eq!(program.status, Some(3));
    let ClientKind::Command(program) = &scenario.clients[0].kind else {
        panic!("a program");
    };
    assert_eq!(program.stdin, ["hello"]);
    assert!(program.keep_stdin);
}

#[test]
fn the_rest_of_the_file() {
    let scenario = ok(
        "title = \"T\"\nexplain = \"E\"\n[server]\nkind = \"select\"\noptions = { nodelay = true, reuseaddr = false }\nprocess = true\ndescriptors = 64\n[link]\nmtu = 1500\noffload = false\n[sysctl]\nnet.ipv4.tcp_syn_retries = 2\n\"net.ipv4.tcp_rmem\" = \"4096 8192 8192\"\n[capture]\nsnaplen = 128\nbuffer = 4\n[expect]\nsnapshot = false\nvariants = [\"a\"]\nfails = [\"resets\"]\n",
    );
    assert_eq!(
        (scenario.title.as_str(), scenario.explain.as_deref()),
        ("T", Some("E"))
    );
    assert_eq!(
        scenario.servers[0].options,
        [SocketOption::NoDelay(true), SocketOption::ReuseAddr(false)]
    );
    assert_eq!(scenario.servers[0].descriptors, Some(64));
    assert_eq!(
        (scenario.link.mtu, scenario.link.offload),
        (Some(1500), false)
    );
    let settings: Vec<(&str, &str)> = scenario
        .sysctl
        .iter()
        .map(|(k, v, _)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        settings,
        [
            ("net.ipv4.tcp_syn_retries", "2"),
            ("net.ipv4.tcp_rmem", "4096 8192 8192")
        ]
    );
    assert_eq!(scenario.capture.snaplen, Some(128));
    assert_eq!(scenario.capture.buffer, Some(4));
    assert_eq!(scenario.expect.snapshot, Some(false));
    assert_eq!(scenario.expect.variants, ["a"]);
    assert_eq!(scenario.expect.fails, ["resets"]);
}

#[test]
fn to_ipv6_moves_every_address() {
    let mut scenario = ok(
        "[[server]]\nname = \"front\"\nkind = \"select\"\nhandler = { forward = \"127.0.0.1:5001\" }\n[[server]]\nname = \"back\"\nkind = \"select\"\nlisten = \"0.0.0.0:5001\"\n[[client]]\ncount = 2\nserver = \"front\"\nsteps = [{ repeat = { times = 2, steps = [{ connect = \"back\" }, \"close\"] } }]\n[[client]]\ncommand = [\"c\", \"127.0.0.1\", \"http://127.0.0.1:5000/\"]\n",
    );
    scenario.to_ipv6();
    assert_eq!(scenario.servers[0].listen, address("[::1]:5000"));
    assert_eq!(
        scenario.servers[0].handler,
        Handler::Forward(address("[::1]:5001"))
    );
    assert_eq!(scenario.servers[1].listen, address("[::]:5001"));
    assert_eq!(scenario.clients[0].target, address("[::1]:5000"));
    let inner = |client: &Client| match &script(client)[0].action {
        Action::Repeat { steps, .. } => steps[0].action.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        inner(&scenario.clients[1]),
        Action::Connect(Some(address("[::1]:5001")))
    );
    let (ClientKind::Script(a), ClientKind::Script(b)) =
        (&scenario.clients[0].kind, &scenario.clients[1].kind)
    else {
        panic!("scripts");
    };
    assert!(Arc::ptr_eq(a, b), "still shared");
    let ClientKind::Command(program) = &scenario.clients[2].kind else {
        panic!("a program");
    };
    assert_eq!(program.argv, ["c", "::1", "http://[::1]:5000/"]);
}

#[test]
fn a_privileged_port_is_noted_unless_the_run_allows_it() {
    let text = "[server]\nkind = \"select\"\nlisten = \"127.0.0.1:80\"\n";
    assert_eq!(ok(text).notes().len(), 1);
    let allowed = format!("{text}[sysctl]\nnet.ipv4.ip_unprivileged_port_start = 0\n");
    assert!(ok(&allowed).notes().is_empty());
}

#[test]
fn an_empty_message_is_a_message_but_an_empty_send_is_nothing() {
    let scenario = "[server]\nkind = \"select\"\n[[client]]\nframing = { prefix = 4 }\nsteps = [\"connect\", { send-message = \"\" }]\n";
    assert_eq!(steps(scenario)[1].action, Action::SendMessage(bytes("")));
    assert_eq!(
        messages(&with_steps("[\"connect\", { send = \"\" }]")),
        "impossible-step: no bytes: nothing would happen (empty)"
    );
}
