//! How a live capture is taken: interface, ring, snapshot length.
//!
//! Measured on two CPUs:
//!
//! - Slots of fixed size (`TPACKET_V2`, libpcap's immediate mode) take 128 KiB each at this snapshot
//!   length; 64 MiB of them lost 6 % of 20,000 small datagrams on an idle machine. Blocks
//!   (`TPACKET_V3`) pack frames: 2 MiB lost none of them.
//! - A block is handed over when it is full or `RETIRE_MS` old, so thin traffic takes a block in
//!   each such time, and the ring lasts for as many of them as it has blocks while the capture
//!   thread waits for a CPU. With four busy loops and other work, 9 MiB and 1 ms lost frames in 2
//!   of 40 runs of 4,000 small frames; with 4 ms none in 190.
//! - The barrier does not wait for the block to grow old: it fills it up (see `barrier`).
//! - The kernel zeroes the pages: 2 MiB cost 2 ms of CPU a run, 9 MiB 4 ms, 64 MiB 15 ms.
//! - So a small exchange whose bytes are known beforehand gets slots after all, of a size that no
//!   frame of it can exceed and as many as all its frames together, twice: a quarter of the CPU time,
//!   nothing to wait for at a barrier, and no frame can be lost even if the capture thread never
//!   runs. A frame that is cut all the same is told, and makes the capture incomplete.

use super::RingBudget;
use crate::scenario::CaptureSpec;

/// Snapshot length written into capture files, and the default: larger than any frame on `lo`.
pub const SNAPLEN: u32 = 262_144;

/// A sentinel must fit into the ring however short the user's snapshot length is.
pub(super) const MIN_RING_SNAPLEN: u32 = 128;

const MIB: u64 = 1 << 20;

/// More bytes than this in one frame make slots wasteful.
const SLOT_MAX: u64 = 16 << 10;

/// Slots that take more than this together are no better than blocks.
const SLOTS_MAX: u64 = 2 * MIB;

/// Age at which the kernel hands over a block that is not full, in ms.
pub(super) const RETIRE_MS: i32 = 4;

/// Size of a block, as libpcap 1.10 chooses it. Were it another, a barrier would take longer.
pub(super) const BLOCK: usize = 256 << 10;

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
    /// Fill up the ring's block at a barrier instead of waiting until it is handed over. Not on an
    /// interface that others watch: they would see the fillers, about 256 KiB of them.
    pub fill: bool,
    /// Slots of this many bytes instead of blocks: frames are readable at once, and a longer one is
    /// cut.
    pub slots: Option<u32>,
    /// Bytes of frames that may wait for the capture's owner to take them. Beyond that the ring is not
    /// emptied, and frames are lost when it is full: memory is bounded, and what is lost is told.
    pub behind: u64,
}

/// What is known beforehand of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Payload bytes on the wire, of all connections and both directions; no direction of a
    /// connection has more.
    pub bytes: u64,
    /// Frames, generously; `None` if that cannot be known: external programs.
    pub frames: Option<u64>,
}

/// About that many bytes, in nobody knows how many frames.
impl From<u64> for Expected {
    fn from(bytes: u64) -> Self {
        Expected {
            bytes,
            frames: None,
        }
    }
}

impl Expected {
    /// Slot size and count, if slots are better than blocks.
    fn slots(self) -> Option<(u32, u32)> {
        if self.bytes > SLOT_MAX {
            return None;
        }
        // One frame may carry all of a direction's bytes; headers, and what the kernel keeps of a
        // frame besides, stay far below 256 bytes.
        let slot = (self.bytes + 256).next_power_of_two();
        // Each barrier sends a sentinel from each CPU.
        let cpus = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let count = self
            .frames?
            .saturating_mul(2)
            .saturating_add(128 + 16 * cpus);
        let ring = slot.saturating_mul(count).saturating_add(64 << 10) & !0xffff;
        (ring <= SLOTS_MAX).then_some((slot as u32, ring as u32))
    }
}

impl LiveConfig {
    /// Chooses ring and snapshot length for an exchange of which this is expected, unless the
    /// scenario says.
    pub fn choose(spec: &CaptureSpec, expected: impl Into<Expected>) -> Self {
        let expected = expected.into();
        if let (None, None, Some((slot, ring))) = (spec.buffer, spec.snaplen, expected.slots()) {
            return LiveConfig {
                interface: "lo".to_owned(),
                ring_bytes: ring,
                snaplen: SNAPLEN,
                filter: None,
                fill: false,
                slots: Some(slot),
                behind: RingBudget::behind(),
            };
        }
        LiveConfig {
            interface: "lo".to_owned(),
            ring_bytes: match spec.buffer {
                Some(mib) => mib.clamp(1, 1024) << 20,
                None => ring_bytes(
                    // Many small frames take many blocks: each is handed over after 4 ms, full or not.
                    expected
                        .bytes
                        .saturating_add(expected.frames.unwrap_or(0).saturating_mul(1024)),
                ),
            },
            snaplen: spec.snaplen.unwrap_or(SNAPLEN).clamp(1, SNAPLEN),
            filter: None,
            fill: true,
            slots: None,
            behind: RingBudget::behind(),
        }
    }
}

/// Room for the whole exchange, should the capture thread never get a CPU while it lasts: three
/// frames of 65,549 bytes fill a block of 262,144, and small segments double in size by their
/// headers. 8 MiB are 32 blocks, that is 128 ms of thin traffic. No more than 64 MiB: a sender is no
/// faster than its receiver, and 256 MiB in one stream lost nothing in 16 on a loaded machine.
fn ring_bytes(expected: u64) -> u32 {
    expected
        .saturating_mul(2)
        .saturating_add(8 * MIB)
        .min(64 * MIB)
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
        assert_eq!(of(CaptureSpec::default(), u64::MAX), 64);
        let spec = CaptureSpec {
            snaplen: Some(0),
            buffer: Some(2),
        };
        assert_eq!(of(spec.clone(), u64::MAX), 2);
        assert_eq!(LiveConfig::choose(&spec, 0).snaplen, 1);
    }

    #[test]
    fn a_small_exchange_of_known_size_gets_slots_that_hold_all_of_it() {
        let choose = |bytes, frames| {
            let frames = Some(frames);
            LiveConfig::choose(&CaptureSpec::default(), Expected { bytes, frames })
        };
        let small = choose(10, 30);
        let slot = small.slots.expect("slots");
        assert!(!small.fill && small.snaplen == SNAPLEN);
        assert!(small.ring_bytes < 256 << 10, "{}", small.ring_bytes);
        assert!(small.ring_bytes / slot >= 60);
        assert!(choose(4000, 30).slots >= Some(4000 + 100));
        // Too large a frame, or too many of them: blocks.
        assert!(choose(20_000, 30).slots.is_none());
        assert!(choose(10, 1_000_000).slots.is_none());
        assert!(choose(10, u64::MAX).slots.is_none());
        assert!(choose(u64::MAX, 1).slots.is_none());
        let user = CaptureSpec {
            buffer: Some(1),
            ..CaptureSpec::default()
        };
        let frames = Some(1);
        assert!(
            LiveConfig::choose(&user, Expected { bytes: 1, frames })
                .slots
                .is_none()
        );
    }
}
