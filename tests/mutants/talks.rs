//! Who talks: exchanges as they should be, and broken ones.

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
pub const GOOD: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = "world" }, "close""#
);
pub const TWICE: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, { send = "world" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = "worldworld" }, "close""#
);
pub const WRONG_BYTE: &str = talk!(
    r#"{ recv = "hello" }, { send = "worlt" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = 5 }, "close""#
);
pub const SILENT: &str = talk!(
    r#"{ recv = "hello" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { wait = "acked" }, "close""#
);
pub const SPEAKS_FIRST: &str = talk!(
    r#"{ send = "world" }, { recv = "hello" }, "recv-eof", "close""#,
    r#"{ recv = "world" }, { send = "hello" }, "close""#
);
pub const SERVER_CLOSES: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, "close""#,
    r#"{ send = "hello" }, { recv = "world" }, "recv-eof", "close""#
);
pub const NOBODY_CLOSES: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }"#,
    r#"{ send = "hello" }, { recv = "world" }"#
);
pub const SERVER_NEVER_CLOSES: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, "recv-eof""#,
    r#"{ send = "hello" }, { recv = "world" }, "close""#
);
pub const LINGER: &str = talk!(
    r#"{ recv = "hello" }, { send = "world" }, "reset""#,
    r#"{ send = "hello" }, { recv = "world" }, { wait = "peer-reset" }, "close""#
);
pub const UNREAD: &str = talk!(
    r#"{ wait = { queued = 5 } }, "close""#,
    r#"{ send = "hello" }, { wait = "peer-reset" }, "close""#
);
/// Unread bytes, but that is not why it is reset.
pub const UNREAD_AND_LINGER: &str = talk!(
    r#"{ wait = { queued = 5 } }, "reset""#,
    r#"{ send = "hello" }, { wait = "peer-reset" }, "close""#
);
pub const WRITES_AFTER_CLOSE: &str = talk!(
    r#"{ wait = "peer-fin" }, { send = "1" }, { wait = "peer-reset" }, "close""#,
    r#""close""#
);
pub const CROSSED: &str = talk!(
    r#"{ wait = { actor = "client-1", event = "setsockopt" } }, "shutdown-write", "recv-eof", "close""#,
    r#"{ deaf = true }, { wait = { actor = "server", event = "shutdown" } }, "shutdown-write", { deaf = false }, "recv-eof", "close""#
);
/// The first of three answers is lost: each of the others is answered with the same ACK again.
pub const LOST: &str = r#"[server]
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
pub const REFUSED: &str = r#"[server]
kind = "none"

[[client]]
steps = [{ connect = true, fails = "ECONNREFUSED" }]
"#;
pub const QUEUED_AND_CLOSED: &str = r#"[server]
kind = "listen"
handler = [{ wait = "readable" }, "close-listener"]

[[client]]
steps = ["connect", { wait = "peer-reset" }, "close"]
"#;
/// Of three clients only two fit into the queue.
pub const QUEUE_FULL: &str = r#"limit = "20s"

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
pub const THIRD: &str = r#"[server]
kind = "select"

[[client]]
name = "third"
steps = ["connect", "close"]
"#;
/// SYN-ACKs come, and the client does not hear them.
pub const DEAF: &str = r#"[server]
kind = "select"

[[client]]
name = "third"
steps = [{ deaf = true }, { connect = true, fails = "ETIMEDOUT" }]

[sysctl]
net.ipv4.tcp_syn_retries = 1
"#;
pub const STUCK: &str = r#"[server]
kind = "select"
handler = [{ send = { pattern = 50000000 }, fails = "EAGAIN" }]

[[client]]
steps = ["connect", { send = { pattern = 50000000 }, fails = "EAGAIN" }, { wait = { actor = "server", event = "send" } }]

[sysctl]
net.ipv4.tcp_rmem = "4096 8192 8192"
net.ipv4.tcp_wmem = "4096 8192 8192"
"#;
pub const BYTE_BY_BYTE: &str = talk!(
    r#"{ recv = 30 }, { send = "world" }, "recv-eof", "close""#,
    r#"{ repeat = { times = 30, steps = [{ send = "x" }, { wait = "acked" }] } }, { recv = "world" }, "close""#
);
pub const ANOTHER_LINK: &str = concat!(
    talk!(
        r#"{ recv = "hello" }, { send = "world" }, "recv-eof", "close""#,
        r#"{ send = "hello" }, { recv = "world" }, "close""#
    ),
    "[link]\nmtu = 1500\n[sysctl]\nnet.ipv4.tcp_timestamps = 0\nnet.ipv4.tcp_sack = 0\nnet.ipv4.tcp_window_scaling = 0\n"
);
pub const TWO_CLIENTS: &str = r#"[server]
kind = "select"

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close"]

[[client]]
steps = ["connect", { send = "bb" }, { recv = "bb" }, "close"]
"#;
pub const TWO_ALIKE: &str = r#"[server]
kind = "select"

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close"]

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close"]
"#;
pub const AGAIN: &str = r#"[server]
kind = "select"

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close", "connect", { send = "a" }, { recv = "a" }, "close"]
"#;
pub const ONCE: &str = r#"[server]
kind = "select"

[[client]]
steps = ["connect", { send = "a" }, { recv = "a" }, "close"]
"#;
pub const NOBODY: &str = "[server]\nkind = \"select\"\n";

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
pub const SEQUENTIAL: &str = turns!("sequential", "{ barrier = \"asked\" }");
/// The first client closes when the second has its answer.
pub const THREADED: &str = turns!(
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
pub const NAGLE: &str = pieces!("");
pub const NO_DELAY: &str = pieces!("{ set = { nodelay = true } }, ");

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
pub const EXIT_0: &str = shell!("", "'exit 0'");
pub const SPEAKS: &str = shell!(
    "stdout = \"ready\\n\"\nstderr = { contains = \"warning\" }",
    "'echo ready; echo a warning >&2'"
);
pub const MUTE: &str = shell!(
    "stdout = \"ready\\n\"\nstderr = { contains = \"warning\" }",
    "'echo steady; echo an error >&2'"
);
pub const EXIT_3: &str = shell!(
    "",
    "'echo about to fail >&2; echo [Errno 13] not mine >&2; exit 3'"
);
pub const SEGV: &str = shell!("", "'kill -SEGV $$'");
pub const EXIT_0_NOT_2: &str = shell!("status = 2", "'exit 0'");
pub const EXIT_2: &str = shell!("status = 2", "'exit 2'");

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
pub const PYTHON: &str = python!(
    "while c.recv(10): pass\nc.close()\nl.accept()\n",
    r#"{ send = "hello" }, { wait = "acked" }, "close""#
);
pub const PYTHON_DIES: &str = python!(
    "c.recv(5)\nraise OSError(107, 'Transport endpoint is not connected')\n",
    r#"{ send = "hello" }, "recv-eof", "close", { wait = { actor = "server", event = "exit" } }"#
);
/// It ends too, but does not die.
pub const PYTHON_ENDS: &str = python!(
    "c.recv(5)\nsys.exit(0)\n",
    r#"{ send = "hello" }, "recv-eof", "close", { wait = { actor = "server", event = "exit" } }"#
);
pub const DATED: &str = talk!(
    r#"{ recv = "hello" }, { send = "Date: 12:51\r\nok" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = 15 }, "close""#
);
pub const NOT_DATED: &str = talk!(
    r#"{ recv = "hello" }, { send = "Time: 12:51\r\nok" }, "recv-eof", "close""#,
    r#"{ send = "hello" }, { recv = 15 }, "close""#
);
pub const EPIPE: &str = talk!(
    r#"{ wait = "peer-fin" }, { send = "1" }, { wait = "peer-reset" }, { send = "2", fails = "EPIPE" }, "close""#,
    r#""close""#
);
pub const NO_EPIPE: &str = talk!(
    r#"{ recv = "x" }, { send = "2", fails = "EPIPE" }, "close""#,
    r#"{ send = "x" }, { recv = "2" }"#
);
