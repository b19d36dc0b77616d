//! Values used in more than one place: data, framing, socket options, and the fixed sets of names.

use super::{Form, Key, Shape, Table, Tagged, Word};

/// Whatever a `u64` in the model may be, within what TOML can say.
pub static COUNT: Shape = Shape::Int {
    min: 0,
    max: i64::MAX,
};
/// How often.
pub static TIMES: Shape = Shape::Int {
    min: 1,
    max: 1_000_000,
};
pub static BOOL: Shape = Shape::Bool;
pub static TRUE: Shape = Shape::True;
pub static TEXT: Shape = Shape::Text;
pub static NAME: Shape = Shape::Form(Form::Name);
pub static PATH: Shape = Shape::Form(Form::Path);
pub static DURATION: Shape = Shape::Form(Form::Duration);
pub static FAULT: Shape = Shape::Form(Form::Fault);
pub static ADDRESS: Shape = Shape::Form(Form::Address);
pub static TARGET: Shape = Shape::Form(Form::Target);
pub static HEX: Shape = Shape::Form(Form::Hex);
pub static FLAG_TEXT: Shape = Shape::Form(Form::Flags);
pub static BYTES: Shape = Shape::Int {
    min: 1,
    max: 1 << 30,
};

/// Text, or a table that says where other bytes come from.
pub static DATA: Shape = Shape::Any(&[Shape::Text, Shape::Tagged(&DATA_TABLE)]);

pub static DATA_TABLE: Tagged = Tagged {
    what: "kind of data",
    words: &[],
    tags: &[HEX_KEY, FILE_KEY, PATTERN_KEY],
    options: &[],
    example: "{ hex = \"00ff\" }, { file = \"message.bin\" } or { pattern = 1000 }",
};

pub const HEX_KEY: Key = Key {
    name: "hex",
    shape: &HEX,
    required: false,
    doc: "Bytes as pairs of hexadecimal digits.",
    example: "{ hex = \"00 ff 0d 0a\" }",
};
pub const FILE_KEY: Key = Key {
    name: "file",
    shape: &PATH,
    required: false,
    doc: "The contents of a file, relative to the scenario's folder.",
    example: "{ file = \"message.bin\" }",
};
pub const PATTERN_KEY: Key = Key {
    name: "pattern",
    shape: &BYTES,
    required: false,
    doc: "That many bytes of a fixed pattern: byte i is i modulo 251.",
    example: "{ pattern = 100000 }",
};

/// Bytes that are known when the file is read: text or hex.
pub static KNOWN_BYTES: Shape = Shape::Any(&[Shape::Text, Shape::Tagged(&HEX_TABLE)]);

static HEX_TABLE: Tagged = Tagged {
    what: "kind of data",
    words: &[],
    tags: &[HEX_KEY],
    options: &[],
    example: "{ hex = \"00ff\" }",
};

/// How messages are told apart.
pub static FRAMING: Shape = Shape::Tagged(&Tagged {
    what: "framing",
    words: &[
        Word {
            word: "close",
            doc: "A message ends when the socket closes.",
        },
        Word {
            word: "stream",
            doc: "No messages: a stream in both directions.",
        },
    ],
    tags: &[
        Key {
            name: "fixed",
            shape: &Shape::Int {
                min: 1,
                max: 1 << 20,
            },
            required: false,
            doc: "Every message has this many bytes.",
            example: "framing = { fixed = 16 }",
        },
        Key {
            name: "delimiter",
            shape: &KNOWN_BYTES,
            required: false,
            doc: "A message ends with these bytes.",
            example: "framing = { delimiter = \"\\n\" }",
        },
        Key {
            name: "prefix",
            shape: &Shape::Any(&[Shape::Int { min: 1, max: 8 }, Shape::Table(&PREFIX_TABLE)]),
            required: false,
            doc: "A length of that many bytes (1, 2, 4 or 8) stands in front of each message.",
            example: "framing = { prefix = 4 }",
        },
    ],
    options: &[],
    example: "\"close\", \"stream\", { fixed = 16 }, { delimiter = \"\\n\" } or { prefix = 4 }",
});

static PREFIX_TABLE: Table = Table {
    what: "prefix",
    keys: &[
        Key {
            name: "width",
            shape: &Shape::Int { min: 1, max: 8 },
            required: true,
            doc: "Bytes of the length: 1, 2, 4 or 8.",
            example: "width = 4",
        },
        Key {
            name: "order",
            shape: &Shape::Words(&[
                Word {
                    word: "big",
                    doc: "Network byte order, the most significant byte first.",
                },
                Word {
                    word: "little",
                    doc: "The least significant byte first.",
                },
            ]),
            required: false,
            doc: "Byte order of the length; big unless said otherwise.",
            example: "order = \"big\"",
        },
        Key {
            name: "signed",
            shape: &BOOL,
            required: false,
            doc: "Read the length as a signed number, so that a negative one can come and be refused.",
            example: "signed = true",
        },
        Key {
            name: "max",
            shape: &BYTES,
            required: false,
            doc: "Longest message accepted, in bytes; 1,048,576 unless said otherwise.",
            example: "max = 65536",
        },
    ],
    example: "{ width = 4, order = \"big\", max = 65536 }",
};

const OPTION_BYTES: Shape = Shape::Int {
    min: 1,
    max: i32::MAX as i64,
};

/// Socket options by name.
pub static OPTIONS: Table = Table {
    what: "options",
    keys: &[
        Key {
            name: "nodelay",
            shape: &BOOL,
            required: false,
            doc: "TCP_NODELAY: small segments go out at once, without waiting for an acknowledgement (Nagle's algorithm off).",
            example: "nodelay = true",
        },
        Key {
            name: "linger",
            shape: &Shape::Any(&[
                Shape::Int {
                    min: 0,
                    max: u16::MAX as i64,
                },
                Shape::False,
            ]),
            required: false,
            doc: "SO_LINGER in seconds: 0 makes close(2) send RST; false switches it off.",
            example: "linger = 0",
        },
        Key {
            name: "rcvbuf",
            shape: &OPTION_BYTES,
            required: false,
            doc: "SO_RCVBUF in bytes (the kernel doubles it).",
            example: "rcvbuf = 8192",
        },
        Key {
            name: "sndbuf",
            shape: &OPTION_BYTES,
            required: false,
            doc: "SO_SNDBUF in bytes (the kernel doubles it).",
            example: "sndbuf = 8192",
        },
        Key {
            name: "keepalive",
            shape: &BOOL,
            required: false,
            doc: "SO_KEEPALIVE.",
            example: "keepalive = true",
        },
        Key {
            name: "reuseaddr",
            shape: &BOOL,
            required: false,
            doc: "SO_REUSEADDR; servers set it unless told not to.",
            example: "reuseaddr = true",
        },
        Key {
            name: "quickack",
            shape: &BOOL,
            required: false,
            doc: "TCP_QUICKACK: acknowledge at once.",
            example: "quickack = true",
        },
        Key {
            name: "cork",
            shape: &BOOL,
            required: false,
            doc: "TCP_CORK: hold partial segments back.",
            example: "cork = true",
        },
    ],
    example: "{ nodelay = true }",
};

/// What can be wrong with a framed message that comes: no error of a system call.
pub static FRAME_FAULTS: &[Word] = &[
    Word {
        word: "cut-off",
        doc: "The peer's end came in the middle of the message.",
    },
    Word {
        word: "ended",
        doc: "The peer's end came where a message should begin.",
    },
    Word {
        word: "too-long",
        doc: "The message is longer than accepted (`max` of a prefix; 16 MiB otherwise).",
    },
    Word {
        word: "negative",
        doc: "The length of a signed prefix is below zero.",
    },
];

/// Errors that calls on sockets return.
pub static ERRNOS: &[&str] = &[
    "EACCES",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "EAFNOSUPPORT",
    "EAGAIN",
    "EALREADY",
    "EBADF",
    "ECONNABORTED",
    "ECONNREFUSED",
    "ECONNRESET",
    "EDESTADDRREQ",
    "EHOSTUNREACH",
    "EINPROGRESS",
    "EINTR",
    "EINVAL",
    "EIO",
    "EISCONN",
    "EMFILE",
    "EMSGSIZE",
    "ENETUNREACH",
    "ENFILE",
    "ENOBUFS",
    "ENOMEM",
    "ENOPROTOOPT",
    "ENOTCONN",
    "ENOTSOCK",
    "EOPNOTSUPP",
    "EPERM",
    "EPIPE",
    "EPROTO",
    "ETIMEDOUT",
];

/// Calls that actors report, and that a `wait` can name.
pub static EVENTS: &[Word] = &[
    Word {
        word: "listen",
        doc: "The server listens.",
    },
    Word {
        word: "select",
        doc: "select(2) returned.",
    },
    Word {
        word: "poll",
        doc: "poll(2) returned.",
    },
    Word {
        word: "epoll_wait",
        doc: "epoll_wait(2) returned.",
    },
    Word {
        word: "accept",
        doc: "accept(2) returned a connection.",
    },
    Word {
        word: "bind",
        doc: "bind(2) returned.",
    },
    Word {
        word: "connect",
        doc: "connect(2) returned.",
    },
    Word {
        word: "send",
        doc: "All bytes of a send step were taken by the kernel.",
    },
    Word {
        word: "recv",
        doc: "A recv(2) returned (0 bytes at the peer's end included).",
    },
    Word {
        word: "shutdown",
        doc: "shutdown(2) returned.",
    },
    Word {
        word: "close",
        doc: "close(2) returned (after SO_LINGER 0 too).",
    },
    Word {
        word: "wait",
        doc: "A wait step was satisfied.",
    },
    Word {
        word: "barrier",
        doc: "A barrier was passed.",
    },
    Word {
        word: "setsockopt",
        doc: "setsockopt(2) returned.",
    },
    Word {
        word: "kill",
        doc: "A server was killed.",
    },
    Word {
        word: "exit",
        doc: "The actor's process ended.",
    },
    Word {
        word: "done",
        doc: "The actor has done its last step.",
    },
];

/// TCP flags in the order of the output.
pub static FLAGS: &[&str] = &["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
