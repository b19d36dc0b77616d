//! Many runs side by side: workers, what bounds them, and their results in the order of the plan.

mod queue;
mod scheduler;
mod size;
#[cfg(test)]
mod tests;

pub use scheduler::{Event, Limits, Stop, Work, run};
pub use size::{Descriptors, default_jobs, descriptors};
