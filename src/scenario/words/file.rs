//! The tables of a scenario file.

use super::facts::key;
use super::step::STEPS;
use super::values::{
    ADDRESS, BOOL, DURATION, FRAMING, KNOWN_BYTES, NAME, OPTIONS, PATH, TARGET, TEXT,
};
use super::{Shape, Table, Tagged, Word};

static TEXTS: Shape = Shape::List(&Shape::Text);
static ENV: Shape = Shape::Map(&Shape::Text);

/// The whole file.
pub static FILE: Table = Table {
    what: "scenario",
    keys: &[
        key(
            "title",
            &TEXT,
            "One line for people.",
            "title = \"One message, then the client closes\"",
        ),
        key(
            "explain",
            &TEXT,
            "A sentence or more that a student understands: which system call caused which segment.",
            "explain = \"close() sends FIN.\"",
        ),
        key(
            "limit",
            &DURATION,
            "Longest time that the run may take once the servers listen, for which they have as long; 10 seconds, or more if the steps ask for more.",
            "limit = \"10s\"",
        ),
        key(
            "server",
            &Shape::OneOrMany(&SERVER),
            "A server.",
            "[server]\nkind = \"select\"\nlisten = \"127.0.0.1:5000\"",
        ),
        key(
            "client",
            &Shape::OneOrMany(&CLIENT),
            "A client.",
            "[[client]]\nsteps = [\"connect\", { send = \"hello\" }, { recv = \"hello\" }, \"close\"]",
        ),
        key(
            "link",
            &Shape::Table(&LINK),
            "Settings of the loopback interface of the run.",
            "[link]\nmtu = 1500\noffload = false",
        ),
        key(
            "sysctl",
            &Shape::Map(&Shape::Any(&[
                Shape::Text,
                Shape::Int {
                    min: i64::MIN,
                    max: i64::MAX,
                },
            ])),
            "Network settings of the run's own namespace, by name.",
            "[sysctl]\nnet.ipv4.tcp_syn_retries = 2",
        ),
        key(
            "capture",
            &Shape::Table(&CAPTURE),
            "How the capture is taken.",
            "[capture]\nsnaplen = 128",
        ),
        key(
            "expect",
            &Shape::Table(&super::expect::EXPECT),
            "What is expected.",
            "[expect]\nsnapshot = true",
        ),
    ],
    example: "title = \"…\"\n\n[server]\nkind = \"select\"\n\n[[client]]\nsteps = [\"connect\", \"close\"]",
};

/// `[server]`
static SERVER: Table = Table {
    what: "server",
    keys: &[
        key(
            "name",
            &NAME,
            "The name that events and flows use; `server` unless said otherwise.",
            "name = \"server\"",
        ),
        key(
            "kind",
            &Shape::Words(&[
                Word {
                    word: "select",
                    doc: "select(2): listener and clients in one list.",
                },
                Word {
                    word: "poll",
                    doc: "poll(2).",
                },
                Word {
                    word: "epoll",
                    doc: "epoll(7), level triggered.",
                },
                Word {
                    word: "threaded",
                    doc: "A thread for each connection.",
                },
                Word {
                    word: "forking",
                    doc: "A process for each connection.",
                },
                Word {
                    word: "sequential",
                    doc: "One connection at a time.",
                },
                Word {
                    word: "udp",
                    doc: "A UDP socket.",
                },
                Word {
                    word: "listen",
                    doc: "Listens and never accepts, unless its own steps do.",
                },
                Word {
                    word: "none",
                    doc: "Nothing listens: a connection is refused.",
                },
            ]),
            "How the server waits for its connections.",
            "kind = \"select\"",
        ),
        key(
            "command",
            &TEXTS,
            "An external program instead of `kind`: program and arguments.",
            "command = [\"python3\", \"server.py\"]",
        ),
        key(
            "listen",
            &ADDRESS,
            "Where it listens; 127.0.0.1:5000 unless said otherwise.",
            "listen = \"127.0.0.1:5000\"",
        ),
        key(
            "handler",
            &HANDLER,
            "What it does with each connection; `echo` unless said otherwise.",
            "handler = \"echo\"",
        ),
        key(
            "backlog",
            &Shape::Int { min: 0, max: 65535 },
            "The second argument of listen(2); 5 unless said otherwise.",
            "backlog = 5",
        ),
        key(
            "options",
            &Shape::Table(&OPTIONS),
            "Socket options set before bind(2); connections inherit them.",
            "options = { nodelay = true }",
        ),
        key(
            "framing",
            &FRAMING,
            "How messages are told apart.",
            "framing = { delimiter = \"\\n\" }",
        ),
        key(
            "process",
            &BOOL,
            "Run in a process of its own.",
            "process = true",
        ),
        key(
            "descriptors",
            &Shape::Int {
                min: 16,
                max: 1 << 20,
            },
            "RLIMIT_NOFILE of a server in a process of its own.",
            "descriptors = 1100",
        ),
        key(
            "stdin",
            &TEXTS,
            "Lines typed on the program's standard input.",
            "stdin = [\"hello\"]",
        ),
        key(
            "keep-stdin",
            &BOOL,
            "Leave the program's standard input open until the run ends.",
            "keep-stdin = true",
        ),
        key(
            "env",
            &ENV,
            "Environment variables of the program.",
            "env = { LANG = \"C\" }",
        ),
        key(
            "dir",
            &PATH,
            "Working folder of the program; the scenario's folder unless said otherwise.",
            "dir = \"programs\"",
        ),
        key(
            "status",
            &Shape::Int { min: 0, max: 255 },
            "The program's expected exit status; 0 unless said otherwise, if it ends by itself.",
            "status = 0",
        ),
        key(
            "stdout",
            &super::facts::CONTENT,
            "What the program must have printed on standard output by the end of the run.",
            "stdout = { contains = \"ready\" }",
        ),
        key(
            "stderr",
            &super::facts::CONTENT,
            "What the program must have printed on standard error by the end of the run.",
            "stderr = { regex = \"Errno [0-9]+\" }",
        ),
    ],
    example: "[server]\nkind = \"select\"\nlisten = \"127.0.0.1:5000\"",
};

/// `[[client]]`
static CLIENT: Table = Table {
    what: "client",
    keys: &[
        key(
            "name",
            &NAME,
            "Its name; `client-1` and so on unless said otherwise.",
            "name = \"client-1\"",
        ),
        key(
            "count",
            &Shape::Int {
                min: 1,
                max: 10_000,
            },
            "So many of them: client-1, client-2…",
            "count = 100",
        ),
        key(
            "server",
            &TARGET,
            "The server that `connect` goes to, by name, or an address.",
            "server = \"127.0.0.1:5000\"",
        ),
        key(
            "steps",
            &STEPS,
            "What it does, in order.",
            "steps = [\"connect\", { send = \"hello\" }, { recv = \"hello\" }, \"close\"]",
        ),
        key(
            "udp",
            &BOOL,
            "Use UDP: `connect` fixes the peer and sends nothing.",
            "udp = true",
        ),
        key(
            "framing",
            &FRAMING,
            "How messages are told apart.",
            "framing = { prefix = 4 }",
        ),
        key(
            "command",
            &TEXTS,
            "An external program instead of `steps`: program and arguments.",
            "command = [\"python3\", \"client.py\"]",
        ),
        key(
            "stdin",
            &TEXTS,
            "Lines typed on the program's standard input.",
            "stdin = [\"hello\"]",
        ),
        key(
            "keep-stdin",
            &BOOL,
            "Leave the program's standard input open until the run ends.",
            "keep-stdin = true",
        ),
        key(
            "env",
            &ENV,
            "Environment variables of the program.",
            "env = { LANG = \"C\" }",
        ),
        key(
            "dir",
            &PATH,
            "Working folder of the program; the scenario's folder unless said otherwise.",
            "dir = \"programs\"",
        ),
        key(
            "status",
            &Shape::Int { min: 0, max: 255 },
            "The program's expected exit status; 0 unless said otherwise, if it ends by itself.",
            "status = 0",
        ),
        key(
            "stdout",
            &super::facts::CONTENT,
            "What the program must have printed on standard output by the end of the run.",
            "stdout = { contains = \"ready\" }",
        ),
        key(
            "stderr",
            &super::facts::CONTENT,
            "What the program must have printed on standard error by the end of the run.",
            "stderr = { regex = \"Errno [0-9]+\" }",
        ),
    ],
    example: "[[client]]\nsteps = [\"connect\", { send = \"hello\" }, { recv = \"hello\" }, \"close\"]",
};

/// What a server does with a connection.
static HANDLER: Shape = Shape::Any(&[
    Shape::Tagged(&Tagged {
        what: "handler",
        words: &[
            Word {
                word: "echo",
                doc: "Send back what arrives; close when the peer has closed.",
            },
            Word {
                word: "sink",
                doc: "Read until the peer closes, then close.",
            },
            Word {
                word: "chat",
                doc: "Send what arrives to every other connection.",
            },
        ],
        tags: &[
            key(
                "greet",
                &KNOWN_BYTES,
                "Send this at once, then read until the peer closes.",
                "handler = { greet = \"welcome\\n\" }",
            ),
            key(
                "forward",
                &ADDRESS,
                "Open a connection to this address and pass bytes both ways.",
                "handler = { forward = \"127.0.0.1:5001\" }",
            ),
            key(
                "http",
                &KNOWN_BYTES,
                "Answer each HTTP/1.1 request with this body.",
                "handler = { http = \"hello\" }",
            ),
        ],
        options: &[],
        example: "\"echo\", \"sink\", \"chat\", { greet = \"welcome\" } or a list of steps",
    }),
    Shape::List(&Shape::Tagged(&super::step::STEP)),
]);

static LINK: Table = Table {
    what: "link",
    keys: &[
        key(
            "mtu",
            &Shape::Int {
                min: 1280,
                max: 65536,
            },
            "MTU of `lo` in bytes; 65,536 unless said otherwise.",
            "mtu = 1500",
        ),
        key(
            "offload",
            &BOOL,
            "Segmentation offload; false shows segments as on Ethernet.",
            "offload = false",
        ),
    ],
    example: "[link]\nmtu = 1500\noffload = false",
};

static CAPTURE: Table = Table {
    what: "capture",
    keys: &[
        key(
            "snaplen",
            &Shape::Int {
                min: 96,
                max: 262_144,
            },
            "Bytes kept of each frame; all unless said otherwise.",
            "snaplen = 128",
        ),
        key(
            "buffer",
            &Shape::Int { min: 1, max: 512 },
            "Ring buffer in MiB; chosen by the lab unless said otherwise.",
            "buffer = 64",
        ),
    ],
    example: "[capture]\nsnaplen = 128",
};
