//! What a capture file holds besides TCP segments, counted while it is read.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::net::SocketAddr;

use super::buffer::Buffer;
use super::style::{BOLD, DIM, paint};
use super::tally::count;
use crate::capture::read::{Format, Reader};
use crate::timeline::Nanos;
use crate::wire::Frame;
use crate::wire::{Datagram, Packet, Reason};

/// Pairs of addresses that talk UDP are told apart up to this many.
const MAX_PAIRS: usize = 65_536;

/// Counts over a whole file.
#[derive(Debug, Default)]
pub struct Census {
    /// All frames.
    pub frames: u64,
    /// Those that are TCP segments.
    pub segments: u64,
    /// Those that are not, by the reason.
    pub others: BTreeMap<Reason, u64>,
    /// Connections shown, or written.
    pub connections: u64,
    /// Those of them that had not ended and were closed into the result to bound memory.
    pub evicted: u64,
    /// Timestamps: the first frame's, the earliest and the latest.
    first: Option<Nanos>,
    time: [Nanos; 2],
    /// UDP datagrams, their bytes, and who sent them to whom.
    datagrams: u64,
    datagram_bytes: u64,
    pairs: Pairs,
}

#[derive(Debug, Default)]
struct Pairs {
    state: RandomState,
    hashes: HashSet<u64>,
}

impl Census {
    /// Counts a frame.
    #[inline]
    pub fn count(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        self.frames += 1;
        if self.first.is_none() {
            self.first = Some(frame.time);
            self.time = [frame.time; 2];
        }
        self.time[0] = self.time[0].min(frame.time);
        self.time[1] = self.time[1].max(frame.time);
        match packet {
            Packet::Tcp(_) => self.segments += 1,
            other => self.other(other),
        }
    }

    fn other(&mut self, packet: &Packet<'_>) {
        if let Packet::Udp(datagram) = packet {
            self.datagram(datagram);
        }
        if let Some(reason) = packet.reason() {
            *self.others.entry(reason).or_default() += 1;
        }
    }

    fn datagram(&mut self, d: &Datagram<'_>) {
        self.datagrams += 1;
        self.datagram_bytes += u64::from(d.len);
        if self.pairs.hashes.len() < MAX_PAIRS {
            let (a, b) = (
                SocketAddr::new(d.src, d.src_port),
                SocketAddr::new(d.dst, d.dst_port),
            );
            let hash = self.pairs.state.hash_one((a.min(b), a.max(b)));
            self.pairs.hashes.insert(hash);
        }
    }

    /// The first frame's timestamp, from which others count; 0 if there is none.
    pub fn start(&self) -> Nanos {
        self.first.unwrap_or(0)
    }

    /// Prints the counts.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let frames = count(self.frames as usize, "frame");
        let mut line = format!(
            "{}: {}",
            paint(BOLD, &frames),
            count(self.segments as usize, "TCP segment")
        );
        if self.frames > 0 {
            let mut time = Buffer::default();
            let [from, to] = self.time;
            time.fraction(to.wrapping_sub(from), 1_000_000_000, 6);
            line.push_str(&format!(", {} s", String::from_utf8_lossy(&time.0)));
        }
        writeln!(out, "{line}")?;
        let mut others: Vec<_> = self.others.iter().collect();
        others.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        let width = others.first().map_or(1, |(_, n)| n.to_string().len());
        for (reason, n) in others {
            let mut line = format!("  {n:>width$}  {reason}");
            if *reason == Reason::Udp {
                let pairs = self.pairs.hashes.len();
                let more = if pairs >= MAX_PAIRS { "at least " } else { "" };
                line.push_str(&format!(
                    ": {} of payload between {more}{} of addresses",
                    count(self.datagram_bytes as usize, "byte"),
                    count(pairs, "pair")
                ));
            }
            writeln!(out, "{line}")?;
        }
        if self.evicted > 0 {
            let text = format!(
                "{} silent for long, listed early to bound memory; a later row of the same number, marked +, has what still came",
                count(self.evicted as usize, "connection")
            );
            writeln!(out, "{}", paint(DIM, &text))?;
        }
        Ok(())
    }

    /// The `capture` and the `summary` record.
    pub fn records(&self, b: &mut Buffer, reader: &Reader, error: Option<&str>) {
        b.text(r#"{"type":"capture","scenario":null,"file":"#);
        b.string(reader.name());
        b.text(r#","format":"#);
        b.string(&format(reader));
        let interfaces = reader.interfaces();
        b.text(r#","link":"#);
        match interfaces.first() {
            Some(interface) => b.number(interface.link.0.into()),
            None => b.text("null"),
        }
        b.text(r#","snaplen":"#);
        match interfaces.first() {
            Some(interface) => b.number(interface.snaplen.into()),
            None => b.text("null"),
        }
        b.text(r#","frames":"#);
        b.number(self.frames);
        b.text(r#","drops":null,"complete":null,"reasons":["#);
        let truncated = reader.truncated().map(ToString::to_string);
        for (index, reason) in truncated
            .iter()
            .map(String::as_str)
            .chain(error)
            .enumerate()
        {
            if index > 0 {
                b.byte(b',');
            }
            b.string(reason);
        }
        b.text("],\"comments\":[");
        for (index, comment) in reader.comments().iter().enumerate() {
            use crate::capture::read::Subject;
            b.text(if index > 0 { "," } else { "" });
            match comment.on {
                Subject::Section => b.text(r#"{"on":"section""#),
                Subject::Interface(n) => {
                    b.text(r#"{"on":"interface","interface":"#);
                    b.number(n as u64);
                }
                Subject::Frame(n) => {
                    b.text(r#"{"on":"frame","frame":"#);
                    b.number(n);
                }
            }
            b.text(r#","text":"#);
            b.string(&comment.text);
            b.byte(b'}');
        }
        b.text("]}\n");
        b.text(r#"{"type":"summary","frames":"#);
        b.number(self.frames);
        b.text(r#","segments":"#);
        b.number(self.segments);
        b.text(r#","connections":"#);
        b.number(self.connections);
        b.text(r#","evicted":"#);
        b.number(self.evicted);
        b.text(r#","datagrams":"#);
        b.number(self.datagrams);
        b.text(r#","others":["#);
        for (index, (reason, n)) in self.others.iter().enumerate() {
            b.text(if index > 0 {
                r#",{"reason":"#
            } else {
                r#"{"reason":"#
            });
            b.string(&reason.to_string());
            b.text(r#","frames":"#);
            b.number(*n);
            b.byte(b'}');
        }
        b.text("]}\n");
    }
}

/// `pcap`, `pcapng`, with what is special about it.
pub fn format(reader: &Reader) -> String {
    let mut words = match reader.format() {
        Format::Pcapng => "pcapng".to_owned(),
        Format::Pcap {
            nanos,
            big,
            modified,
        } => {
            let mut words = "pcap".to_owned();
            for (is, word) in [
                (nanos, ", nanoseconds"),
                (big, ", big-endian"),
                (modified, ", modified"),
            ] {
                words.push_str(if is { word } else { "" });
            }
            words
        }
    };
    if let Some(compression) = reader.compression() {
        words.push_str(&format!(", {}", compression.name()));
    }
    words
}
