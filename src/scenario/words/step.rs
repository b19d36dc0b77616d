//! The steps of scripts.

use super::facts::key;
use super::values::{
    BOOL, BYTES, COUNT, DATA, DURATION, EVENTS, FAULT, FILE_KEY, FLAG_TEXT, HEX_KEY, NAME, OPTIONS,
    PATH, PATTERN_KEY, TIMES, TRUE,
};
use super::{Form, Key, Shape, Table, Tagged, Word};

/// A script.
pub static STEPS: Shape = Shape::List(&Shape::Tagged(&STEP));

/// One step: a word, or a table with one action and its options.
pub static STEP: Tagged = Tagged {
    what: "step",
    words: &[
        Word {
            word: "connect",
            doc: "connect(2) to the client's server: SYN, and the handshake.",
        },
        Word {
            word: "close",
            doc: "close(2): FIN, or RST when received bytes were left unread.",
        },
        Word {
            word: "reset",
            doc: "SO_LINGER 0, then close(2): RST.",
        },
        Word {
            word: "recv-eof",
            doc: "Receive until the peer's FIN.",
        },
        Word {
            word: "recv-message",
            doc: "Receive one framed message, whatever it is.",
        },
        Word {
            word: "shutdown-read",
            doc: "shutdown(SHUT_RD): nothing on the wire.",
        },
        Word {
            word: "shutdown-write",
            doc: "shutdown(SHUT_WR): FIN; receiving goes on.",
        },
        Word {
            word: "shutdown-both",
            doc: "shutdown(SHUT_RDWR): FIN.",
        },
        Word {
            word: "accept",
            doc: "accept(2), in the script of a server of kind `listen`.",
        },
        Word {
            word: "close-listener",
            doc: "close(2) on the listening socket: RST to connections still queued.",
        },
    ],
    tags: &[
        key(
            "connect",
            &Shape::Any(&[Shape::True, Shape::Form(Form::Target)]),
            "connect(2) to a server by name, or to an address.",
            "{ connect = \"server\", fails = \"ECONNREFUSED\" }",
        ),
        key(
            "bind",
            &Shape::Int { min: 0, max: 65535 },
            "bind(2) to this source port before connecting; 0 lets the kernel choose.",
            "{ bind = 40000 }",
        ),
        key(
            "send",
            &DATA,
            "Send all of these bytes.",
            "{ send = \"hello\" }",
        ),
        key(
            "send-message",
            &DATA,
            "Send one message, framed as `framing` says.",
            "{ send-message = \"hello\" }",
        ),
        key(
            "recv",
            &RECV,
            "Receive exactly these bytes, exactly that many, or up to that many.",
            "{ recv = \"hello\" }, { recv = 5 } or { recv = { up-to = 1024 } }",
        ),
        key(
            "recv-message",
            &Shape::Any(&[
                Shape::True,
                Shape::Text,
                Shape::Tagged(&super::values::DATA_TABLE),
            ]),
            "Receive one framed message, which must equal this.",
            "{ recv-message = \"hello\" }",
        ),
        key(
            "recv-eof",
            &TRUE,
            "Receive until the peer's FIN.",
            "{ recv-eof = true, limit = \"2s\" }",
        ),
        key(
            "recv-file",
            &Shape::Table(&RECV_FILE),
            "Receive until the peer's FIN into a file, and compare it with another.",
            "{ recv-file = { into = \"copy.bin\", equals = \"message.bin\" } }",
        ),
        key(
            "shutdown",
            &Shape::Words(&[
                Word {
                    word: "read",
                    doc: "SHUT_RD: nothing on the wire.",
                },
                Word {
                    word: "write",
                    doc: "SHUT_WR: FIN; receiving goes on.",
                },
                Word {
                    word: "both",
                    doc: "SHUT_RDWR: FIN.",
                },
            ]),
            "shutdown(2).",
            "{ shutdown = \"write\" }",
        ),
        key(
            "close",
            &TRUE,
            "close(2): FIN, or RST when received bytes were left unread.",
            "{ close = true, limit = \"2s\" }",
        ),
        key(
            "reset",
            &TRUE,
            "SO_LINGER 0, then close(2): RST.",
            "{ reset = true, limit = \"2s\" }",
        ),
        key(
            "wait",
            &WAIT,
            "Wait for something that happened, never for time.",
            "{ wait = \"peer-fin\" }, { wait = { queued = 10 } } or { wait = { actor = \"server\", event = \"accept\" } }",
        ),
        key(
            "barrier",
            &NAME,
            "Wait until every client that names this barrier has reached it.",
            "{ barrier = \"all-connected\" }",
        ),
        key(
            "set",
            &Shape::Table(&OPTIONS),
            "setsockopt(2).",
            "{ set = { nodelay = true } }",
        ),
        key(
            "repeat",
            &Shape::Table(&REPEAT),
            "Steps repeated.",
            "{ repeat = { times = 3, steps = [{ send = \"x\" }, { recv = \"x\" }] } }",
        ),
        key(
            "kill",
            &NAME,
            "SIGKILL to a server that runs in a process of its own, by name.",
            "{ kill = \"server\" }",
        ),
        key(
            "stop",
            &NAME,
            "SIGSTOP to a server that is a process, by name; over when it has stopped.",
            "{ stop = \"server\" }",
        ),
        key(
            "continue",
            &NAME,
            "SIGCONT to a server that was stopped, by name.",
            "{ continue = \"server\" }",
        ),
        key(
            "deaf",
            &BOOL,
            "true: a socket filter drops whatever arrives (SO_ATTACH_FILTER); false: it is removed.",
            "{ deaf = true }",
        ),
        key(
            "accept",
            &TRUE,
            "accept(2), in the script of a server of kind `listen`.",
            "{ accept = true, limit = \"2s\" }",
        ),
        key(
            "close-listener",
            &TRUE,
            "close(2) on the listening socket.",
            "{ close-listener = true, limit = \"2s\" }",
        ),
    ],
    options: &[
        key(
            "limit",
            &DURATION,
            "Longest time that the step may take; 5 seconds unless said otherwise.",
            "{ recv = \"hello\", limit = \"2s\" }",
        ),
        key(
            "fails",
            &FAULT,
            "The error that the step must end with; of `recv-message` also what is wrong with the message.",
            "{ send = \"x\", fails = \"EPIPE\" }",
        ),
    ],
    example: "\"connect\", \"close\", { send = \"hello\" } or { recv = \"hello\" }",
};

static RECV: Shape = Shape::Any(&[
    Shape::Text,
    Shape::Int {
        min: 1,
        max: i64::MAX,
    },
    Shape::Tagged(&Tagged {
        what: "kind of recv",
        words: &[],
        tags: &[
            HEX_KEY,
            FILE_KEY,
            PATTERN_KEY,
            key(
                "count",
                &Shape::Int {
                    min: 1,
                    max: i64::MAX,
                },
                "Exactly this many bytes, whatever they are.",
                "{ recv = { count = 5 } }",
            ),
            key(
                "up-to",
                &BYTES,
                "One recv(2) of up to this many bytes: the flow shows no wait for it.",
                "{ recv = { up-to = 1024 } }",
            ),
        ],
        options: &[],
        example: "{ recv = { count = 5 } } or { recv = { up-to = 1024 } }",
    }),
]);

static RECV_FILE: Table = Table {
    what: "recv-file",
    keys: &[
        key(
            "into",
            &PATH,
            "Where the bytes go, in the folder of captures; there when all have come.",
            "into = \"copy.bin\"",
        ),
        key(
            "equals",
            &PATH,
            "The file that they must equal, relative to the scenario's folder.",
            "equals = \"message.bin\"",
        ),
    ],
    example: "{ into = \"copy.bin\", equals = \"message.bin\" }",
};

static REPEAT: Table = Table {
    what: "repeat",
    keys: &[
        Key {
            name: "times",
            shape: &TIMES,
            required: true,
            doc: "How often.",
            example: "times = 3",
        },
        Key {
            name: "steps",
            shape: &STEPS,
            required: true,
            doc: "What.",
            example: "steps = [{ send = \"x\" }, { recv = \"x\" }]",
        },
    ],
    example: "{ times = 3, steps = [{ send = \"x\" }, { recv = \"x\" }] }",
};

/// What a `wait` waits for.
static WAIT: Shape = Shape::Tagged(&Tagged {
    what: "kind of wait",
    words: &[
        Word {
            word: "readable",
            doc: "The own socket has something to read; a listening one, a connection to accept.",
        },
        Word {
            word: "peer-fin",
            doc: "The peer's FIN has reached the own socket (POLLRDHUP).",
        },
        Word {
            word: "peer-reset",
            doc: "A RST has reached the own socket (POLLERR).",
        },
        Word {
            word: "acked",
            doc: "The peer has acknowledged everything sent (SIOCOUTQ is 0).",
        },
        Word {
            word: "stalled",
            doc: "Nothing can move: own send queue full, the peer's window zero, own receive queue full.",
        },
    ],
    tags: &[
        key(
            "queued",
            &COUNT,
            "The own socket holds this many unread bytes (FIONREAD).",
            "{ wait = { queued = 10 } }",
        ),
        key(
            "event",
            &Shape::Words(EVENTS),
            "A call of the actor named beside it.",
            "{ wait = { actor = \"server\", event = \"accept\" } }",
        ),
        key(
            "segment",
            &FLAG_TEXT,
            "A segment with these flags was seen on the wire: sent, perhaps not yet received.",
            "{ wait = { segment = \"FIN,ACK\", from = \"client\" } }",
        ),
    ],
    options: &[
        key("actor", &NAME, "Whose event.", "actor = \"server\""),
        key(
            "from",
            &Shape::Words(&[
                Word {
                    word: "client",
                    doc: "Sent by the client's end.",
                },
                Word {
                    word: "server",
                    doc: "Sent by the server's end.",
                },
            ]),
            "Who sent the segment; either unless said.",
            "from = \"client\"",
        ),
        key(
            "times",
            &TIMES,
            "How many of them; 1 unless said.",
            "times = 3",
        ),
        key(
            "connection",
            &NAME,
            "On which connection, by the client's name; unless said, any for an event, the own one for a segment (of a listening server's script: any).",
            "connection = \"client-1\"",
        ),
    ],
    example: "{ wait = \"peer-fin\" } or { wait = { queued = 10 } }",
});
