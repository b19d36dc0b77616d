//! The mutants: for each expectation one exchange in which it holds, and one in which the server or
//! the client was made to break it.

/// An expectation, a run that it holds of, and one that it does not.
pub struct Mutant {
    /// The scenario's name.
    pub name: &'static str,
    /// The code of the finding that must come.
    pub code: &'static str,
    /// The expectation.
    pub expect: &'static str,
    /// Server and clients as they should be.
    pub right: &'static str,
    /// The same, broken.
    pub wrong: &'static str,
    /// What must be told as its cause, and whether it is proven; `None`: nothing may be.
    pub cause: Option<(&'static str, bool)>,
}

/// A select server with this handler and one client with these steps.
macro_rules! talk {
    ($handler:literal, $steps:literal) => {
        concat!(
            "[server]\nkind = \"select\"\nhandler = [",
            $handler,
            "]\n\n[[client]]\nsteps = [\"connect\", ",
            $steps,
            "]\n"
        )
    };
}

/// One question, one answer, the client closes first.
const GOOD: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = "world" }, "close""#
);
const TWICE: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, { send = "world" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = "worldworld" }, "close""#
);
const WRONG_BYTE: &str = talk!(
    r#"{ recv = "hello" }, { send = "worlt" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = 5 }, "close""#
);
const SILENT: &str = talk!(
    r#"{ recv = "hello" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { wait = "acked" }, "close""#
);
const SPEAKS_FIRST: &str = talk!(
    r#"{ send = "world" }, { recv = "hello" }, "recv-eof", "close""#,
    r#"{ recv = "world" }, { send = "hello" }, "close""#
);
const SERVER_CLOSES: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, "close""#,
    r#"{ send = "hello" }, { recv = "world" }, "recv-eof", "close""#
);
const NOBODY_CLOSES: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }"#,
    r#"{ send = "hello" }, { recv = "world" }"#
);
const SERVER_NEVER_CLOSES: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, "recv-eof""#,
    r#"{ send = "hello" }, { recv = "world" }, "close""#
);
const LINGER: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, "reset""#,
    r#"{ send = "hello" }, { recv = "world" }, { wait = "peer-reset" }, "close""#
);
const UNREAD: &str = talk!(
    r#"{ wait = { queued = 5 } }, "close""#,
    r#"{ send = "hello" }, { wait = "peer-reset" }, "close""#
);
/// Unread bytes, but that is not why it is reset.
const UNREAD_AND_LINGER: &str = talk!(
    r#"{ wait = { queued = 5 } }, "reset""#,
    r#"{ send = "hello" }, { wait = "peer-reset" }, "close""#
);
const WRITES_AFTER_CLOSE: &str = talk!(
    r#"{ wait = "peer-fin" }, { send = "1" }, { wait = "peer-reset" }, "close""#,
    r#""close""#
);
const CROSSED: &str = talk!(
    r#"{ wait = { actor = "client-1", event = "setsockopt" } }, "shutdown-write", "recv-eof", "close""#,
    r#"{ deaf = true }, { wait = { actor = "server", event = "shutdown" } }, "shutdown-write", { deaf = false }, "recv-eof", "close""#
);
/// The first of three answers is lost: each of the others is answered with the same ACK again.
const LOST: &str = r#"[server]
kind = "select"
options = { nodelay = true }
handler = [
    { recv = "hello" },
    { wait = { actor = "client-1", event = "setsockopt" } },
    { send = "wo" },
    { wait = { actor = "client-1", event = "setsockopt", times = 2 } },
    { send = "rl" },
    { send = "d" },
    "recv-eof",
    "close",
]

[[client]]
steps = ["connect", { send = "hello" }, { deaf = true }, { wait = { actor = "server", event = "send" } }, { deaf = false }, { recv = "world" }, "close"]
"#;
const REFUSED: &str = r#"[server]
kind = "none"

[[client]]
steps = [{ connect = true, fails = "ECONNREFUSED" }]
"#;
const QUEUED_AND_CLOSED: &str = r#"[server]
kind = "listen"
handler = [{ wait = "readable" }, "close-listener"]

[[client]]
steps = ["connect", { wait = "peer-reset" }, "close"]
"#;
/// Of three clients only two fit into the queue.
const QUEUE_FULL: &str = r#"limit = "20s"

[server]
kind = "listen"
backlog = 1
handler = [
    { wait = { segment = "SYN", from = "client", times = 4 }, limit = "10s" },
    "accept", { recv = "a" }, "close",
    "accept", { recv = "b" }, "close",
    { accept = true, limit = "10s" }, "close",
]

[[client]]
steps = ["connect", { send = "a" }, { wait = "acked" }, { barrier = "one" }, { recv-eof = true, limit = "15s" }, "close"]

[[client]]
steps = [{ barrier = "one" }, "connect", { send = "b" }, { wait = "acked" }, { barrier = "two" }, { recv-eof = true, limit = "15s" }, "close"]

[[client]]
name = "third"
steps = [{ barrier = "two" }, { connect = true, limit = "15s" }, { recv-eof = true, limit = "15s" }, "close"]
"#;
const THIRD: &str = r#"[server]
kind = "select"

[[client]]
name = "third"
steps = ["connect", "close"]
"#;
/// SYN-ACKs come, and the client does not hear them.
const DEAF: &str = r#"[server]
kind = "select"

[[client]]
name = "third"
steps = [{ deaf = true }, { connect = true, fails = "ETIMEDOUT" }]

[sysctl]
net.ipv4.tcp_syn_retries = 1
"#;
const STUCK: &str = r#"[server]
kind = "select"
handler = [{ send = { pattern = 50000000 }, fails = "EAGAIN" }]

[[client]]
steps = ["connect", { send = { pattern = 50000000 }, fails = "EAGAIN" }, { wait = { actor = "server", event = "send" } }]

[sysctl]
net.ipv4.tcp_rmem = "4096 8192 8192"
net.ipv4.tcp_wmem = "4096 8192 8192"
"#;
const BYTE_BY_BYTE: &str = talk!(
    r#"{ recv = 30 }, { send = "world" }, "recv-eof", "close""#,
    r#"{ repeat = { times = 30, steps = [{ send = "x" }, { wait = "acked" }] } }, { recv = "world" }, "close""#
);
const ANOTHER_LINK: &str = concat!(
    talk!(
        r#"{ recv = "hello" }, { send = "world" }, "recv-eof", "close""#,
        r#"{ send = "hello" }, { recv = "world" }, "close""#
    ),
    "[link]\nmtu = 1500\n[sysctl]\nnet.ipv4.tcp_timestamps = 0\nnet.ipv4.tcp_sack = 0\nnet.ipv4.tcp_window_scaling = 0\n"
);
const TWO_CLIENTS: &str = r#"[server]
kind = "select"

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close"]

[[client]]
steps = ["connect", { send = "bb" }, { recv = "bb" }, "close"]
"#;
const TWO_ALIKE: &str = r#"[server]
kind = "select"

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close"]

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close"]
"#;
const AGAIN: &str = r#"[server]
kind = "select"

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close", "connect", { send = "a" }, { recv = "a" }, "close"]
"#;
const ONCE: &str = r#"[server]
kind = "select"

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close"]
"#;
const NOBODY: &str = "[server]\nkind = \"select\"\n";

/// The second client waits until the first has closed, if the server serves one at a time.
macro_rules! turns {
    ($kind:literal, $gate:literal) => {
        concat!(
            "[server]\nkind = \"",
            $kind,
            "\"\n\n[[client]]\nname = \"first\"\n",
            "steps = [\"connect\", { send = \"a\" }, { recv = \"a\" }, { barrier = \"served\" }, ",
            $gate,
            ", \"close\"]\n\n[[client]]\nname = \"second\"\n",
            "steps = [{ barrier = \"served\" }, \"connect\", { send = \"b\" }, { wait = \"acked\" }, { barrier = \"asked\" }, ",
            "{ recv = \"b\" }, \"close\"]\n"
        )
    };
}
const SEQUENTIAL: &str = turns!("sequential", "{ barrier = \"asked\" }");
/// The first client closes when the second has its answer.
const THREADED: &str = turns!(
    "threaded",
    "{ barrier = \"asked\" }, { wait = { actor = \"second\", event = \"recv\" } }"
);

/// A request in two pieces, the second time against a delayed acknowledgement.
macro_rules! pieces {
    ($set:literal) => {
        concat!(
            "[server]\nkind = \"select\"\noptions = { quickack = false }\n",
            "handler = [{ repeat = { times = 3, steps = [{ recv = 10 }, { send = \"answer\" }] } }, \"recv-eof\", \"close\"]\n\n",
            "[[client]]\nsteps = [",
            $set,
            "\"connect\", { repeat = { times = 3, steps = [{ send = \"head:\" }, { send = \"body.\" }, { recv = \"answer\" }] } }, \"close\"]\n"
        )
    };
}
const NAGLE: &str = pieces!("");
const NO_DELAY: &str = pieces!("{ set = { nodelay = true } }, ");

/// A client that is a program, of which the shell does this.
macro_rules! shell {
    ($more:literal, $command:literal) => {
        concat!(
            "[server]\nkind = \"select\"\n\n[[client]]\n",
            $more,
            "\ncommand = [\"sh\", \"-c\", ",
            $command,
            "]\n"
        )
    };
}
const EXIT_0: &str = shell!("", "'exit 0'");
const SPEAKS: &str = shell!(
    "stdout = \"ready\\n\"\nstderr = { contains = \"warning\" }",
    "'echo ready; echo a warning >&2'"
);
const MUTE: &str = shell!(
    "stdout = \"ready\\n\"\nstderr = { contains = \"warning\" }",
    "'echo steady; echo an error >&2'"
);
const EXIT_3: &str = shell!(
    "",
    "'echo about to fail >&2; echo [Errno 13] not mine >&2; exit 3'"
);
const SEGV: &str = shell!("", "'kill -SEGV $$'");
const EXIT_0_NOT_2: &str = shell!("status = 2", "'exit 0'");
const EXIT_2: &str = shell!("status = 2", "'exit 2'");

/// A server that is a program: it serves one connection as `$serve` says.
macro_rules! python {
    ($serve:literal, $steps:literal) => {
        concat!(
            "[server]\ncommand = [\"python3\", \"-c\", '''\nimport socket, sys\n",
            "l = socket.create_server((\"127.0.0.1\", 5000))\nc, _ = l.accept()\n",
            $serve,
            "''']\n\n[[client]]\nsteps = [\"connect\", ",
            $steps,
            "]\n"
        )
    };
}
const PYTHON: &str = python!(
    "while c.recv(10): pass\nc.close()\nl.accept()\n",
    r#"{ send = "hello" }, { wait = "acked" }, "close""#
);
const PYTHON_DIES: &str = python!(
    "c.recv(5)\nraise OSError(107, 'Transport endpoint is not connected')\n",
    r#"{ send = "hello" }, "recv-eof", "close", { wait = { actor = "server", event = "exit" } }"#
);
/// It ends too, but does not die.
const PYTHON_ENDS: &str = python!(
    "c.recv(5)\nsys.exit(0)\n",
    r#"{ send = "hello" }, "recv-eof", "close", { wait = { actor = "server", event = "exit" } }"#
);
const DATED: &str = talk!(
    r#"{ recv = "hello" }, { send = "Date: 12:51\r\nok" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = 15 }, "close""#
);
const NOT_DATED: &str = talk!(
    r#"{ recv = "hello" }, { send = "Time: 12:51\r\nok" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = 15 }, "close""#
);
const EPIPE: &str = talk!(
    r#"{ wait = "peer-fin" }, { send = "1" }, { wait = "peer-reset" }, { send = "2", fails = "EPIPE" }, "close""#,
    r#""close""#
);
const NO_EPIPE: &str = talk!(
    r#"{ recv = "x" }, { send = "2", fails = "EPIPE" }, "close""#,
    r#"{ send = "x" }, { recv = "2" }"#
);
const DATE: &str = "flow = '''\nclient 5\nthen server \"Date: [date]\\r\\nok\"\n...\n'''\n[[expect.redact]]\nname = \"date\"\npattern = 'Date: [0-9:]+'\nwith = \"Date: [date]\"";

const fn mutant(
    name: &'static str,
    code: &'static str,
    expect: &'static str,
    right: &'static str,
    wrong: &'static str,
) -> Mutant {
    Mutant {
        name,
        code,
        expect,
        right,
        wrong,
        cause: None,
    }
}

const fn caused(mutant: Mutant, text: &'static str) -> Mutant {
    Mutant {
        cause: Some((text, true)),
        ..mutant
    }
}

const fn consistent(mutant: Mutant, text: &'static str) -> Mutant {
    Mutant {
        cause: Some((text, false)),
        ..mutant
    }
}

const ECHO: &str = "flow = '''\nclient 5 \"hello\"\nthen server 5 \"world\"\n...\n'''";
const GROUP: &str =
    "flow = '''\nany order:\n- client 1 \"a\"\n  ...\n- client 2 \"bb\"\n  ...\n'''";
const CLOSED_BY_CLIENT: &str = "closed-by = \"client\"";
const FIN: &str = "close = \"fin\"";
const DIED: &str = "server died: exit status 1";

/// All of them.
pub const MUTANTS: &[Mutant] = &[
    mutant("flow-twice", "flow", ECHO, GOOD, TWICE),
    mutant("flow-wrong-byte", "flow", ECHO, GOOD, WRONG_BYTE),
    mutant("flow-silent", "flow", ECHO, GOOD, SILENT),
    mutant("flow-speaks-first", "flow", ECHO, GOOD, SPEAKS_FIRST),
    mutant(
        "flow-close",
        "flow",
        "flow = '''\n...\nclose client first | close crossed\n'''",
        GOOD,
        SERVER_CLOSES,
    ),
    mutant(
        "flow-regex",
        "flow",
        "flow = '''\nclient ...\nthen server /^wor.d$/\n...\n'''",
        GOOD,
        WRONG_BYTE,
    ),
    mutant(
        "flow-optional",
        "flow",
        "flow = '''\nclient 5\n? then server 7\nthen server 5\n...\n'''",
        GOOD,
        TWICE,
    ),
    caused(
        mutant(
            "flow-reset",
            "flow",
            "flow = '''\nclient 5\nthen server 5\nthen client fin\n...\n'''",
            GOOD,
            LINGER,
        ),
        "SO_LINGER was 0 when the server called close()",
    ),
    mutant("flow-any-order", "flow", GROUP, TWO_CLIENTS, TWO_ALIKE),
    mutant(
        "flow-named",
        "no-such-connection",
        "flow = '''\nclient-2:\nclient ...\n...\n'''",
        TWO_CLIENTS,
        ONCE,
    ),
    mutant(
        "flow-of-one",
        "flow",
        "[[expect.connection]]\nname = \"client-2\"\nflow = '''\nclient 2\n...\n'''",
        TWO_CLIENTS,
        TWO_ALIKE,
    ),
    mutant(
        "closed-by-server",
        "closed-by",
        CLOSED_BY_CLIENT,
        GOOD,
        SERVER_CLOSES,
    ),
    caused(
        mutant(
            "closed-by-nobody",
            "closed-by",
            CLOSED_BY_CLIENT,
            GOOD,
            NOBODY_CLOSES,
        ),
        "FIN is missing: no actor closed this socket",
    ),
    caused(
        mutant(
            "closed-by-reset",
            "closed-by",
            CLOSED_BY_CLIENT,
            GOOD,
            LINGER,
        ),
        "SO_LINGER was 0 when the server called close()",
    ),
    caused(
        mutant("close-crossed", "close", FIN, GOOD, CROSSED),
        "two FINs crossed: neither acknowledges the other",
    ),
    mutant(
        "close-one-after-the-other",
        "close",
        "close = \"crossed\"",
        CROSSED,
        SERVER_CLOSES,
    ),
    caused(
        mutant("close-half", "close", FIN, GOOD, SERVER_NEVER_CLOSES),
        "FIN is missing: no actor closed this socket (the server's end)",
    ),
    caused(
        mutant("close-unread", "close", FIN, GOOD, UNREAD),
        "because the server's close() left 5 unread bytes (recv queue)",
    ),
    caused(
        mutant(
            "close-unread-and-linger",
            "close",
            FIN,
            GOOD,
            UNREAD_AND_LINGER,
        ),
        "SO_LINGER was 0 when the server called close()",
    ),
    caused(
        mutant(
            "close-data-answered",
            "close",
            FIN,
            GOOD,
            WRITES_AFTER_CLOSE,
        ),
        "the client had closed: the server's data",
    ),
    caused(
        mutant(
            "handshake-refused",
            "handshake",
            "handshake = \"complete\"",
            GOOD,
            REFUSED,
        ),
        "was answered with RST #N: nothing listened on 127.0.0.1:5000",
    ),
    // RST, but the handshake had been completed.
    caused(
        mutant(
            "resets-queued",
            "resets",
            "resets = 0",
            GOOD,
            QUEUED_AND_CLOSED,
        ),
        "because server closed its listening socket while this connection stood in its queue",
    ),
    caused(
        mutant(
            "syns-queue-full",
            "syns",
            "[[expect.connection]]\nname = \"third\"\nsyns = 1",
            THIRD,
            QUEUE_FULL,
        ),
        "was not answered: the accept queue was full (listen(fd, 1) lets 2 wait, and 2 did)",
    ),
    consistent(
        mutant(
            "syns-deaf",
            "syns",
            "[[expect.connection]]\nname = \"third\"\nsyns = 1",
            THIRD,
            DEAF,
        ),
        "was sent again although SYN-ACK #N answered it: the client did not take it",
    ),
    caused(
        mutant("resets", "resets", "resets = { server = 0 }", GOOD, LINGER),
        "SO_LINGER was 0 when the server called close()",
    ),
    mutant(
        "retransmissions",
        "retransmissions",
        "retransmissions = 0",
        GOOD,
        CROSSED,
    ),
    mutant(
        "duplicate-acks",
        "duplicate-acks",
        "duplicate-acks = { max = 0 }",
        GOOD,
        LOST,
    ),
    mutant(
        "zero-window",
        "zero-window",
        "zero-window = { client = 0, server = 0 }",
        GOOD,
        STUCK,
    ),
    mutant(
        "zero-window-missing",
        "zero-window",
        "zero-window = { client = { min = 1 }, server = { min = 1 } }",
        STUCK,
        GOOD,
    ),
    mutant(
        "segments",
        "segments",
        "segments = { max = 20 }",
        GOOD,
        BYTE_BY_BYTE,
    ),
    mutant(
        "bytes",
        "bytes",
        "bytes = { client = 5, server = 5 }",
        GOOD,
        TWICE,
    ),
    mutant(
        "bytes-together",
        "bytes",
        "bytes = { min = 6, max = 10 }",
        GOOD,
        SILENT,
    ),
    caused(
        mutant(
            "bytes-cut-off",
            "bytes",
            "bytes = { server = 5 }",
            GOOD,
            UNREAD,
        ),
        "because the server's close() left 5 unread bytes (recv queue)",
    ),
    mutant(
        "payload-text",
        "payload",
        "payload = { server = \"world\" }",
        GOOD,
        WRONG_BYTE,
    ),
    mutant(
        "payload-twice",
        "payload",
        "payload = { server = \"world\" }",
        GOOD,
        TWICE,
    ),
    mutant(
        "payload-silent",
        "payload",
        "payload = { server = \"world\" }",
        GOOD,
        SILENT,
    ),
    mutant(
        "payload-hex",
        "payload",
        "payload = { server = { hex = \"776f726c64\" } }",
        GOOD,
        WRONG_BYTE,
    ),
    mutant(
        "payload-regex",
        "payload",
        "payload = { server = { regex = \"^w.*d$\" } }",
        GOOD,
        WRONG_BYTE,
    ),
    mutant(
        "payload-contains",
        "payload",
        "payload = { server = { contains = \"ld\" } }",
        GOOD,
        WRONG_BYTE,
    ),
    mutant(
        "payload-file",
        "payload",
        "payload = { server = { file = \"world.bin\" } }",
        GOOD,
        WRONG_BYTE,
    ),
    mutant(
        "options-timestamps",
        "options",
        "options = { timestamps = true }",
        GOOD,
        ANOTHER_LINK,
    ),
    mutant(
        "options-sack",
        "options",
        "options = { client = { sack-permitted = true } }",
        GOOD,
        ANOTHER_LINK,
    ),
    mutant(
        "options-mss",
        "options",
        "options = { mss = 65495 }",
        GOOD,
        ANOTHER_LINK,
    ),
    mutant(
        "options-window-scale",
        "options",
        "options = { window-scale = { min = 1 } }",
        GOOD,
        ANOTHER_LINK,
    ),
    mutant(
        "options-not-offered",
        "options",
        "options = { timestamps = false }",
        ANOTHER_LINK,
        GOOD,
    ),
    mutant(
        "connections-more",
        "connections",
        "connections = 1",
        ONCE,
        AGAIN,
    ),
    mutant(
        "connections-fewer",
        "connections",
        "connections = { min = 2 }",
        TWO_CLIENTS,
        ONCE,
    ),
    mutant(
        "connection-missing",
        "no-such-connection",
        "[[expect.connection]]\nname = \"client-1#2\"\nresets = 0",
        AGAIN,
        ONCE,
    ),
    mutant(
        "connection-none",
        "no-such-connection",
        "resets = 0",
        GOOD,
        NOBODY,
    ),
    mutant(
        "order-of-actors",
        "order",
        "[[expect.order]]\nfirst = { actor = \"first\", event = \"close\" }\nthen = { actor = \"second\", event = \"recv\" }",
        SEQUENTIAL,
        THREADED,
    ),
    mutant(
        "order-of-segments",
        "order",
        "[[expect.order]]\nfirst = { connection = \"first\", segment = \"FIN\", from = \"client\" }\nthen = { connection = \"second\", data = true, from = \"server\" }",
        SEQUENTIAL,
        THREADED,
    ),
    mutant(
        "order-within",
        "order",
        "[[expect.order]]\nfirst = { connection = \"client-1\", data = true, from = \"client\" }\nthen = { connection = \"client-1\", data = true, from = \"server\" }",
        GOOD,
        SPEAKS_FIRST,
    ),
    mutant(
        "order-never",
        "order",
        "[[expect.order]]\nfirst = { actor = \"server\", event = \"send\" }\nthen = { actor = \"client-1\", event = \"close\" }",
        GOOD,
        SILENT,
    ),
    caused(
        mutant(
            "time-handshake",
            "time",
            "[[expect.time]]\nmeasure = \"handshake\"\nconnection = \"third\"\nmax = \"500ms\"\ntolerance = \"100ms\"",
            THIRD,
            QUEUE_FULL,
        ),
        "was not answered: the accept queue was full",
    ),
    caused(
        mutant(
            "time-answer",
            "time",
            "[[expect.time]]\nmeasure = \"gap\"\nmax = \"30ms\"",
            NO_DELAY,
            NAGLE,
        ),
        "answer waited N ms: delayed ACK #N met Nagle, which held #N back; TCP_NODELAY is off",
    ),
    mutant(
        "time-gap-too-short",
        "time",
        "[[expect.time]]\nmeasure = \"gap\"\nfrom = \"client\"\nmin = \"35ms\"",
        NAGLE,
        NO_DELAY,
    ),
    mutant(
        "time-nothing",
        "time",
        "[[expect.time]]\nmeasure = \"answer\"\nmax = \"5s\"",
        GOOD,
        SILENT,
    ),
    caused(
        mutant(
            "packets-none",
            "packets",
            "[[expect.packets]]\nfilter = \"tcp.flags.reset == 1 && tcp.srcport == 5000\"\ncount = 0",
            GOOD,
            LINGER,
        ),
        "SO_LINGER was 0 when the server called close()",
    ),
    mutant(
        "packets-some",
        "packets",
        "[[expect.packets]]\nfilter = 'tcp.payload contains \"world\"'",
        GOOD,
        WRONG_BYTE,
    ),
    mutant("output", "output", "", SPEAKS, MUTE),
    consistent(
        mutant("program-exit", "program-failed", "", EXIT_0, EXIT_3),
        "client-1 died of EACCES: [Errno 13] not mine",
    ),
    mutant("program-killed", "program-failed", "", EXIT_0, SEGV),
    mutant("program-status", "program-failed", "", EXIT_2, EXIT_0_NOT_2),
    caused(
        mutant(
            "program-dies",
            "closed-by",
            CLOSED_BY_CLIENT,
            PYTHON,
            PYTHON_DIES,
        ),
        DIED,
    ),
    mutant(
        "program-ends",
        "closed-by",
        CLOSED_BY_CLIENT,
        PYTHON,
        PYTHON_ENDS,
    ),
    mutant("step-fails", "step-failed", "", EPIPE, NO_EPIPE),
    mutant(
        "did-not-fail",
        "did-not-fail",
        "fails = [\"resets\"]\nresets = 0",
        LINGER,
        GOOD,
    ),
    mutant("redact", "flow", DATE, DATED, NOT_DATED),
];
