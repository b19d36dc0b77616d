//! Live libpcap, the barrier that proves completeness, capture files read and written.

pub mod frame;
pub mod read;
pub mod recording;

pub use frame::{Frame, FrameStore};
pub use recording::{Completeness, Recording, Stats};
