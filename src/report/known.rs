//! Names for the addresses in what calls returned.

use std::collections::HashMap;
use std::net::SocketAddr;

/// Who has which address: `accept 127.0.0.1:40000` becomes `accept client-1`.
#[derive(Default)]
pub(super) struct Known(HashMap<String, String>);

impl Known {
    /// Takes a name for an address, unless it has one.
    pub fn add(&mut self, address: SocketAddr, name: &str) {
        let address = address.to_string();
        if address != name {
            self.0.entry(address).or_insert_with(|| name.to_owned());
        }
    }

    /// `text` of an event of `actor`, whose own address stays.
    pub fn apply(&self, text: &str, actor: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            // Not the end of a longer address.
            let starts =
                !out.ends_with(|c: char| c.is_ascii_alphanumeric() || c == ':' || c == '.');
            let found = if starts { self.address(rest) } else { None };
            match found.filter(|(_, name)| *name != actor) {
                Some((address, name)) => {
                    out.push_str(name);
                    rest = &rest[address..];
                }
                None => {
                    out.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        out
    }

    /// Length and name of the known address that `text` begins with; it is not the beginning of one with a
    /// longer port.
    fn address(&self, text: &str) -> Option<(usize, &str)> {
        let part = |c: char| c.is_ascii_hexdigit() || ".:[]%".contains(c);
        let end = text.find(|c| !part(c)).unwrap_or(text.len());
        let mut address = &text[..end];
        loop {
            if let Some(name) = self.0.get(address) {
                return Some((address.len(), name));
            }
            // `127.0.0.1:5000: refused`, `[127.0.0.1:5000]`
            address = address.strip_suffix(['.', ':', ']'])?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_addresses_are_named_and_nothing_else() {
        let mut known = Known::default();
        for (address, name) in [
            ("127.0.0.1:4000", "client-1"),
            ("127.0.0.1:4000", "other"),
            ("[::1]:5000", "server"),
        ] {
            known.add(address.parse().unwrap(), name);
        }
        for (text, said) in [
            ("127.0.0.1:4000", "client-1"),
            ("[127.0.0.1:4000], [::1]:5000: no", "[client-1], server: no"),
            (
                "127.0.0.1:40000 1127.0.0.1:4000",
                "127.0.0.1:40000 1127.0.0.1:4000",
            ),
            ("to 127.0.0.1:4000.", "to client-1."),
            (
                "ready [127.0.0.1:4000 127.0.0.1:4001]",
                "ready [client-1 127.0.0.1:4001]",
            ),
        ] {
            assert_eq!(known.apply(text, "server-1"), said);
        }
        assert_eq!(known.apply("127.0.0.1:4000", "client-1"), "127.0.0.1:4000");
    }
}
