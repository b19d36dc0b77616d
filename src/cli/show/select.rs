//! Which packets and which connections are shown.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::filter::{Filter, FilterError, Lens};
use crate::report::records::{by, handshake, how};
use crate::tcp::{Fed, Summary};
use crate::wire::Frame;
use crate::wire::Packet;

/// The choice that the command line makes.
#[derive(Debug, Default)]
pub struct Select {
    filter: Option<(Filter, Lens)>,
    states: Vec<String>,
    stream: Option<u32>,
    /// Streams of which a frame matched the filter: one bit each.
    matched: Vec<u64>,
    /// Frames that the filter could not decide, and what it said of the first.
    pub undecided: u64,
    /// See `undecided`.
    pub first_undecided: Option<String>,
}

impl Select {
    /// From the values of `--filter`, `--state` and `--stream`.
    pub fn new(
        filter: Option<&str>,
        states: &[String],
        stream: Option<u32>,
    ) -> Result<Select, FilterError> {
        let mut states: Vec<String> = states.iter().map(|s| s.trim().to_lowercase()).collect();
        let filter = match filter {
            None => None,
            Some(text) => match short(text) {
                Some(Short { expression, state }) => {
                    states.extend(state);
                    (!expression.is_empty()).then(|| Filter::parse(&expression))
                }
                None => Some(Filter::parse(text)),
            },
        };
        Ok(Select {
            filter: filter.transpose()?.map(|filter| (filter, Lens::default())),
            states,
            stream,
            ..Select::default()
        })
    }

    /// Is this packet shown? To be asked of every frame in capture order.
    #[inline]
    pub fn frame(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, fed: &Fed) -> bool {
        let stream = match fed {
            Fed::Segment(tracked) => Some(tracked.stream),
            Fed::Header(stream) => Some(*stream),
            Fed::Nothing => None,
        };
        if self.filter.is_some() && !self.matches(frame, packet, fed, stream) {
            return false;
        }
        self.stream.is_none() || self.stream == stream
    }

    fn matches(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        fed: &Fed,
        stream: Option<u32>,
    ) -> bool {
        let Some((filter, lens)) = &mut self.filter else {
            return true;
        };
        let view = lens.view(frame, *packet, *fed);
        match filter.matches(&view) {
            Ok(true) => {
                if let Some(stream) = stream {
                    let at = stream as usize / 64;
                    if at >= self.matched.len() {
                        self.matched.resize(at + 1, 0);
                    }
                    self.matched[at] |= 1 << (stream % 64);
                }
                true
            }
            Ok(false) => false,
            Err(unknown) => {
                self.undecided += 1;
                self.first_undecided
                    .get_or_insert_with(|| unknown.to_string());
                false
            }
        }
    }

    /// Is this connection shown? To be asked when all its frames were.
    pub fn connection(&self, s: &Summary) -> bool {
        let word = |word: &str| {
            s.state.eq_ignore_ascii_case(word)
                || handshake(s.handshake) == word
                || how(s.close.how) == word
                || s.close
                    .by
                    .is_some_and(|who| format!("{} {}", how(s.close.how), by(who)) == word)
        };
        let bits = self.matched.get(s.stream as usize / 64).unwrap_or(&0);
        (self.filter.is_none() || bits >> (s.stream % 64) & 1 == 1)
            && (self.states.is_empty() || self.states.iter().any(|state| word(state)))
            && self.stream.is_none_or(|stream| stream == s.stream)
    }

    /// States asked for that no connection can have.
    pub fn unknown_state(&self) -> Option<&str> {
        const WORDS: [&str; 22] = [
            "s0",
            "s1",
            "s2",
            "s3",
            "sf",
            "rej",
            "rsto",
            "rstr",
            "rstos0",
            "rstrh",
            "sh",
            "shr",
            "oth",
            "complete",
            "refused",
            "unanswered",
            "partial",
            "unseen",
            "fin",
            "reset",
            "open",
            "half",
        ];
        let known = |state: &&String| {
            let mut words = state.split_whitespace();
            words.next().is_some_and(|word| WORDS.contains(&word))
                && words.all(|who| matches!(who, "client" | "server" | "both"))
        };
        self.states
            .iter()
            .find(|state| !known(state))
            .map(String::as_str)
    }
}

/// What short words stand for.
struct Short {
    expression: String,
    state: HashSet<String>,
}

/// `host ADDRESS`, `port N`, `stream N`, `flag NAME`, `state STATE`, an address alone; with or
/// without `and` between them. `None` for everything else: a display filter.
fn short(text: &str) -> Option<Short> {
    let mut words = text
        .split_whitespace()
        .filter(|word| !matches!(*word, "and" | "&&"));
    let (mut terms, mut state) = (vec![], HashSet::new());
    while let Some(word) = words.next() {
        let lower = word.to_ascii_lowercase();
        let term = match lower.as_str() {
            "host" | "addr" | "address" => address(words.next()?)?,
            "port" => {
                let port: u16 = words.next()?.parse().ok()?;
                format!("(tcp.port == {port} || udp.port == {port})")
            }
            "stream" => format!("tcp.stream == {}", words.next()?.parse::<u32>().ok()?),
            "flag" => flag(&words.next()?.to_ascii_lowercase())?,
            "state" => {
                state.insert(words.next()?.to_lowercase());
                continue;
            }
            name => flag(name).or_else(|| address(word))?,
        };
        terms.push(term);
    }
    (!terms.is_empty() || !state.is_empty()).then(|| Short {
        expression: terms.join(" && "),
        state,
    })
}

fn address(text: &str) -> Option<String> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => format!("ip.addr == {address}"),
        IpAddr::V6(address) => format!("ipv6.addr == {address}"),
    })
}

fn flag(name: &str) -> Option<String> {
    let field = match name {
        "syn" => "syn",
        "fin" => "fin",
        "rst" | "reset" => "reset",
        "psh" | "push" => "push",
        "ack" => "ack",
        "urg" => "urg",
        "ece" => "ece",
        "cwr" => "cwr",
        _ => return None,
    };
    Some(format!("tcp.flags.{field} == 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_become_a_display_filter() {
        let expression = |text| short(text).map(|short| short.expression);
        let is =
            |text, wanted: &str| assert_eq!(expression(text).as_deref(), Some(wanted), "{text}");
        is("host 10.0.0.1", "ip.addr == 10.0.0.1");
        is("::1", "ipv6.addr == ::1");
        is(
            "port 80 and flag RST",
            "(tcp.port == 80 || udp.port == 80) && tcp.flags.reset == 1",
        );
        is("syn stream 3", "tcp.flags.syn == 1 && tcp.stream == 3");
        assert!(short("state rej port 1").unwrap().state.contains("rej"));
        for other in [
            "tcp.port == 80",
            "tcp",
            "port",
            "port http",
            "!tcp.flags.syn",
            "",
        ] {
            assert_eq!(expression(other), None, "{other}");
        }
        let all = expression("host ::1 port 5 stream 0 syn fin rst psh ack urg ece cwr").unwrap();
        assert!(Filter::parse(&all).is_ok(), "{all}");
    }
}
