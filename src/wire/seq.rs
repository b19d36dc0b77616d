//! Sequence numbers: 32 bits, compared modulo 2^32 (RFC 9293, section 3.4).

use std::ops::{Add, Sub};

/// A TCP sequence number in host byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// `self - other` as a signed distance: positive when `self` is later.
    pub fn since(self, other: SeqNumber) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }

    /// Is `self` before `other` in sequence space?
    pub fn before(self, other: SeqNumber) -> bool {
        self.since(other) < 0
    }

    /// Is `self` after `other` in sequence space?
    pub fn after(self, other: SeqNumber) -> bool {
        self.since(other) > 0
    }
}

impl Add<u32> for SeqNumber {
    type Output = SeqNumber;
    fn add(self, n: u32) -> SeqNumber {
        SeqNumber(self.0.wrapping_add(n))
    }
}

impl Sub<u32> for SeqNumber {
    type Output = SeqNumber;
    fn sub(self, n: u32) -> SeqNumber {
        SeqNumber(self.0.wrapping_sub(n))
    }
}

#[cfg(test)]
mod tests {
    use super::SeqNumber;

    #[test]
    fn order_survives_the_wrap() {
        let last = SeqNumber(u32::MAX);
        assert!(last.before(last + 1));
        assert!((last + 10).after(last));
        assert_eq!((last + 10).since(last), 10);
        assert_eq!(last.since(last + 10), -10);
        assert_eq!(last + 1, SeqNumber(0));
        assert_eq!(SeqNumber(0) - 1, last);
    }
}
