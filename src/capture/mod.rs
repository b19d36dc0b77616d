//! Live libpcap, the barrier that proves completeness, capture files read and written.

pub mod bytes;
pub mod frame;
pub mod live;
pub mod read;
pub mod recording;
pub mod spill;
pub mod write;

pub use bytes::{Chunk, Payload};
pub use frame::FrameStore;
pub use recording::{Completeness, Printed, Recording, Stats};
pub use spill::{Spill, SpillError};
