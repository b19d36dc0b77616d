//! The words of `[expect]`.

use super::facts::*;
use super::values::{BOOL, DURATION, EVENTS, FLAG_TEXT, NAME, TEXT, TIMES, TRUE};
use super::{Form, Shape, Table, Tagged, Word};

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
