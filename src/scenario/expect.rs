//! The `[expect]` table: its words and how they become the model's [`Expect`].
//!
//! Kinds of expectation are added here: a key in [`EXPECT`], a field in the model, a line in [`lower`].

use super::lower::Node;
use super::model::Expect;
use super::words::{Key, Shape, Table};

/// The words of `[expect]`.
pub static EXPECT: Table = Table {
    what: "expect",
    keys: &[
        Key {
            name: "snapshot",
            shape: &Shape::Bool,
            required: false,
            doc: "Compare every connection's flow with the snapshot beside the scenario; true unless said otherwise.",
            example: "snapshot = false",
        },
        Key {
            name: "variants",
            shape: &Shape::List(&Shape::Form(super::words::Form::Name)),
            required: false,
            doc: "Names of the accepted variants of a real race, besides the snapshot.",
            example: "variants = [\"fin-crossed\"]",
        },
        Key {
            name: "fails",
            shape: &Shape::List(&Shape::Form(super::words::Form::Name)),
            required: false,
            doc: "The scenario shows a broken program: the findings that must come, by code.",
            example: "fails = [\"program-died\"]",
        },
    ],
    example: "[expect]\nsnapshot = true",
};

/// The model's expectations from a table that has the right shape.
pub(super) fn lower(table: Option<Node<'_>>) -> Expect {
    let Some(table) = table else {
        return Expect::default();
    };
    Expect {
        snapshot: table.bool("snapshot"),
        variants: table.texts("variants"),
        fails: table.texts("fails"),
    }
}
