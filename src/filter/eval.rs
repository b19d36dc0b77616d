//! Asking a filter about a frame.

use std::cmp::Ordering;

use super::ast::{Expr, Filter, Quantifier, Right};
use super::extract::{Values, values};
use super::lex::Compare;
use super::value::Value;
use super::view::{PacketView, Unknown};

type Result<T> = std::result::Result<T, Unknown>;

impl Filter {
    /// Does it hold for the frame?
    ///
    /// # Errors
    /// [`Unknown`], if the answer depends on what the frame does not allow to say.
    pub fn matches(&self, view: &PacketView<'_>) -> Result<bool> {
        holds(&self.root, view)
    }
}

fn holds(expr: &Expr, view: &PacketView<'_>) -> Result<bool> {
    Ok(match expr {
        Expr::True => true,
        Expr::Exists(operand) => {
            let values = values(operand, view)?;
            // A slice beyond the end of its field is empty bytes: not there, but comparable.
            let cut = operand.slice.is_some();
            values
                .iter()
                .any(|value| !cut || *value != Value::Bytes(&[]))
        }
        Expr::NonZero(operand) => {
            let values = values(operand, view)?;
            values.iter().any(|value| *value != Value::Number(0))
        }
        Expr::Compare(quantifier, op, left, right) => {
            let (left, right) = (values(left, view)?, side(right, view)?);
            let all = match quantifier {
                Quantifier::Default => matches!(op, Compare::AllEq | Compare::AllNe),
                Quantifier::Any => false,
                Quantifier::All => true,
            };
            let test = |a: &Value<'_>| quantify(all, &right, |b| compare(*op, a, b));
            quantify(all, &left, test)
        }
        Expr::Contains(quantifier, left, wanted) => {
            let left = values(left, view)?;
            quantify(
                *quantifier == Quantifier::All,
                &left,
                |value| matches!(value, Value::Bytes(bytes) if !bytes.is_empty() && contains(bytes, wanted)),
            )
        }
        Expr::Matches(quantifier, left, regex) => {
            let left = values(left, view)?;
            quantify(
                *quantifier == Quantifier::All,
                &left,
                |value| matches!(value, Value::Bytes(bytes) if !bytes.is_empty() && regex.is_match(bytes)),
            )
        }
        Expr::In(quantifier, left, items) => {
            let left = values(left, view)?;
            let all = *quantifier == Quantifier::All;
            // Item by item, as Wireshark does: `all` values must be in one and the same item.
            for (low, high) in items {
                let low = side(low, view)?;
                let inside = match high {
                    None => {
                        let equal =
                            |a: &Value<'_>| quantify(all, &low, |b| compare(Compare::AnyEq, a, b));
                        quantify(all, &left, equal)
                    }
                    Some(high) => {
                        let high = side(high, view)?;
                        let between = |a: &Value<'_>| {
                            quantify(all, &low, |b| compare(Compare::GreaterEq, a, b))
                                && quantify(all, &high, |b| compare(Compare::LessEq, a, b))
                        };
                        quantify(all, &left, between)
                    }
                };
                if inside {
                    return Ok(true);
                }
            }
            false
        }
        Expr::And(a, b) => holds(a, view)? && holds(b, view)?,
        Expr::Or(a, b) => holds(a, view)? || holds(b, view)?,
        Expr::Not(inner) => !holds(inner, view)?,
    })
}

/// No value satisfies nothing: a test on a field that is not there is false.
fn quantify<'v>(all: bool, values: &[Value<'v>], test: impl Fn(&Value<'v>) -> bool) -> bool {
    if all {
        !values.is_empty() && values.iter().all(test)
    } else {
        values.iter().any(test)
    }
}

fn compare(op: Compare, a: &Value<'_>, b: &Value<'_>) -> bool {
    let order = a.compare(b);
    match op {
        Compare::AnyEq | Compare::AllEq => order == Some(Ordering::Equal),
        Compare::AnyNe | Compare::AllNe => order.is_some_and(Ordering::is_ne),
        Compare::Less => order.is_some_and(Ordering::is_lt),
        Compare::LessEq => order.is_some_and(Ordering::is_le),
        Compare::Greater => order.is_some_and(Ordering::is_gt),
        Compare::GreaterEq => order.is_some_and(Ordering::is_ge),
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|part| part == wanted)
}

fn side<'v>(right: &'v Right, view: &'v PacketView<'_>) -> Result<Values<'v>> {
    match right {
        Right::Literal(literal) => Ok(vec![literal.value()]),
        Right::Field(operand) => values(operand, view),
    }
}
