//! How a live capture is taken: interface, ring, snapshot length.
//!
//! Measured on two CPUs with four busy loops: with a ring of fixed slots (`TPACKET_V2`, libpcap's
//! immediate mode) each slot takes 128 KiB at this snapshot length, and 64 MiB of them lost 6 % of
//! 20,000 small datagrams on an idle machine. Blocks (`TPACKET_V3`) pack frames: 8 MiB lost none
//! under load. A frame is readable 1 ms later than in immediate mode, which costs a run about
//! 1.5 ms of its 44. A ring of up to 16 MiB opens as fast as the smallest; each further 16 MiB
//! takes about 3 ms, for the kernel zeroes the pages.

use crate::scenario::CaptureSpec;

/// Snapshot length written into capture files, and the default: larger than any frame on `lo`.
pub const SNAPLEN: u32 = 262_144;

/// A sentinel must fit into the ring however short the user's snapshot length is.
pub(super) const MIN_RING_SNAPLEN: u32 = 128;

/// Age at which the kernel hands over a block that is not full, in ms. The shortest there is.
pub(super) const RETIRE_MS: i32 = 1;

const MIB: u64 = 1 << 20;

/// How a live capture is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveConfig {
    /// The interface, `lo`.
    pub interface: String,
    /// Size of the ring in bytes: locked memory, in blocks of 256 KiB.
    pub ring_bytes: u32,
    /// Bytes kept of each frame.
    pub snaplen: u32,
    /// A libpcap filter that frames must pass (sentinels always do); for `--on host`.
    pub filter: Option<String>,
}

impl LiveConfig {
    /// Chooses ring and snapshot length for an exchange that is expected to put about
    /// `expected_bytes` of payload on the wire, unless the scenario says.
    pub fn choose(spec: &CaptureSpec, expected_bytes: u64) -> Self {
        LiveConfig {
            interface: "lo".to_owned(),
            ring_bytes: match spec.buffer {
                Some(mib) => mib.clamp(1, 1024) << 20,
                None => ring_bytes(expected_bytes),
            },
            snaplen: spec.snaplen.unwrap_or(SNAPLEN).clamp(1, SNAPLEN),
            filter: None,
        }
    }
}

/// Room for the whole exchange, should the capture thread never get a CPU while it lasts: three
/// frames of 65,549 bytes fill a block of 262,144, and small segments double in size by their
/// headers. 8 MiB are 32 blocks, that is 32 ms of thin traffic, as each ms takes a new block.
fn ring_bytes(expected: u64) -> u32 {
    expected
        .saturating_mul(2)
        .saturating_add(8 * MIB)
        .min(256 * MIB)
        .next_multiple_of(MIB) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_grows_with_the_exchange_and_the_user_has_the_last_word() {
        let of =
            |spec: CaptureSpec, bytes| LiveConfig::choose(&spec, bytes).ring_bytes as u64 / MIB;
        assert_eq!(of(CaptureSpec::default(), 10), 9);
        assert_eq!(of(CaptureSpec::default(), 16 * MIB), 40);
        assert_eq!(of(CaptureSpec::default(), u64::MAX), 256);
        let spec = CaptureSpec {
            snaplen: Some(0),
            buffer: Some(2),
        };
        assert_eq!(of(spec.clone(), u64::MAX), 2);
        assert_eq!(LiveConfig::choose(&spec, 0).snaplen, 1);
    }
}
