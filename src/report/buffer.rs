//! Text built for speed: numbers, addresses and times appended to one buffer of bytes.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use crate::timeline::Nanos;

/// A buffer is written out when it holds this much.
const FULL: usize = 64 << 10;

/// Bytes on their way to a writer.
#[derive(Debug, Default)]
pub struct Buffer(pub(super) Vec<u8>);

const DIGITS: [u8; 200] = {
    let mut digits = [0; 200];
    let mut n = 0;
    while n < 100 {
        digits[n * 2] = b'0' + (n / 10) as u8;
        digits[n * 2 + 1] = b'0' + (n % 10) as u8;
        n += 1;
    }
    digits
};

impl Buffer {
    /// Writes out what has been collected, if it is much.
    ///
    /// # Errors
    /// Those of `out`.
    #[inline]
    pub fn spill(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.len() >= FULL {
            self.flush(out)?;
        }
        Ok(())
    }

    /// Writes out what has been collected.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.0)?;
        self.0.clear();
        out.flush()
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    #[inline]
    pub(super) fn number(&mut self, mut n: u64) {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        while n >= 100 {
            let pair = (n % 100) as usize * 2;
            n /= 100;
            at -= 2;
            digits[at..at + 2].copy_from_slice(&DIGITS[pair..pair + 2]);
        }
        if n >= 10 {
            let pair = n as usize * 2;
            at -= 2;
            digits[at..at + 2].copy_from_slice(&DIGITS[pair..pair + 2]);
        } else {
            at -= 1;
            digits[at] = b'0' + n as u8;
        }
        self.0.extend_from_slice(&digits[at..]);
    }

    /// Seconds with nine digits behind the point.
    #[inline]
    pub(super) fn seconds(&mut self, time: Nanos) {
        self.fraction(time, 1_000_000_000, 9);
    }

    /// `time` in units of `unit` ns with `places` digits behind the point, rounded down.
    pub(super) fn fraction(&mut self, time: Nanos, unit: u64, places: usize) {
        if time < 0 {
            self.byte(b'-');
        }
        let ns = time.unsigned_abs();
        self.number(ns / unit);
        self.byte(b'.');
        let mut digits = [b'0'; 9];
        let mut rest = ns % unit;
        let mut scale = unit;
        for digit in &mut digits[..places] {
            scale /= 10;
            if scale == 0 {
                break;
            }
            *digit = b'0' + (rest / scale) as u8;
            rest %= scale;
        }
        self.0.extend_from_slice(&digits[..places]);
    }

    /// `10.0.0.1:80`, `[2001:db8::1]:80`.
    #[inline]
    pub(super) fn address(&mut self, ip: IpAddr, port: u16) {
        match ip {
            IpAddr::V4(ip) => {
                for (index, octet) in ip.octets().into_iter().enumerate() {
                    if index > 0 {
                        self.byte(b'.');
                    }
                    self.number(octet.into());
                }
                self.byte(b':');
                self.number(port.into());
            }
            IpAddr::V6(_) => self.display(SocketAddr::new(ip, port)),
        }
    }

    /// Whatever can be displayed.
    pub(super) fn display(&mut self, what: impl std::fmt::Display) {
        // A vector takes everything.
        let _ = write!(self.0, "{what}");
    }

    /// A JSON string.
    pub(super) fn string(&mut self, text: &str) {
        match serde_json::to_writer(&mut self.0, text) {
            Ok(()) => {}
            Err(_) => self.text("\"\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(make: impl FnOnce(&mut Buffer)) -> String {
        let mut buffer = Buffer::default();
        make(&mut buffer);
        String::from_utf8(buffer.0).unwrap()
    }

    #[test]
    fn numbers_as_the_standard_library_writes_them() {
        let mut n = 1u64;
        for _ in 0..64 {
            for n in [n, n - 1, n + 1, u64::MAX - n] {
                assert_eq!(made(|b| b.number(n)), n.to_string());
            }
            n = n.wrapping_mul(3).max(1);
        }
        for n in 0..1100 {
            assert_eq!(made(|b| b.number(n)), n.to_string());
        }
    }

    #[test]
    fn times_and_addresses() {
        assert_eq!(
            made(|b| b.seconds(1_700_000_000_000_000_007)),
            "1700000000.000000007"
        );
        assert_eq!(made(|b| b.seconds(-1)), "-0.000000001");
        assert_eq!(made(|b| b.fraction(1_234_567, 1_000_000, 3)), "1.234");
        assert_eq!(
            made(|b| b.fraction(i64::MIN, 1_000_000_000, 6)),
            "-9223372036.854775"
        );
        for text in ["10.0.200.1:80", "255.255.255.255:65535", "[2001:db8::1]:80"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(made(|b| b.address(address.ip(), address.port())), text);
        }
    }
}
