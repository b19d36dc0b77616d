//! Words and strings to values, by the type of the field that they are compared with.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::ast::Literal;
use super::error::FilterError;
use super::field::{Field, Kind};
use super::lex::Token;

/// Unquoted words of hexadecimal digits that Wireshark takes for a protocol's name.
const NAMES_THAT_LOOK_LIKE_BYTES: [&str; 8] =
    ["dc", "e100", "e164", "e212", "fc", "fc00", "fefd", "ff"];

/// The literal that `token` is for a field such as `field`.
pub(super) fn literal(
    field: &Field,
    token: &Token,
    span: Range<usize>,
) -> Result<Literal, FilterError> {
    let wrong = |wanted: &str, example: &str| {
        let message = format!("`{}` is compared with {wanted}", field.name);
        Err(FilterError::new(span.clone(), message).help(format!("for instance {example}")))
    };
    let word = match token {
        Token::Word(word) => Some(word.as_str()),
        _ => None,
    };
    match field.kind {
        Kind::Presence => {
            let message = format!("`{}` has no value to compare", field.name);
            Err(FilterError::new(span, message).help("name it alone to ask whether it is there"))
        }
        Kind::Number(max) => {
            let number = match token {
                Token::Char(byte) => Some(u64::from(*byte)),
                _ => word.and_then(unsigned),
            };
            match number {
                Some(n) if n <= u64::from(max) => Ok(Literal::Number(n as i64)),
                Some(_) => Err(FilterError::new(
                    span,
                    format!("too big for `{}`, which ends at {max}", field.name),
                )),
                None => wrong("a number", "`18` or `0x12`"),
            }
        }
        Kind::Signed => {
            let number = word.and_then(|word| match word.strip_prefix('-') {
                Some(digits) => unsigned(digits).map(|n| -(i128::from(n))),
                None => unsigned(word).map(i128::from),
            });
            match number.map(i32::try_from) {
                Some(Ok(n)) => Ok(Literal::Number(i64::from(n))),
                Some(Err(_)) => Err(FilterError::new(span, "does not fit 32 bits with a sign")),
                None => wrong("a number", "`-1`"),
            }
        }
        Kind::Bool => match word {
            Some("True" | "TRUE") => Ok(Literal::Bool(true)),
            Some("False" | "FALSE") => Ok(Literal::Bool(false)),
            Some(word) if unsigned(word).is_some() => Ok(Literal::Bool(unsigned(word) != Some(0))),
            _ => wrong("1 or 0", "`1`"),
        },
        Kind::Ipv4 => match word.and_then(ipv4) {
            Some((address, bits)) => Ok(Literal::Ipv4(address, bits)),
            None => wrong("an IPv4 address", "`127.0.0.1` or `10.0.0.0/8`"),
        },
        Kind::Ipv6 => match word.and_then(ipv6) {
            Some((address, bits)) => Ok(Literal::Ipv6(address, bits)),
            None => wrong("an IPv6 address", "`::1` or `fe80::/10`"),
        },
        Kind::Time => match word.and_then(nanoseconds) {
            Some(ns) => Ok(Literal::Time(ns)),
            None => wrong(
                "seconds, with at most nine digits behind the point",
                "`0.040`",
            ),
        },
        Kind::Bytes => match token {
            Token::Text(text) => Ok(Literal::Bytes(text.clone())),
            Token::Char(byte) => Ok(Literal::Bytes(vec![*byte])),
            Token::Word(word) if NAMES_THAT_LOOK_LIKE_BYTES.contains(&word.as_str()) => {
                let message = format!("`{word}` is a protocol's name to Wireshark");
                let help = "write one byte as 0xff, several as ff:00";
                Err(FilterError::new(span, message).help(help))
            }
            Token::Word(word) => match bytes(word) {
                Some(bytes) => Ok(Literal::Bytes(bytes)),
                None => wrong("bytes or a string", "`48:65:6c` or `\"hello\"`"),
            },
            _ => wrong("bytes or a string", "`48:65:6c` or `\"hello\"`"),
        },
    }
}

/// As C's `strtoull` with base 0, and binary: `10`, `0x1f`, `017`, `0b11`.
pub(super) fn unsigned(word: &str) -> Option<u64> {
    let (digits, radix) = if let Some(rest) = strip(word, "0x") {
        (rest, 16)
    } else if let Some(rest) = strip(word, "0b") {
        (rest, 2)
    } else if word.len() > 1 && word.starts_with('0') {
        (&word[1..], 8)
    } else {
        (word, 10)
    };
    // from_str_radix would take a sign.
    let plain = digits.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain && !digits.is_empty())
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
}

fn strip<'a>(word: &'a str, prefix: &str) -> Option<&'a str> {
    let head = word.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &word[prefix.len()..])
}

fn prefix(word: &str, max: u8) -> Option<(&str, u8)> {
    match word.split_once('/') {
        None => Some((word, max)),
        Some((address, bits)) => {
            let plain = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
            let bits: u8 = plain.then(|| bits.parse().ok()).flatten()?;
            (bits <= max).then_some((address, bits))
        }
    }
}

fn ipv4(word: &str) -> Option<(u32, u8)> {
    let (address, bits) = prefix(word, 32)?;
    let address: Ipv4Addr = address.parse().ok()?;
    Some((address.into(), bits))
}

fn ipv6(word: &str) -> Option<(u128, u8)> {
    let (address, bits) = prefix(word, 128)?;
    let address: Ipv6Addr = address.parse().ok()?;
    Some((address.into(), bits))
}

/// `-1.5` seconds as nanoseconds.
fn nanoseconds(word: &str) -> Option<i64> {
    let (negative, word) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let (whole, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let ns: i64 = format!("{fraction:0<9}").parse().ok()?;
    let ns = seconds.checked_mul(1_000_000_000)?.checked_add(ns)?;
    Some(if negative { -ns } else { ns })
}

/// `48:65:6c`, `48-65`, `48.65`, `4865`, `48`, `0x48`.
fn bytes(word: &str) -> Option<Vec<u8>> {
    // Wireshark takes two digits behind 0x, no more and no less.
    let word = match strip(word, "0x") {
        Some(digits) if digits.len() == 2 => digits,
        Some(_) => return None,
        None => word,
    };
    let separator = word
        .as_bytes()
        .get(2)
        .copied()
        .filter(|b| b":-.".contains(b));
    let pairs: Vec<&str> = match separator {
        Some(separator) => word.split(char::from(separator)).collect(),
        None if word.is_ascii() && word.len().is_multiple_of(2) => (0..word.len() / 2)
            .map(|i| &word[2 * i..2 * i + 2])
            .collect(),
        None => return None,
    };
    pairs
        .into_iter()
        .map(|pair| {
            let plain = pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_in_c() {
        let cases = [
            ("0", Some(0)),
            ("10", Some(10)),
            ("0x1F", Some(31)),
            ("0X1f", Some(31)),
            ("017", Some(15)),
            ("08", None),
            ("0b101", Some(5)),
            ("0B1", Some(1)),
            ("0x", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            ("1.0", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(unsigned(text), expected, "{text}");
        }
    }

    #[test]
    fn times_to_the_nanosecond() {
        assert_eq!(nanoseconds("1.5"), Some(1_500_000_000));
        assert_eq!(nanoseconds("-0.000000001"), Some(-1));
        assert_eq!(
            nanoseconds("1700000000.123456789"),
            Some(1_700_000_000_123_456_789)
        );
        for bad in ["1.", ".5", "1e3", "", "-", "0.0000000001", "9999999999999"] {
            assert_eq!(nanoseconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn bytes_in_their_ways() {
        assert_eq!(bytes("48:65"), Some(vec![0x48, 0x65]));
        assert_eq!(bytes("48-65.6c"), None);
        assert_eq!(bytes("4865"), Some(vec![0x48, 0x65]));
        assert_eq!(bytes("0x48"), Some(vec![0x48]));
        for bad in ["4", "486", "0x4", "0x4865", "48:", "48:6", "gg", "é"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
    }
}
