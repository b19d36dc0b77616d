//! Live libpcap, the barrier that proves completeness, capture files read and written.

pub mod frame;
pub mod live;
pub mod read;
pub mod recording;
pub mod write;

pub use frame::{Frame, FrameStore};
pub use recording::{Completeness, Printed, Recording, Stats};
