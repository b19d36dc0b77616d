//! What the user wrote: the scenario file, loaded with spans, validated, and its errors explained.
//!
//! Two layers: `raw` mirrors the TOML file (serde, spans); [`model`] is what the rest of the house
//! sees, in which everything that can be wrong in a file has been ruled out.

pub mod model;

pub use model::*;
