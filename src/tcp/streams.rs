//! The two byte streams of a connection, put together from its segments in capture order.

use std::collections::BTreeMap;

use super::{Side, Tracked};
use crate::wire::{Flags, Segment};

/// Bytes of one direction that wait behind a hole; beyond it the hole is given up.
const MAX_HELD: usize = 8 << 20;
/// Counted for each waiting part beside its bytes.
const OVERHEAD: usize = 96;
/// A hole that was acknowledged is given up when so many segments of the connection came after
/// the acknowledgement: captures of several interfaces or CPUs have segments in the wrong order.
const PATIENCE: u32 = 32;

/// A part of a stream. Parts come in the order of the stream, without overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes, those that were sent first where a retransmission has others.
    Data(&'a [u8]),
    /// So many bytes that the capture does not hold.
    Missing(u64, Why),
}

/// Why bytes are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Their segment is not in the capture.
    Unseen,
    /// Their segment is there, cut by the snapshot length.
    Snapped,
}

/// Puts together what both ends sent. Memory is bounded: 8 MiB wait in each direction at most.
#[derive(Debug, Default)]
pub struct Streams {
    ways: [Way; 2],
}

#[derive(Debug, Default)]
struct Way {
    /// Sequence number of the next byte to hand out; none before the first segment.
    number: Option<u32>,
    /// Its offset in the stream.
    next: u64,
    /// What the other side acknowledged, as an offset; may count the FIN.
    acked: u64,
    /// The offset of the FIN.
    fin: Option<u64>,
    /// Segments since a hole was acknowledged.
    patience: u32,
    /// By offset: bytes, and how many more were cut.
    waiting: BTreeMap<u64, (Vec<u8>, u32)>,
    held: usize,
}

impl Streams {
    /// Takes the connection's next segment and hands out what follows without a hole.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn take<E>(
        &mut self,
        segment: &Segment<'_>,
        tracked: &Tracked,
        mut out: impl FnMut(Side, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (from, flags) = (tracked.from, segment.flags);
        let way = &mut self.ways[from.index()];
        if way.number.is_none() {
            way.number = Some(segment.seq.0.wrapping_sub(tracked.seq).wrapping_add(1));
        }
        let first = segment
            .seq
            .0
            .wrapping_add(flags.contains(Flags::SYN).into());
        let captured = (segment.payload.len() as u32).min(segment.len);
        // What a RST carries is a remark, not a part of the stream.
        if segment.len > 0 && !flags.contains(Flags::RST) {
            way.add(first, segment.payload, segment.len - captured);
        }
        if let (true, Some(end)) = (
            flags.contains(Flags::FIN),
            way.offset(first.wrapping_add(segment.len)),
        ) {
            way.fin.get_or_insert(end);
        }
        way.hand_out(|piece| out(from, piece))?;
        if flags.contains(Flags::ACK) {
            self.ways[from.other().index()].acknowledge(segment.ack.0);
        }
        for side in [Side::Client, Side::Server] {
            self.ways[side.index()].give_up(|piece| out(side, piece))?;
        }
        Ok(())
    }

    /// Hands out what is left, holes and all.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish<E>(
        &mut self,
        mut out: impl FnMut(Side, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for side in [Side::Client, Side::Server] {
            let way = &mut self.ways[side.index()];
            while !way.waiting.is_empty() {
                way.skip(|piece| out(side, piece))?;
            }
            // Without a FIN, the last number acknowledged may be that of one that is not there.
            let end = match way.fin {
                Some(fin) => fin.min(way.acked),
                None => way.acked.saturating_sub(1),
            };
            if end > way.next {
                out(side, Piece::Missing(end - way.next, Why::Unseen))?;
                way.next = end;
            }
        }
        Ok(())
    }
}

impl Way {
    /// The offset of a sequence number; none before the first byte.
    fn offset(&self, number: u32) -> Option<u64> {
        let distance = number.wrapping_sub(self.number?) as i32;
        self.next.checked_add_signed(distance.into())
    }

    fn add(&mut self, first: u32, mut bytes: &[u8], cut: u32) {
        let Some(number) = self.number else { return };
        let distance = first.wrapping_sub(number) as i32;
        let mut cut = cut as usize;
        if distance < 0 {
            // Seen before, at least its beginning.
            let old = distance.unsigned_abs() as usize;
            if old >= bytes.len() + cut {
                return;
            }
            cut -= old.saturating_sub(bytes.len());
            bytes = bytes.get(old..).unwrap_or(&[]);
        }
        let offset = self.next + distance.max(0) as u64;
        let size = |(bytes, cut): &(Vec<u8>, u32)| bytes.len() + *cut as usize;
        if let Some(known) = self.waiting.get(&offset) {
            if size(known) >= bytes.len() + cut {
                return;
            }
            self.held -= known.0.len() + OVERHEAD;
        }
        self.held += bytes.len() + OVERHEAD;
        self.waiting.insert(offset, (bytes.to_vec(), cut as u32));
    }

    fn hand_out<E>(&mut self, mut out: impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        while let Some(entry) = self.waiting.first_entry()
            && *entry.key() <= self.next
        {
            let (offset, (bytes, cut)) = entry.remove_entry();
            self.held -= bytes.len() + OVERHEAD;
            let old = (self.next - offset) as usize;
            if let Some(new) = bytes.get(old..).filter(|new| !new.is_empty()) {
                out(Piece::Data(new))?;
            }
            let whole = bytes.len() + cut as usize;
            let cut = whole.saturating_sub(old.max(bytes.len()));
            if cut > 0 {
                out(Piece::Missing(cut as u64, Why::Snapped))?;
            }
            self.forward(whole.saturating_sub(old) as u64);
        }
        if self.waiting.is_empty() {
            self.patience = 0;
        }
        Ok(())
    }

    fn forward(&mut self, by: u64) {
        self.next += by;
        self.number = self.number.map(|number| number.wrapping_add(by as u32));
    }

    fn acknowledge(&mut self, number: u32) {
        if let Some(offset) = self.offset(number) {
            self.acked = self.acked.max(offset);
        }
    }

    /// Gives a hole up, if there is reason to.
    fn give_up<E>(&mut self, mut out: impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if self.acked > self.next {
            self.patience += 1;
        }
        while self.held > MAX_HELD {
            self.skip(&mut out)?;
        }
        if self.patience > PATIENCE {
            self.patience = 0;
            self.skip(&mut out)?;
        }
        Ok(())
    }

    fn skip<E>(&mut self, mut out: impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        if let Some((&offset, _)) = self.waiting.first_key_value() {
            let hole = offset.saturating_sub(self.next);
            if hole > 0 {
                out(Piece::Missing(hole, Why::Unseen))?;
                self.forward(hole);
            }
        }
        self.hand_out(out)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::tcp::Tracker;
    use crate::wire::{Options, SeqNumber};

    /// What comes out, as text: bytes, `<n>` for n unseen ones, `{n}` for n cut ones.
    #[derive(Default)]
    struct Talk {
        tracker: Tracker,
        streams: Streams,
        frame: u64,
        text: [String; 2],
    }

    impl Talk {
        /// `from` 0 is the client; `cut` bytes of the payload are not captured.
        fn send(&mut self, from: u8, flags: Flags, seq: u32, ack: u32, data: &[u8], cut: usize) {
            let address = |n: u8| IpAddr::V4(Ipv4Addr::new(10, 0, 0, n));
            let ports = [40_000, 80];
            let segment = Segment {
                src: address(from),
                dst: address(1 - from),
                src_port: ports[usize::from(from)],
                dst_port: ports[1 - usize::from(from)],
                seq: SeqNumber(seq),
                ack: SeqNumber(ack),
                flags,
                window: 1000,
                urgent: 0,
                options: Options::default(),
                header_len: 20,
                len: data.len() as u32,
                payload: &data[..data.len() - cut],
                checksum: 0,
                ip_id: 0,
                ttl: 64,
            };
            self.frame += 1;
            let tracked = self.tracker.push(self.frame, self.frame as i64, &segment);
            let text = &mut self.text;
            let taken = self
                .streams
                .take(&segment, &tracked, |side, piece| write(text, side, piece));
            assert_eq!(taken, Ok(()));
        }

        fn finish(mut self) -> [String; 2] {
            let text = &mut self.text;
            let done = self.streams.finish(|side, piece| write(text, side, piece));
            assert_eq!(done, Ok(()));
            self.text
        }
    }

    fn write(text: &mut [String; 2], side: Side, piece: Piece<'_>) -> Result<(), Infallible> {
        let text = &mut text[side.index()];
        match piece {
            Piece::Data(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            Piece::Missing(n, Why::Unseen) => text.push_str(&format!("<{n}>")),
            Piece::Missing(n, Why::Snapped) => text.push_str(&format!("{{{n}}}")),
        }
        Ok(())
    }

    /// A handshake whose client's stream begins just before the numbers wrap.
    fn talk() -> Talk {
        let mut t = Talk::default();
        t.send(0, Flags::SYN, u32::MAX - 3, 0, b"", 0);
        t.send(1, Flags::SYN | Flags::ACK, 99, u32::MAX - 2, b"", 0);
        t
    }

    const FIRST: u32 = u32::MAX - 2;

    #[test]
    fn order_overlap_and_wrap() {
        let mut t = talk();
        let at = |n: u32| FIRST.wrapping_add(n);
        t.send(0, Flags::ACK, at(6), 100, b"ghi", 0);
        t.send(0, Flags::ACK, at(3), 100, b"def", 0);
        assert_eq!(t.text[0], "");
        t.send(0, Flags::ACK, at(0), 100, b"abcd", 0);
        assert_eq!(t.text[0], "abcdefghi");
        // A retransmission with more behind it, and one with other bytes.
        t.send(0, Flags::ACK, at(6), 100, b"GHIjk", 0);
        t.send(0, Flags::ACK, at(0), 100, b"x", 0);
        t.send(1, Flags::ACK, 100, at(11), b"answer", 0);
        t.send(0, Flags::FIN | Flags::ACK, at(11), 106, b"", 0);
        t.send(1, Flags::ACK, 106, at(12), b"", 0);
        assert_eq!(t.finish(), ["abcdefghijk", "answer"].map(String::from));
    }

    #[test]
    fn holes_are_told_and_so_are_cut_payloads() {
        let mut t = talk();
        let at = |n: u32| FIRST.wrapping_add(n);
        t.send(0, Flags::ACK, at(0), 100, b"abcdef", 2);
        t.send(0, Flags::ACK, at(10), 100, b"klm", 0);
        t.send(1, Flags::ACK, 100, at(13), b"", 0);
        assert_eq!(t.text[0], "abcd{2}");
        for n in 0..40 {
            t.send(1, Flags::ACK, 100 + n, at(13), b".", 0);
        }
        assert_eq!(t.text[0], "abcd{2}<4>klm");
        t.send(1, Flags::ACK, 140, at(20), b"", 0);
        let [client, server] = t.finish();
        assert_eq!(client, "abcd{2}<4>klm<6>");
        assert_eq!(server, ".".repeat(40));
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut t = talk();
        let block = vec![b'x'; 1 << 20];
        for n in 0..20u32 {
            t.send(
                0,
                Flags::ACK,
                FIRST.wrapping_add(1 + (n << 20)),
                100,
                &block,
                0,
            );
            assert!(t.streams.ways[0].held <= MAX_HELD + (1 << 20));
        }
        let [client, _] = t.finish();
        assert_eq!(client.len(), "<1>".len() + (20 << 20));
    }
}
