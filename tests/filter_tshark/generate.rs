//! Filters at random, of everything that the subset has.

use lab_capture::filter::{FIELDS, Field, Kind};

/// A small generator of its own: the same filters for the same seed, on every machine.
pub struct Rng(pub u64);

impl Rng {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const NUMBERS: &[u32] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    11,
    13,
    14,
    15,
    16,
    17,
    18,
    20,
    21,
    22,
    24,
    27,
    31,
    32,
    33,
    40,
    48,
    50,
    58,
    60,
    61,
    63,
    64,
    65,
    77,
    81,
    84,
    100,
    114,
    115,
    120,
    128,
    150,
    216,
    255,
    500,
    512,
    1000,
    1014,
    1460,
    5000,
    5001,
    5002,
    19789,
    40_000,
    40_001,
    40_011,
    40_012,
    40_020,
    65_495,
    65_535,
    65_536,
    128_000,
    500_000,
    4_294_967_290,
    4_294_967_295,
];
const ADDRESSES: &[&str] = &[
    "127.0.0.1",
    "127.0.0.2",
    "127.0.0.0/8",
    "127.0.0.2/31",
    "10.0.0.1",
    "10.0.0.9",
    "10.0.0.0/29",
    "0.0.0.0/0",
    "255.255.255.255",
    "127.0.0.1/32",
];
const ADDRESSES6: &[&str] = &[
    "fd00::1",
    "fd00::2",
    "fd00::/8",
    "::",
    "::/0",
    "101:101:101:101:101:101:101:101",
    "fd00::2/127",
    "ffff::",
];
const TIMES: &[&str] = &[
    "0",
    "0.0001",
    "0.001000123",
    "0.000000007",
    "0.04",
    "0.040",
    "0.25",
    "0.250000001",
    "1",
    "2.5",
    "-1",
    "1700000000",
    "1700000000.1002",
    "1700000001.5",
    "5.123456789",
];
const BYTES: &[&str] = &[
    "\"Hello\"",
    "\"hello\"",
    "\"o\"",
    "\"world\\x00\"",
    "48:65:6c",
    "00:ff",
    "0xff",
    "78",
    "7878",
    "\"GET /\\r\\n\"",
    "'H'",
    "\"\"",
    "79-79",
    "f0:00",
];
const PATTERNS: &[&str] = &[
    "\"hello\"",
    "\"^W\"",
    "\"[a-f]+\"",
    "r\"\\d\"",
    "r\"get\\s/\"",
    "\"x{50}\"",
    "\"(hello|world)\"",
    "r\"\\x00\\xff\"",
    "\"n$\"",
    "r\"\\n$\"",
    "\"^$\"",
    "\".\"",
    "\"[^x]\"",
    "\"(?-i)HELLO\"",
    "\"y*z?\"",
    "\"[[:upper:]]\"",
    "r\"\\bsix\\b\"",
];

/// One filter.
pub fn filter(r: &mut Rng, depth: usize) -> String {
    if depth > 0 && r.below(3) == 0 {
        let (a, b) = (filter(r, depth - 1), filter(r, depth - 1));
        return match r.below(7) {
            0 => format!("{a} and {b}"),
            1 => format!("{a} or {b}"),
            2 => format!("{a} && {b}"),
            3 => format!("({a} || {b})"),
            4 => format!("not ({a})"),
            5 => format!("!{a} or {b}"),
            _ => format!("({a}) and not {b}"),
        };
    }
    test(r)
}

fn test(r: &mut Rng) -> String {
    let field = r.pick(FIELDS);
    of_field(r, &field)
}

/// A test of one field.
pub fn of_field(r: &mut Rng, field: &Field) -> String {
    let name = field.name;
    if field.kind == Kind::Presence || r.below(12) == 0 {
        return name.to_owned();
    }
    let quantifier = r.pick(&["", "", "", "any ", "all "]);
    if r.below(6) == 0 {
        let (a, b, c) = (literal(r, field), literal(r, field), literal(r, field));
        let set = match r.below(3) {
            0 => format!("{{{a}}}"),
            1 => format!("{{{a}, {b}..{c}}}"),
            _ => format!("{{{a},{b},{c}}}"),
        };
        let within = r.pick(&["in", "in", "not in"]);
        return format!("{quantifier}{name} {within} {set}");
    }
    let op = r.pick(&[
        "==", "!=", "===", "!==", "~=", "<", "<=", ">", ">=", "eq", "ne", "gt", "lt", "ge", "le",
        "any_eq", "all_eq", "any_ne", "all_ne",
    ]);
    if r.below(12) == 0 {
        let peers: Vec<&Field> = FIELDS.iter().filter(|f| alike(f, field)).collect();
        let peer = r.pick(&peers);
        return format!("{quantifier}{name} {op} {}", peer.name);
    }
    match field.kind {
        Kind::Bytes => {
            let slice = r.pick(&[
                "", "", "[0]", "[0:3]", "[:2]", "[-1]", "[-3:2]", "[1-3]", "[2:]", "[12:2]",
            ]);
            match r.below(4) {
                0 => format!("{quantifier}{name}{slice} contains {}", literal(r, field)),
                1 => format!("{quantifier}{name}{slice} matches {}", r.pick(PATTERNS)),
                2 if !slice.is_empty() && quantifier.is_empty() => format!("{name}{slice}"),
                _ => format!("{quantifier}{name}{slice} {op} {}", literal(r, field)),
            }
        }
        Kind::Number(max) if r.below(6) == 0 => {
            let mask = r.pick(&[1, 2, 0x12, 0xff, 0xf0f0]).min(max);
            if quantifier.is_empty() && r.below(2) == 0 {
                return format!("{name} & {mask}");
            }
            format!(
                "{quantifier}{name} & {mask:#x} {op} {}",
                r.pick(&[0, 1, 2, 0x12])
            )
        }
        _ => format!("{quantifier}{name} {op} {}", literal(r, field)),
    }
}

/// A whole frame can be compared with itself alone.
fn alike(a: &Field, b: &Field) -> bool {
    match (a.kind, b.kind) {
        (Kind::Number(_), Kind::Number(_)) => true,
        (Kind::Bytes, Kind::Bytes) => (a.name == "frame") == (b.name == "frame"),
        (a, b) => a == b,
    }
}

fn literal(r: &mut Rng, field: &Field) -> String {
    match field.kind {
        Kind::Number(max) => {
            let fit: Vec<u32> = NUMBERS.iter().copied().filter(|n| *n <= max).collect();
            let n = r.pick(&fit);
            match r.below(5) {
                0 => format!("{n:#x}"),
                1 if n > 0 => format!("0{n:o}"),
                _ => n.to_string(),
            }
        }
        Kind::Signed => r.pick(&["-1", "-2", "0", "1", "128", "0x80"]).to_owned(),
        Kind::Bool => r.pick(&["0", "1", "True", "FALSE", "2"]).to_owned(),
        Kind::Ipv4 => r.pick(ADDRESSES).to_owned(),
        Kind::Ipv6 => r.pick(ADDRESSES6).to_owned(),
        Kind::Time => r.pick(TIMES).to_owned(),
        Kind::Bytes => r.pick(BYTES).to_owned(),
        Kind::Presence => String::new(),
    }
}
