//! One frame to one [`Segment`]: every link type, truncated and malformed frames. No state.

pub mod link;
pub mod segment;
pub mod seq;

pub use link::LinkType;
pub use segment::*;
pub use seq::SeqNumber;
