//! The words for facts of a connection: they stand in `[expect]` and in `[[expect.connection]]`.

use super::values::{BOOL, COUNT, HEX_KEY, KNOWN_BYTES, PATTERN_KEY, TEXT};
use super::{Key, Shape, Table, Tagged, Word};

pub(super) const fn key(
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

pub(super) const fn needed(
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

pub(super) const fn word(word: &'static str, doc: &'static str) -> Word {
    Word { word, doc }
}

/// `"any"`: asked, and everything is right.
pub(super) const ANY: Word = word("any", "Whatever it is.");

pub(super) static BOUND: Shape =
    Shape::Any(&[COUNT_SHAPE, Shape::Words(&[ANY]), Shape::Table(&RANGE)]);

pub(super) const COUNT_SHAPE: Shape = Shape::Int {
    min: 0,
    max: i64::MAX,
};

pub(super) const MIN: Key = key("min", &COUNT, "At least so many.", "min = 1");
pub(super) const MAX: Key = key("max", &COUNT, "At most so many.", "max = 4");

pub(super) static RANGE: Table = Table {
    what: "range",
    keys: &[MIN, MAX],
    example: "3, { min = 1 }, { max = 4 } or \"any\"",
};

/// A number of both sides together, or of each.
pub(super) static NUMBER: Shape =
    Shape::Any(&[COUNT_SHAPE, Shape::Words(&[ANY]), Shape::Table(&BY_SIDE)]);

pub(super) static BY_SIDE: Table = Table {
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

pub(super) static PAYLOAD: Table = Table {
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

pub(super) const MSS: Key = key(
    "mss",
    &BOUND,
    "Maximum segment size in bytes.",
    "mss = 65495",
);
pub(super) const WINDOW_SCALE: Key = key(
    "window-scale",
    &BOUND,
    "Shift of the window field.",
    "window-scale = 7",
);
pub(super) const SACK: Key = key(
    "sack-permitted",
    &BOOL,
    "Selective acknowledgements.",
    "sack-permitted = true",
);
pub(super) const STAMPS: Key = key("timestamps", &BOOL, "Timestamps.", "timestamps = true");

pub(super) static SYN_OPTIONS: Table = Table {
    what: "options of a SYN",
    keys: &[MSS, WINDOW_SCALE, SACK, STAMPS],
    example: "{ mss = 65495, timestamps = true }",
};

pub(super) static TCP_OPTIONS: Table = Table {
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

pub(super) const FLOW: Key = key(
    "flow",
    &TEXT,
    "The flow, as the snapshot shows it; `...` for any, `?` optional, `|` alternatives.",
    "flow = '''\nclient 5 \"hello\"\nthen server ...\n'''",
);
pub(super) const CLOSED_BY: Key = key(
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
pub(super) const CLOSE: Key = key(
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
pub(super) const HANDSHAKE: Key = key(
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
pub(super) const SYNS: Key = key(
    "syns",
    &NUMBER,
    "SYNs without ACK, those sent again included.",
    "syns = { min = 2 }",
);
pub(super) const RESETS: Key = key("resets", &NUMBER, "Segments with RST.", "resets = 0");
pub(super) const RETRANSMISSIONS: Key = key(
    "retransmissions",
    &NUMBER,
    "Segments that Wireshark calls retransmissions.",
    "retransmissions = 0",
);
pub(super) const DUPLICATE_ACKS: Key = key(
    "duplicate-acks",
    &NUMBER,
    "Duplicate ACKs.",
    "duplicate-acks = { max = 2 }",
);
pub(super) const ZERO_WINDOW: Key = key(
    "zero-window",
    &NUMBER,
    "Segments that say that the window is 0.",
    "zero-window = { client = 0, server = { min = 1 } }",
);
pub(super) const SEGMENTS: Key = key(
    "segments",
    &NUMBER,
    "Segments of the connection.",
    "segments = { max = 30 }",
);
pub(super) const BYTE_COUNT: Key = key(
    "bytes",
    &NUMBER,
    "Bytes of the stream, each counted once.",
    "bytes = { client = 5, server = { min = 5 } }",
);
pub(super) static PAYLOAD_SHAPE: Shape = Shape::Table(&PAYLOAD);
pub(super) static OPTIONS_SHAPE: Shape = Shape::Table(&TCP_OPTIONS);

pub(super) const PAYLOADS: Key = key(
    "payload",
    &PAYLOAD_SHAPE,
    "All that a side sent.",
    "payload = { client = \"hello\", server = { regex = \"^h.*o$\" } }",
);
pub(super) const OPTIONS: Key = key(
    "options",
    &OPTIONS_SHAPE,
    "TCP options of the SYNs; without `client` or `server` those that both have.",
    "options = { mss = 65495, timestamps = true }",
);
