//! The words of `[expect]`.

use super::values::{
    BOOL, COUNT, DURATION, EVENTS, FLAG_TEXT, HEX_KEY, KNOWN_BYTES, NAME, PATTERN_KEY, TEXT, TIMES,
    TRUE,
};
use super::{Form, Key, Shape, Table, Tagged, Word};

const fn key(
    name: &'static str,
    shape: &'static Shape,
    doc: &'static str,
    example: &'static str,
) -> Key {
    Key {
        name,
        shape,
        required: false,
        doc,
        example,
    }
}

const fn needed(
    name: &'static str,
    shape: &'static Shape,
    doc: &'static str,
    example: &'static str,
) -> Key {
    Key {
        required: true,
        ..key(name, shape, doc, example)
    }
}

const fn word(word: &'static str, doc: &'static str) -> Word {
    Word { word, doc }
}

/// The codes that findings have: what `fails` can name.
pub static CODES: &[Word] = &[
    word("step-failed", "A step of a script did not do what it says."),
    word(
        "program-failed",
        "An external program ended with another exit status than expected.",
    ),
    word("snapshot-differs", "The flow differs from the snapshot."),
    word("flow", "The flow is not the one expected."),
    word("closed-by", "Somebody else closed first."),
    word("close", "The connection ended in another way."),
    word("handshake", "The connection began in another way."),
    word("syns", "Another number of SYNs."),
    word("resets", "Another number of segments with RST."),
    word("retransmissions", "Another number of retransmissions."),
    word("duplicate-acks", "Another number of duplicate ACKs."),
    word("zero-window", "Another number of zero windows."),
    word("segments", "Another number of segments."),
    word("bytes", "Another number of bytes."),
    word("payload", "Other bytes."),
    word("options", "Other TCP options."),
    word("connections", "Another number of connections."),
    word("no-such-connection", "No connection has the name."),
    word("order", "Something came before what it must follow."),
    word("time", "Something took longer or shorter."),
    word(
        "packets",
        "A display filter found another number of packets.",
    ),
    word("output", "A program printed something else."),
    word(
        "cut-unconfirmed",
        "A wait of a program is not confirmed by the wire.",
    ),
];

/// `"any"`: asked, and everything is right.
const ANY: Word = word("any", "Whatever it is.");

static BOUND: Shape = Shape::Any(&[COUNT_SHAPE, Shape::Words(&[ANY]), Shape::Table(&RANGE)]);

const COUNT_SHAPE: Shape = Shape::Int {
    min: 0,
    max: i64::MAX,
};

const MIN: Key = key("min", &COUNT, "At least so many.", "min = 1");
const MAX: Key = key("max", &COUNT, "At most so many.", "max = 4");

static RANGE: Table = Table {
    what: "range",
    keys: &[MIN, MAX],
    example: "3, { min = 1 }, { max = 4 } or \"any\"",
};

/// A number of both sides together, or of each.
static NUMBER: Shape = Shape::Any(&[COUNT_SHAPE, Shape::Words(&[ANY]), Shape::Table(&BY_SIDE)]);

static BY_SIDE: Table = Table {
    what: "number",
    keys: &[
        MIN,
        MAX,
        key("client", &BOUND, "Of what the client sent.", "client = 0"),
        key(
            "server",
            &BOUND,
            "Of what the server sent.",
            "server = { min = 1 }",
        ),
    ],
    example: "3, { min = 1, max = 4 } or { client = 0, server = { min = 1 } }",
};

/// Bytes, or a rule for them.
pub static CONTENT: Shape = Shape::Any(&[
    Shape::Text,
    Shape::Tagged(&Tagged {
        what: "rule for bytes",
        words: &[],
        tags: &[
            HEX_KEY,
            super::values::FILE_KEY,
            PATTERN_KEY,
            key(
                "regex",
                &TEXT,
                "A regular expression matches somewhere.",
                "{ regex = \"^h.*o$\" }",
            ),
            key(
                "contains",
                &KNOWN_BYTES,
                "These bytes stand somewhere.",
                "{ contains = \"200 OK\" }",
            ),
        ],
        options: &[],
        example: "\"hello\", { hex = \"00ff\" }, { regex = \"^h.*o$\" }, { contains = \"ell\" } or { file = \"message.bin\" }",
    }),
]);

static PAYLOAD: Table = Table {
    what: "payload",
    keys: &[
        key(
            "client",
            &CONTENT,
            "All that the client sent.",
            "client = \"hello\"",
        ),
        key(
            "server",
            &CONTENT,
            "All that the server sent.",
            "server = { regex = \"^h.*o$\" }",
        ),
    ],
    example: "payload = { client = \"hello\", server = { contains = \"ell\" } }",
};

const MSS: Key = key(
    "mss",
    &BOUND,
    "Maximum segment size in bytes.",
    "mss = 65495",
);
const WINDOW_SCALE: Key = key(
    "window-scale",
    &BOUND,
    "Shift of the window field.",
    "window-scale = 7",
);
const SACK: Key = key(
    "sack-permitted",
    &BOOL,
    "Selective acknowledgements.",
    "sack-permitted = true",
);
const STAMPS: Key = key("timestamps", &BOOL, "Timestamps.", "timestamps = true");

static SYN_OPTIONS: Table = Table {
    what: "options of a SYN",
    keys: &[MSS, WINDOW_SCALE, SACK, STAMPS],
    example: "{ mss = 65495, timestamps = true }",
};

static TCP_OPTIONS: Table = Table {
    what: "TCP options",
    keys: &[
        MSS,
        WINDOW_SCALE,
        SACK,
        STAMPS,
        key(
            "client",
            &Shape::Table(&SYN_OPTIONS),
            "Of the client's SYN alone.",
            "client = { mss = 1460 }",
        ),
        key(
            "server",
            &Shape::Table(&SYN_OPTIONS),
            "Of the server's SYN alone.",
            "server = { timestamps = false }",
        ),
    ],
    example: "options = { mss = 65495, window-scale = 7, sack-permitted = true, timestamps = true }",
};

const FLOW: Key = key(
    "flow",
    &TEXT,
    "The flow, as the snapshot shows it; `...` for any, `?` optional, `|` alternatives.",
    "flow = '''\nclient 5 \"hello\"\nthen server ...\n'''",
);
const CLOSED_BY: Key = key(
    "closed-by",
    &Shape::Words(&[
        word("client", "The client closed first."),
        word("server", "The server closed first."),
        word("both", "Both at once: neither knew of the other."),
        word("nobody", "Nobody closed."),
        ANY,
    ]),
    "Who closed first, as acknowledgement numbers prove it.",
    "closed-by = \"client\"",
);
const CLOSE: Key = key(
    "close",
    &Shape::Words(&[
        word("fin", "Two FINs, one after the other."),
        word("crossed", "Two FINs, neither acknowledging the other."),
        word("reset", "At least one RST."),
        word("half", "One FIN."),
        word("open", "Neither FIN nor RST."),
        word("none", "There was nothing to close."),
        ANY,
    ]),
    "How the connection ended.",
    "close = \"fin\"",
);
const HANDSHAKE: Key = key(
    "handshake",
    &Shape::Words(&[
        word("complete", "SYN, SYN-ACK, ACK."),
        word("refused", "The SYN was answered with RST."),
        word("unanswered", "The SYN was not answered."),
        word("partial", "SYN and SYN-ACK, never acknowledged."),
        ANY,
    ]),
    "How the connection began.",
    "handshake = \"complete\"",
);
const SYNS: Key = key(
    "syns",
    &NUMBER,
    "SYNs without ACK, those sent again included.",
    "syns = { min = 2 }",
);
const RESETS: Key = key("resets", &NUMBER, "Segments with RST.", "resets = 0");
const RETRANSMISSIONS: Key = key(
    "retransmissions",
    &NUMBER,
    "Segments that Wireshark calls retransmissions.",
    "retransmissions = 0",
);
const DUPLICATE_ACKS: Key = key(
    "duplicate-acks",
    &NUMBER,
    "Duplicate ACKs.",
    "duplicate-acks = { max = 2 }",
);
const ZERO_WINDOW: Key = key(
    "zero-window",
    &NUMBER,
    "Segments that say that the window is 0.",
    "zero-window = { client = 0, server = { min = 1 } }",
);
const SEGMENTS: Key = key(
    "segments",
    &NUMBER,
    "Segments of the connection.",
    "segments = { max = 30 }",
);
const BYTE_COUNT: Key = key(
    "bytes",
    &NUMBER,
    "Bytes of the stream, each counted once.",
    "bytes = { client = 5, server = { min = 5 } }",
);
static PAYLOAD_SHAPE: Shape = Shape::Table(&PAYLOAD);
static OPTIONS_SHAPE: Shape = Shape::Table(&TCP_OPTIONS);

const PAYLOADS: Key = key(
    "payload",
    &PAYLOAD_SHAPE,
    "All that a side sent.",
    "payload = { client = \"hello\", server = { regex = \"^h.*o$\" } }",
);
const OPTIONS: Key = key(
    "options",
    &OPTIONS_SHAPE,
    "TCP options of the SYNs; without `client` or `server` those that both have.",
    "options = { mss = 65495, timestamps = true }",
);

/// `[expect]`
pub static EXPECT: Table = Table {
    what: "expect",
    keys: &[
        key(
            "snapshot",
            &BOOL,
            "Compare every connection's flow with the snapshot beside the scenario; true unless said otherwise.",
            "snapshot = false",
        ),
        key(
            "variants",
            &Shape::List(&Shape::Form(Form::Name)),
            "Names of the accepted variants of a real race, besides the snapshot.",
            "variants = [\"fin-crossed\"]",
        ),
        key(
            "fails",
            &Shape::List(&Shape::Words(CODES)),
            "The scenario shows a broken program: the findings that must come, by code, and no others.",
            "fails = [\"program-failed\"]",
        ),
        key(
            "connections",
            &BOUND,
            "How many TCP connections there are.",
            "connections = 3",
        ),
        FLOW,
        CLOSED_BY,
        CLOSE,
        HANDSHAKE,
        SYNS,
        RESETS,
        RETRANSMISSIONS,
        DUPLICATE_ACKS,
        ZERO_WINDOW,
        SEGMENTS,
        BYTE_COUNT,
        PAYLOADS,
        OPTIONS,
        key(
            "connection",
            &Shape::OneOrMany(&CONNECTION),
            "What holds of one connection, or of those of similar names.",
            "[[expect.connection]]\nname = \"client-2\"\nclosed-by = \"server\"",
        ),
        key(
            "order",
            &Shape::OneOrMany(&ORDER),
            "What comes before what, across connections and actors.",
            "[[expect.order]]\nfirst = { actor = \"first\", event = \"close\" }\nthen = { actor = \"second\", event = \"recv\" }",
        ),
        key(
            "time",
            &Shape::OneOrMany(&TIME),
            "How long something takes.",
            "[[expect.time]]\nmeasure = \"handshake\"\nmax = \"40ms\"",
        ),
        key(
            "packets",
            &Shape::OneOrMany(&PACKETS),
            "How many packets a Wireshark display filter finds.",
            "[[expect.packets]]\nfilter = \"tcp.flags.reset == 1\"\ncount = 0",
        ),
        key(
            "redact",
            &Shape::OneOrMany(&REDACT),
            "What varies within payloads and does not matter: the flow shows something else instead.",
            "[[expect.redact]]\nname = \"date\"\npattern = \"Date: [^\\r]*\"\nwith = \"Date: [date]\"",
        ),
    ],
    example: "[expect]\nclosed-by = \"client\"\nresets = 0",
};

/// `[[expect.connection]]`
static CONNECTION: Table = Table {
    what: "expect.connection",
    keys: &[
        needed(
            "name",
            &TEXT,
            "The client's name; `*` at its end stands for any rest, `#2` for its second connection.",
            "name = \"client-*\"",
        ),
        FLOW,
        CLOSED_BY,
        CLOSE,
        HANDSHAKE,
        SYNS,
        RESETS,
        RETRANSMISSIONS,
        DUPLICATE_ACKS,
        ZERO_WINDOW,
        SEGMENTS,
        BYTE_COUNT,
        PAYLOADS,
        OPTIONS,
    ],
    example: "[[expect.connection]]\nname = \"client-2\"\nclosed-by = \"server\"",
};

static SIDE: Shape = Shape::Words(&[
    word("client", "Sent by the client's end."),
    word("server", "Sent by the server's end."),
]);

/// An event or a segment.
static MOMENT: Shape = Shape::Tagged(&Tagged {
    what: "moment",
    words: &[],
    tags: &[
        key(
            "event",
            &Shape::Words(EVENTS),
            "A call of the actor named beside it returns.",
            "{ actor = \"server\", event = \"accept\" }",
        ),
        key(
            "segment",
            &FLAG_TEXT,
            "A segment with these flags is sent.",
            "{ connection = \"client-1\", segment = \"FIN\", from = \"client\" }",
        ),
        key(
            "data",
            &TRUE,
            "A segment with payload is sent.",
            "{ connection = \"client-1\", data = true, from = \"server\" }",
        ),
    ],
    options: &[
        key("actor", &NAME, "Whose event.", "actor = \"server\""),
        key(
            "connection",
            &TEXT,
            "On which connection, by the client's name.",
            "connection = \"client-1\"",
        ),
        key(
            "from",
            &SIDE,
            "Who sends the segment; either unless said.",
            "from = \"client\"",
        ),
        key(
            "times",
            &TIMES,
            "How many of them; 1 unless said: the first.",
            "times = 3",
        ),
    ],
    example: "{ actor = \"server\", event = \"accept\" } or { connection = \"client-1\", segment = \"FIN\", from = \"client\" }",
});

static ORDER: Table = Table {
    what: "expect.order",
    keys: &[
        needed(
            "first",
            &MOMENT,
            "This comes first.",
            "first = { actor = \"first\", event = \"close\" }",
        ),
        needed(
            "then",
            &MOMENT,
            "This comes after it.",
            "then = { actor = \"second\", event = \"recv\" }",
        ),
    ],
    example: "[[expect.order]]\nfirst = { actor = \"first\", event = \"close\" }\nthen = { actor = \"second\", event = \"recv\" }",
};

static TIME: Table = Table {
    what: "expect.time",
    keys: &[
        needed(
            "measure",
            &Shape::Words(&[
                word(
                    "handshake",
                    "From the SYN to the client's acknowledgement of the server's SYN.",
                ),
                word(
                    "answer",
                    "From the last byte of a request to the first byte of its answer: the longest.",
                ),
                word("gap", "Between two segments: the longest."),
            ]),
            "What is measured.",
            "measure = \"answer\"",
        ),
        key(
            "connection",
            &TEXT,
            "On which connections, by name; all unless said.",
            "connection = \"client-1\"",
        ),
        key(
            "from",
            &SIDE,
            "Of a gap: between the segments of this side only.",
            "from = \"client\"",
        ),
        key("min", &DURATION, "At least so long.", "min = \"35ms\""),
        key("max", &DURATION, "At most so long.", "max = \"40ms\""),
        key(
            "tolerance",
            &DURATION,
            "How much more or less is forgiven; nothing unless said.",
            "tolerance = \"5ms\"",
        ),
    ],
    example: "[[expect.time]]\nmeasure = \"answer\"\nmax = \"40ms\"\ntolerance = \"5ms\"",
};

static PACKETS: Table = Table {
    what: "expect.packets",
    keys: &[
        needed(
            "filter",
            &TEXT,
            "A Wireshark display filter; docs/filters.md says which.",
            "filter = \"tcp.flags.reset == 1 && tcp.srcport == 5000\"",
        ),
        key(
            "count",
            &BOUND,
            "How many packets it finds; at least one unless said.",
            "count = 0",
        ),
    ],
    example: "[[expect.packets]]\nfilter = \"tcp.flags.reset == 1\"\ncount = 0",
};

static REDACT: Table = Table {
    what: "expect.redact",
    keys: &[
        needed("name", &NAME, "What it is.", "name = \"date\""),
        needed(
            "pattern",
            &TEXT,
            "A regular expression of what varies.",
            "pattern = \"Date: [^\\\\r]*\"",
        ),
        needed(
            "with",
            &TEXT,
            "What the flow shows instead; `$1` is the expression's first group.",
            "with = \"Date: [date]\"",
        ),
    ],
    example: "[[expect.redact]]\nname = \"date\"\npattern = \"Date: [^\\\\r]*\"\nwith = \"Date: [date]\"",
};
