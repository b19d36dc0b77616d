//! The mutants: for each expectation one exchange in which it holds, and one in which the server or
//! the client was made to break it.

use crate::talks::*;

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
    /// What must be told as its cause, if anything may be.
    pub cause: Option<(&'static str, Certainty)>,
}

const DATE: &str = "flow = '''\nclient 5\nthen server \"Date: [date]\\r\\nok\"\n...\n'''\n[[expect.redact]]\nname = \"date\"\npattern = 'Date: [0-9:]+'\nwith = \"Date: [date]\"";

/// How sure a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// The recording proves it.
    Proven,
    /// It is one of several that would look alike.
    Consistent,
    /// If one is told it is this: on a busy machine the program itself may have come too late, and
    /// then there is none. (Made by hand, and strict, among the unit tests of expectations.)
    IfAny,
}

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
        cause: Some((text, Certainty::Proven)),
        ..mutant
    }
}

const fn consistent(mutant: Mutant, text: &'static str) -> Mutant {
    Mutant {
        cause: Some((text, Certainty::Consistent)),
        ..mutant
    }
}

const fn perhaps(mutant: Mutant, text: &'static str) -> Mutant {
    Mutant {
        cause: Some((text, Certainty::IfAny)),
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
    perhaps(
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
