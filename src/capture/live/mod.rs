//! Live capture by libpcap, and the barrier that proves it complete.
//!
//! [`LiveCapture::open`] returns when the kernel copies every frame into the ring; from then on a
//! thread of its own empties it. [`LiveCapture::barrier`] proves that all frames sent before it are
//! in. Nothing here sleeps or waits for a fixed time.

pub mod barrier;
pub mod budget;
pub mod config;
pub mod handle;
mod reader;
mod sentinel;

pub use barrier::{Barrier, BarrierError};
pub use budget::{RingBudget, RingPermit};
pub use config::{Expected, LiveConfig, SNAPLEN};
pub use handle::{CaptureError, Closing, Finished, LiveCapture};
