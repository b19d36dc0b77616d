//! What a program printed, bounded: the beginning and the end.

use std::collections::VecDeque;

/// Bytes kept of the beginning, and as many of the end.
pub const KEPT: usize = 256 << 10;

/// The first and the last [`KEPT`] bytes of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadTail {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl HeadTail {
    /// Appends.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = (KEPT - self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    /// Bytes that came, kept or not.
    pub fn total(&self) -> u64 {
        self.head.len() as u64 + self.tail.len() as u64 + self.left_out
    }

    /// What was kept; where bytes were left out, a line says how many.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        if self.left_out > 0 {
            bytes.extend(format!("\n[{} bytes left out]\n", self.left_out).into_bytes());
        }
        bytes.extend(&self.tail);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_kept() {
        let mut kept = HeadTail::default();
        kept.push(b"hello");
        assert_eq!(kept.to_bytes(), b"hello");
        kept.push(&vec![b'a'; KEPT - 5]);
        kept.push(&vec![b'b'; KEPT + 7]);
        kept.push(b"end");
        assert_eq!(kept.total(), 2 * KEPT as u64 + 10);
        let bytes = kept.to_bytes();
        assert!(bytes.starts_with(b"helloaaa"));
        assert!(bytes.ends_with(b"bbbend"));
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("a\n[10 bytes left out]\nb"));
    }
}
