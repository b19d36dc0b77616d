//! A capture with something of everything that filters can ask for.

use std::io::Write;
use std::path::Path;

use etherparse::{PacketBuilder, TcpHeader, TcpOptionElement as Opt};

const S: u8 = 2;
const A: u8 = 16;
const P: u8 = 8;
const F: u8 = 1;
const R: u8 = 4;

/// Frames with their times in ns.
#[derive(Default)]
pub struct Capture {
    pub frames: Vec<(i64, Vec<u8>)>,
    time: i64,
}

/// One TCP connection being written down.
struct Talk {
    v6: bool,
    ports: [u16; 2],
    next: [u32; 2],
    options: Vec<Opt>,
    window: u16,
}

impl Capture {
    fn push(&mut self, bytes: Vec<u8>) {
        // Gaps of many sizes, to the nanosecond.
        let n = self.frames.len() as i64;
        self.time += [100_000, 1_000_123, 7, 40_000_000, 250_000_001][n as usize % 5];
        self.frames
            .push((1_700_000_000_100_000_000 + self.time, bytes));
    }

    fn tcp(&mut self, talk: &mut Talk, from: usize, flags: u8, payload: &[u8]) {
        let (seq, ack) = (talk.next[from], talk.next[1 - from]);
        self.raw(talk, from, flags, seq, ack, payload);
        let control = u32::from(flags & (S | F) != 0);
        talk.next[from] = seq.wrapping_add(payload.len() as u32 + control);
    }

    fn raw(&mut self, talk: &Talk, from: usize, flags: u8, seq: u32, ack: u32, payload: &[u8]) {
        let ports = [talk.ports[from], talk.ports[1 - from]];
        let mut header = TcpHeader::new(ports[0], ports[1], seq, talk.window);
        header.fin = flags & F != 0;
        header.syn = flags & S != 0;
        header.rst = flags & R != 0;
        header.psh = flags & P != 0;
        header.ack = flags & A != 0;
        header.acknowledgment_number = if header.ack { ack } else { 0 };
        header.urg = flags & 32 != 0;
        header.urgent_pointer = if header.urg { 3 } else { 0 };
        header.ece = flags & 64 != 0;
        header.cwr = flags & 128 != 0;
        header.ns = header.urg;
        header.set_options(&talk.options).expect("few options");
        let mut bytes = vec![];
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let last = |side: usize| 1 + side as u8;
        let (src, dst) = (last(from), last(1 - from));
        if talk.v6 {
            let address = |n: u8| [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n];
            let builder = builder.ipv6(address(src), address(dst), 60 + src);
            let builder = builder.tcp_header(header);
            builder.write(&mut bytes, payload).expect("built");
        } else {
            let builder = builder.ipv4([127, 0, 0, src], [127, 0, 0, dst], 63 + src);
            let builder = builder.tcp_header(header);
            builder.write(&mut bytes, payload).expect("built");
        }
        self.push(bytes);
    }

    fn open(&mut self, talk: &mut Talk, options: [Vec<Opt>; 3]) {
        let [syn, syn_ack, later] = options;
        talk.options = syn;
        self.tcp(talk, 0, S, b"");
        talk.options = syn_ack;
        self.tcp(talk, 1, S | A, b"");
        talk.options = later;
        self.tcp(talk, 0, A, b"");
    }

    fn udp(&mut self, v6: bool, ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![];
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        if v6 {
            let builder = builder.ipv6([0; 16], [1; 16], 9).udp(ports[0], ports[1]);
            builder.write(&mut bytes, payload).expect("built");
        } else {
            let builder = builder.ipv4([10, 0, 0, 1], [10, 0, 0, 9], 33);
            let builder = builder.udp(ports[0], ports[1]);
            builder.write(&mut bytes, payload).expect("built");
        }
        self.push(bytes.clone());
        bytes
    }

    fn icmp(&mut self, kind: u8, code: u8, payload: &[u8]) {
        let mut bytes = vec![];
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let builder = builder.ipv4([10, 0, 0, 9], [10, 0, 0, 1], 64);
        let builder = builder.icmpv4_raw(kind, code, [0; 4]);
        builder.write(&mut bytes, payload).expect("built");
        self.push(bytes);
    }

    fn icmpv6(&mut self, kind: u8, code: u8, payload: &[u8]) {
        let mut bytes = vec![];
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let builder = builder.ipv6([1; 16], [0; 16], 64);
        let builder = builder.icmpv6_raw(kind, code, [0; 4]);
        builder.write(&mut bytes, payload).expect("built");
        self.push(bytes);
    }

    /// Splits an IPv4 datagram in two fragments.
    fn fragments(&mut self, whole: &[u8]) {
        let (head, payload) = whole.split_at(34);
        let middle = payload.len() / 2 / 8 * 8;
        for (part, word) in [
            (&payload[..middle], 0x2000u16),
            (&payload[middle..], (middle / 8) as u16),
        ] {
            let mut bytes = head.to_vec();
            bytes[16..18].copy_from_slice(&(20 + part.len() as u16).to_be_bytes());
            bytes[18..20].copy_from_slice(&[0x4d, 0x4d]);
            bytes[20..22].copy_from_slice(&word.to_be_bytes());
            bytes.extend_from_slice(part);
            self.push(bytes);
        }
    }

    /// All of it.
    pub fn build() -> Capture {
        let mut c = Capture::default();
        let stamps = |a, b| Opt::Timestamp(a, b);
        let full = |a, b| {
            vec![
                Opt::MaximumSegmentSize(65_495),
                Opt::SelectiveAcknowledgementPermitted,
                stamps(a, b),
                Opt::Noop,
                Opt::WindowScale(7),
            ]
        };
        let plain = |a, b| vec![Opt::Noop, Opt::Noop, stamps(a, b)];
        // An echo with everything, over both versions of IP.
        for (v6, port) in [(false, 40_000), (true, 40_001)] {
            let mut t = Talk {
                v6,
                ports: [port, 5000],
                next: [1000, 4_294_967_290],
                options: vec![],
                window: 512,
            };
            c.open(&mut t, [full(5, 0), full(6, 5), plain(7, 6)]);
            c.tcp(&mut t, 0, P | A, b"Hello GET /\r\n");
            c.tcp(&mut t, 1, A, b"");
            c.tcp(&mut t, 1, P | A, b"world\0\xff$");
            c.tcp(&mut t, 0, A, b"");
            // The same again, early enough for a fast one, and late.
            let (seq, ack) = (t.next[1].wrapping_sub(8), t.next[0]);
            c.raw(&t, 1, P | A, seq, ack, b"world\0\xff$");
            // A hole, duplicate ACKs with SACK, and what fills the hole.
            let hole = t.next[0];
            t.next[0] = t.next[0].wrapping_add(100);
            c.tcp(&mut t, 0, P | A, &[b'x'; 50]);
            t.options = vec![Opt::SelectiveAcknowledgement(
                (hole + 100, hole + 150),
                [None; 3],
            )];
            for _ in 0..3 {
                c.raw(&t, 1, A, t.next[1], hole, b"");
            }
            t.options = vec![];
            c.raw(&t, 0, A, hole, t.next[1], &[b'y'; 100]);
            c.tcp(&mut t, 1, A, b"");
            // Zero window, probe, answer, update; keep-alive.
            t.window = 0;
            c.tcp(&mut t, 1, A, b"");
            t.window = 512;
            c.raw(&t, 0, A, t.next[0], t.next[1], b"z");
            t.window = 0;
            c.tcp(&mut t, 1, A, b"");
            t.window = 1000;
            c.tcp(&mut t, 1, A, b"");
            c.raw(&t, 0, A, t.next[0].wrapping_sub(1), t.next[1], b"");
            c.tcp(&mut t, 1, A, b"");
            c.tcp(&mut t, 0, 32 | 64 | 128 | A, b"urgent");
            c.tcp(&mut t, 0, F | A, b"");
            c.tcp(&mut t, 1, F | A, b"");
            c.tcp(&mut t, 0, A, b"");
        }
        // Refused, aborted, without window scaling, from the middle, ports used again.
        let talk = |ports: [u16; 2]| Talk {
            v6: false,
            ports,
            next: [77, 99],
            options: vec![],
            window: 65_535,
        };
        let mut t = talk([40_010, 81]);
        c.tcp(&mut t, 0, S, b"");
        c.tcp(&mut t, 1, R | A, b"");
        let mut t = talk([40_011, 5000]);
        let syn = || vec![Opt::MaximumSegmentSize(1460)];
        c.open(&mut t, [syn(), syn(), vec![]]);
        c.tcp(&mut t, 0, P | A, b"unread");
        c.tcp(&mut t, 1, R | A, b"");
        let mut t = talk([40_012, 5000]);
        c.tcp(&mut t, 1, P | A, b"from the middle\n");
        c.tcp(&mut t, 0, A, b"");
        c.tcp(&mut t, 0, R, b"");
        let mut t = talk([40_011, 5000]);
        t.next = [500_000, 600_000];
        c.open(&mut t, [full(1, 0), syn(), vec![]]);
        c.tcp(&mut t, 0, A | F, b"bye");
        c.tcp(&mut t, 1, R, b"");
        // UDP, its errors, fragments.
        let datagram = c.udp(false, [40_020, 5001], b"Hello datagram");
        c.icmp(3, 3, &datagram[14..]);
        c.icmp(11, 0, &datagram[14..42]);
        c.icmp(8, 0, b"ping");
        c.udp(false, [5001, 40_020], b"");
        let datagram = c.udp(true, [40_021, 5001], b"Hello six");
        c.icmpv6(1, 4, &datagram[14..]);
        c.icmpv6(128, 0, b"ping");
        let long = c.udp(false, [40_022, 5002], &[b'f'; 64]);
        c.frames.pop();
        c.fragments(&long);
        let mut t = talk([40_012, 5000]);
        t.next = [77, 115];
        c.tcp(&mut t, 1, P | A, &[b'g'; 64]);
        let (_, whole) = c.frames.pop().expect("just pushed");
        c.fragments(&whole);
        c
    }

    /// Writes a pcap file with nanoseconds.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
        let words: [u32; 6] = [0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, 1];
        for word in words {
            out.write_all(&word.to_le_bytes())?;
        }
        for (time, bytes) in &self.frames {
            let len = bytes.len() as u32;
            let (s, ns) = (time / 1_000_000_000, time % 1_000_000_000);
            for word in [s as u32, ns as u32, len, len] {
                out.write_all(&word.to_le_bytes())?;
            }
            out.write_all(bytes)?;
        }
        out.flush()
    }
}
