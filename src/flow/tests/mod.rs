//! Tests of the canonical flow: by hand, and by a simulator of two TCP ends.

mod by_hand;
mod patterns;
mod properties;
mod redactions;
mod simulator;

use crate::tcp::{Conversation, Conversations, Side};
use crate::wire::{Flags, Options, Segment, SeqNumber};

/// Initial sequence numbers that wrap within a few bytes.
pub const ISN: [u32; 2] = [u32::MAX - 3, u32::MAX - 1];

/// One segment of a conversation in the making; `seq` and `ack` are relative, as Wireshark shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub from: Side,
    pub flags: Flags,
    pub seq: u32,
    pub ack: u32,
    pub payload: Vec<u8>,
}

/// Runs segments through the tracker, as a capture would be.
pub fn conversation(made: &[Made]) -> Conversation {
    let ends: [std::net::SocketAddr; 2] = [
        "127.0.0.1:40000".parse().unwrap(),
        "127.0.0.1:5000".parse().unwrap(),
    ];
    let mut all = Conversations::default();
    for (index, segment) in made.iter().enumerate() {
        let (own, peer) = (segment.from.index(), segment.from.other().index());
        let ack = segment.flags.contains(Flags::ACK);
        all.push(
            index as u64 + 1,
            index as i64 * 1000,
            &Segment {
                src: ends[own].ip(),
                dst: ends[peer].ip(),
                src_port: ends[own].port(),
                dst_port: ends[peer].port(),
                seq: SeqNumber(ISN[own].wrapping_add(segment.seq)),
                ack: SeqNumber(if ack {
                    ISN[peer].wrapping_add(segment.ack)
                } else {
                    0
                }),
                flags: segment.flags,
                window: 512,
                urgent: 0,
                options: Options::default(),
                header_len: 20,
                len: segment.payload.len() as u32,
                payload: &segment.payload,
                checksum: 0,
                ip_id: 0,
                ttl: 64,
            },
        );
    }
    let mut list = all.finish();
    assert_eq!(list.len(), 1, "one conversation");
    list.remove(0)
}

/// `cAP5`-like notation of the curriculum: `c`/`s`, flags S A P F R, number of payload bytes,
/// then relative seq and ack after `@` where they are not the natural ones.
pub fn script(text: &str) -> Vec<Made> {
    let mut next = [0u32; 2];
    let mut all = vec![];
    let text = text.replace("HS", "cS sAS cA");
    for word in text.split_whitespace() {
        let (word, at) = word
            .split_once('@')
            .map_or((word, None), |(word, at)| (word, Some(at)));
        let from = if word.starts_with('c') {
            Side::Client
        } else {
            Side::Server
        };
        let letters: String = word[1..].chars().filter(char::is_ascii_uppercase).collect();
        let len: u32 = word[1..]
            .trim_start_matches(|c: char| c.is_ascii_uppercase())
            .parse()
            .unwrap_or(0);
        let mut flags = Flags::empty();
        for letter in letters.chars() {
            flags |= match letter {
                'S' => Flags::SYN,
                'A' => Flags::ACK,
                'P' => Flags::PSH,
                'F' => Flags::FIN | Flags::ACK,
                'R' => Flags::RST,
                other => panic!("no flag {other}"),
            };
        }
        let (own, peer) = (from.index(), from.other().index());
        let (mut seq, mut ack) = (next[own], next[peer]);
        if let Some(at) = at {
            let (s, a) = at.split_once(',').expect("@seq,ack");
            seq = if s.is_empty() {
                seq
            } else {
                s.parse().unwrap()
            };
            ack = if a.is_empty() {
                ack
            } else {
                a.parse().unwrap()
            };
        }
        let payload = (0..len).map(|i| b'a' + ((seq + i) % 26) as u8).collect();
        all.push(Made {
            from,
            flags,
            seq,
            ack,
            payload,
        });
        let taken =
            len + u32::from(flags.contains(Flags::SYN)) + u32::from(flags.contains(Flags::FIN));
        next[own] = next[own].max(seq + taken);
    }
    all
}
