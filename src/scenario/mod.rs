//! What the user wrote: the scenario file, loaded with spans, validated, and its errors explained.
//!
//! `words` holds every word of the file in tables. A first pass (`check`) compares the file's values
//! with them and reports every deviation; a second (`lower`) makes the [`model`], which is what the
//! rest of the house sees and in which everything that can be wrong in a file has been ruled out, and
//! reports what only the whole shows: names, contradictions, steps that cannot be. The JSON Schema
//! is made from the same tables. (serde stops at the first error; a file should be told all of its.)

mod action;
mod cast;
mod check;
mod diagnostic;
mod error;
mod expectation;
mod inside;
mod ipv6;
mod load;
mod lower;
pub mod model;
mod notes;
mod schema;
#[cfg(test)]
mod tests;
pub mod words;

pub use diagnostic::{Code, Diagnostic, Weight, caret, render_all};
pub use error::{MAX_BYTES, SMALLEST, ScenarioError};
pub use expectation::*;
pub use inside::Inside;
pub use load::{load, parse};
pub use model::*;
pub use schema::{schema, schema_text};
