//! Values of fields, and how they compare.

use std::cmp::Ordering;

/// A value of a field or of a literal. Which variants meet is settled when a filter is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing but that it is there.
    Present,
    /// A number.
    Number(i64),
    /// True or false.
    Bool(bool),
    /// An IPv4 address in host byte order, and the bits that count.
    Ipv4(u32, u8),
    /// An IPv6 address in host byte order, and the bits that count.
    Ipv6(u128, u8),
    /// Nanoseconds.
    Time(i64),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Value<'_> {
    /// As Wireshark orders them: addresses under the shorter of two masks, bytes by their number,
    /// then one by one.
    pub fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        Some(match (self, other) {
            (Value::Number(a), Value::Number(b)) => a.cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Bytes(a), Value::Bytes(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Value::Ipv4(a, m), Value::Ipv4(b, n)) => {
                let shift = 32 - u32::from(*m.min(n));
                let mask = u32::MAX.checked_shl(shift).unwrap_or(0);
                (a & mask).cmp(&(b & mask))
            }
            (Value::Ipv6(a, m), Value::Ipv6(b, n)) => {
                let shift = 128 - u32::from(*m.min(n));
                let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
                (a & mask).cmp(&(b & mask))
            }
            _ => return None,
        })
    }
}
