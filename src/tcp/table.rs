//! From four numbers to a slot: keys of connections, and an index over them whose hash an
//! adversary cannot aim at.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::wire::Segment;

/// The two ends of a connection, the smaller one first. An IPv4-mapped IPv6 address is not the
/// IPv4 address: to Wireshark these are different connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    V4 {
        low: u32,
        high: u32,
        low_port: u16,
        high_port: u16,
    },
    V6 {
        low: [u8; 16],
        high: [u8; 16],
        low_port: u16,
        high_port: u16,
    },
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(a) => a.octets(),
        IpAddr::V4(a) => a.to_ipv6_mapped().octets(),
    }
}

impl Key {
    /// The segment's key, and which end sent it: 0 the low one, 1 the high one. A connection of
    /// an end with itself has only direction 0.
    pub(super) fn of(s: &Segment<'_>) -> (Key, usize) {
        Key::of_ends((s.src, s.src_port), (s.dst, s.dst_port))
    }

    #[inline]
    fn of_ends(s: (IpAddr, u16), d: (IpAddr, u16)) -> (Key, usize) {
        if let (IpAddr::V4(src), IpAddr::V4(dst)) = (s.0, d.0) {
            let (src, dst) = (u32::from(src), u32::from(dst));
            let swap = (src, s.1) > (dst, d.1);
            let (low, high, low_port, high_port) = if swap {
                (dst, src, d.1, s.1)
            } else {
                (src, dst, s.1, d.1)
            };
            let key = Key::V4 {
                low,
                high,
                low_port,
                high_port,
            };
            (key, usize::from(swap))
        } else {
            let (src, dst) = (octets(s.0), octets(d.0));
            let swap = (src, s.1) > (dst, d.1);
            let (low, high, low_port, high_port) = if swap {
                (dst, src, d.1, s.1)
            } else {
                (src, dst, s.1, d.1)
            };
            let key = Key::V6 {
                low,
                high,
                low_port,
                high_port,
            };
            (key, usize::from(swap))
        }
    }

    /// The key of two ends, and which one is the source; as [`Key::of`].
    pub(super) fn new(src: SocketAddr, dst: SocketAddr) -> (Key, usize) {
        Key::of_ends((src.ip(), src.port()), (dst.ip(), dst.port()))
    }

    /// The end's address and port: 0 the low one, 1 the high one.
    pub(super) fn end(&self, which: usize) -> SocketAddr {
        let (address, port) = match *self {
            Key::V4 {
                low,
                high,
                low_port,
                high_port,
            } => {
                let (a, p) = [(low, low_port), (high, high_port)][which];
                (IpAddr::V4(Ipv4Addr::from(a)), p)
            }
            Key::V6 {
                low,
                high,
                low_port,
                high_port,
            } => {
                let (a, p) = [(low, low_port), (high, high_port)][which];
                (IpAddr::V6(Ipv6Addr::from(a)), p)
            }
        };
        SocketAddr::new(address, port)
    }
}

/// The 128-bit product of two numbers, folded: one multiplication mixes all bits.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// A keyed hash: without the seeds, which each process draws anew, nobody can choose addresses
/// that collide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeds([u64; 3]);

impl Seeds {
    pub(super) fn random() -> Seeds {
        let state = RandomState::new();
        Seeds([1, 2, 3].map(|n: u64| state.hash_one(n)))
    }

    pub(super) fn hash(&self, key: &Key) -> u64 {
        let [a, b, c] = self.0;
        match key {
            Key::V4 {
                low,
                high,
                low_port,
                high_port,
            } => {
                let addresses = u64::from(*low) << 32 | u64::from(*high);
                let ports = u64::from(*low_port) << 16 | u64::from(*high_port);
                fold(addresses ^ a, ports ^ b).wrapping_add(fold(addresses ^ c, ports ^ a))
            }
            Key::V6 {
                low,
                high,
                low_port,
                high_port,
            } => {
                let ports = u64::from(*low_port) << 16 | u64::from(*high_port);
                let mut hash = fold(ports ^ a, b);
                for half in [&low[..8], &low[8..], &high[..8], &high[8..]] {
                    let word = u64::from_le_bytes(half.try_into().expect("eight bytes"));
                    hash = fold(word ^ hash ^ c, b ^ hash.rotate_left(23));
                }
                hash
            }
        }
    }
}

/// Positions in a slab, found by hash. Open addressing with linear probing, at most 3/4 full.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Hash and position plus one; position 0 means free. Length 0 or a power of two.
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Index {
    fn mask(&self) -> usize {
        self.slots.len() - 1
    }

    /// The position under `hash` for which `same` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut same: impl FnMut(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let hash = hash as u32;
        let mut at = hash as usize & self.mask();
        loop {
            let (h, position) = self.slots[at];
            if position == 0 {
                return None;
            }
            if h == hash && same(position - 1) {
                return Some(position - 1);
            }
            at = (at + 1) & self.mask();
        }
    }

    /// Adds a position that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, position: u32) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.used += 1;
        self.place(hash as u32, position + 1);
    }

    fn place(&mut self, hash: u32, entry: u32) {
        let mut at = hash as usize & self.mask();
        while self.slots[at].1 != 0 {
            at = (at + 1) & self.mask();
        }
        self.slots[at] = (hash, entry);
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let old = std::mem::replace(&mut self.slots, vec![(0, 0); size]);
        for (hash, entry) in old {
            if entry != 0 {
                self.place(hash, entry);
            }
        }
    }

    /// Takes out a position that is there.
    pub(super) fn remove(&mut self, hash: u64, position: u32) {
        let mask = self.mask();
        let mut hole = hash as u32 as usize & mask;
        while self.slots[hole].1 != position + 1 {
            if self.slots[hole].1 == 0 {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.used -= 1;
        // Move up what the hole would hide.
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let (h, entry) = self.slots[at];
            if entry == 0 {
                break;
            }
            let home = h as usize & mask;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = (h, entry);
                hole = at;
            }
        }
        self.slots[hole] = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Index;

    /// Against the standard map, with hashes that collide on purpose.
    #[test]
    fn index_finds_what_is_there_and_only_that() {
        let mut index = Index::default();
        let mut model: HashMap<u32, u64> = HashMap::new();
        let mut x = 1u64;
        for n in 0..20_000u32 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let position = (x >> 40) as u32 % 500;
            let hash = u64::from(position % 13) * 7;
            if model.remove(&position).is_some() {
                index.remove(hash, position);
            } else {
                index.insert(hash, position);
                model.insert(position, hash);
            }
            if n % 50 == 0 {
                for p in 0..500 {
                    let found = index.find(u64::from(p % 13) * 7, |q| q == p);
                    assert_eq!(found.is_some(), model.contains_key(&p));
                }
            }
        }
        assert_eq!(index.used, model.len());
    }
}
