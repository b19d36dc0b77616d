//! The sentinel: a frame that only this capture can have sent, and that no stack answers.
//!
//! It is an Ethernet frame of the type reserved for local experiments, sent through the packet
//! socket of the capture itself. So it needs no port, no address and no receiver, provokes no ICMP,
//! and no firewall rule stands in its way; on `lo` it takes the same road as every other frame:
//! into the backlog of the CPU that sent it, behind what that CPU had sent before.

/// IEEE 802 local experimental EtherType 1.
pub const ETHERTYPE: u16 = 0x88b5;

/// Ethernet header, nonce, round, position.
pub const LEN: usize = 14 + 16 + 4 + 4;

/// Random bytes that tell this capture's sentinels from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// 16 bytes from the kernel.
    ///
    /// # Errors
    /// `/dev/urandom` cannot be read.
    pub fn random() -> std::io::Result<Self> {
        use std::io::Read;
        let mut bytes = [0; 16];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Nonce(bytes))
    }

    /// The frame of this round for the CPU at this position of the affinity list.
    pub fn frame(&self, round: u32, position: u32) -> [u8; LEN] {
        let mut frame = [0; LEN];
        frame[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
        frame[14..30].copy_from_slice(&self.0);
        frame[30..34].copy_from_slice(&round.to_be_bytes());
        frame[34..38].copy_from_slice(&position.to_be_bytes());
        frame
    }

    /// A frame of `len` bytes that is recognised, and stands for no CPU.
    pub fn filler(&self, len: usize) -> Vec<u8> {
        let mut frame = self.frame(0, u32::MAX).to_vec();
        frame.resize(len.max(LEN), 0);
        frame
    }

    /// Round and position, if `data` is one of this capture's sentinels or fillers.
    pub fn recognise(&self, data: &[u8]) -> Option<(u32, u32)> {
        let frame = data.get(..LEN)?;
        let word = |at: usize| {
            u32::from_be_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]])
        };
        (frame[12..14] == ETHERTYPE.to_be_bytes() && frame[14..30] == self.0)
            .then(|| (word(30), word(34)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentinel_is_recognised_by_its_own_nonce_only() {
        let (one, other) = (Nonce::random().unwrap(), Nonce::random().unwrap());
        let frame = one.frame(7, 3);
        assert_eq!(one.recognise(&frame), Some((7, 3)));
        assert_eq!(other.recognise(&frame), None);
        assert_eq!(one.recognise(&frame[..LEN - 1]), None);
        assert_eq!(one.recognise(&one.filler(1000)), Some((0, u32::MAX)));
        let mut other_type = frame;
        other_type[13] ^= 1;
        assert_eq!(one.recognise(&other_type), None);
    }
}
