//! Mutations: bytes, fields, lengths, splices, from a random sequence that a seed fixes.

/// xorshift64*: small, and the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From 0 to `n - 1`; 0 for `n` 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 {
            0
        } else {
            (self.next() >> 11) as usize % n
        }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Values that headers get wrong.
const INTERESTING: [u32; 16] = [
    0,
    1,
    2,
    4,
    5,
    6,
    0x0f,
    0x10,
    0x7f,
    0x80,
    0xff,
    0x0800,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
];

/// Changes some bytes, most often a few.
fn mangle(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    let most = *random.pick(&[1, 1, 2, 4, 16]);
    for _ in 0..1 + random.below(most) {
        let at = random.below(bytes.len());
        match random.below(10) {
            _ if bytes.is_empty() => bytes.push(random.below(256) as u8),
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 | 3 => bytes[at] = random.below(256) as u8,
            4 => {
                let value = random.pick(&INTERESTING).to_be_bytes();
                let width = *random.pick(&[1, 2, 4]);
                for (to, from) in bytes[at..].iter_mut().zip(&value[4 - width..]) {
                    *to = *from;
                }
            }
            5 => {
                let value = random.pick(&INTERESTING).to_le_bytes();
                let width = *random.pick(&[1, 2, 4]);
                for (to, from) in bytes[at..].iter_mut().zip(&value[..width]) {
                    *to = *from;
                }
            }
            6 => bytes.truncate(at),
            7 => {
                let end = (at + random.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            8 => {
                let end = (at + random.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, part);
            }
            _ => {
                let from = random.below(other.len());
                let end = (from + random.below(256)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
}

/// A mutated capture file, sometimes compressed, sometimes cut.
pub fn file(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.pick(corpus).clone();
    let other = random.pick(corpus).clone();
    mangle(random, &mut bytes, &other);
    match random.below(40) {
        0 => bytes = gzip(&bytes),
        1 => bytes = zstd::encode_all(&bytes[..], 1).unwrap_or_default(),
        2 => {
            bytes = gzip(&bytes);
            mangle(random, &mut bytes, &other);
        }
        3 => {
            bytes = zstd::encode_all(&bytes[..], 1).unwrap_or_default();
            mangle(random, &mut bytes, &other);
        }
        _ => {}
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Some mutated frames, each behind its link type, wire length and captured length.
pub fn frame(random: &mut Random, corpus: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut input = vec![];
    let (mut link, mut bytes) = random.pick(corpus).clone();
    for _ in 0..1 + random.below(4) {
        if random.below(3) == 0 {
            (link, bytes) = random.pick(corpus).clone();
        }
        let other = random.pick(corpus).1.clone();
        mangle(random, &mut bytes, &other);
        bytes.truncate(60_000);
        if random.below(30) == 0 {
            link = random.below(300) as u16;
        }
        let wire_len = match random.below(8) {
            0 => *random.pick(&INTERESTING),
            1 => bytes.len() as u32 + random.below(2000) as u32,
            _ => bytes.len() as u32,
        };
        input.extend(link.to_le_bytes());
        input.extend(wire_len.to_le_bytes());
        input.extend((bytes.len() as u16).to_le_bytes());
        input.extend_from_slice(&bytes);
    }
    input
}

/// The frames of an input of [`frame`].
pub fn frames_in(mut input: &[u8]) -> impl Iterator<Item = (u16, u32, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = input.split_first_chunk::<8>()?;
        let link = u16::from_le_bytes([head[0], head[1]]);
        let wire_len = u32::from_le_bytes([head[2], head[3], head[4], head[5]]);
        let len = usize::from(u16::from_le_bytes([head[6], head[7]])).min(rest.len());
        let (data, rest) = rest.split_at(len);
        input = rest;
        Some((link, wire_len, data))
    })
}
