//! Random TCP exchanges: from plausible ones, with loss, reordering and duplicates, to noise.

use std::io::Write;
use std::path::Path;

use etherparse::{IpNumber, Ipv4Header, Ipv6Header, TcpHeader};
use lab_capture::wire::Flags;

/// A small generator (SplitMix64), so that a seed names an exchange.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// A segment to be written.
#[derive(Debug, Clone)]
pub struct Sent {
    pub time: i64,
    /// Which end sends: 0 or 1.
    pub from: usize,
    pub flags: Flags,
    pub seq: u32,
    pub ack: u32,
    pub len: u32,
    pub window: u16,
    pub scale: Option<u8>,
    /// A Multipath TCP option of this subtype: 2 (DSS) or 5 (MP_PRIO).
    pub mptcp: Option<u8>,
    /// Quoted in an ICMP error instead of sent.
    pub quoted: bool,
}

/// The ends of an exchange.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    pub v6: bool,
    pub host: [u8; 2],
    pub port: [u16; 2],
}

fn packet(ends: Ends, s: &Sent) -> Vec<u8> {
    let (from, to) = (s.from, 1 - s.from);
    let mut tcp = TcpHeader::new(ends.port[from], ends.port[to], s.seq, s.window);
    tcp.acknowledgment_number = s.ack;
    tcp.fin = s.flags.contains(Flags::FIN);
    tcp.syn = s.flags.contains(Flags::SYN);
    tcp.rst = s.flags.contains(Flags::RST);
    tcp.psh = s.flags.contains(Flags::PSH);
    tcp.ack = s.flags.contains(Flags::ACK);
    tcp.urg = s.flags.contains(Flags::URG);
    tcp.ece = s.flags.contains(Flags::ECE);
    tcp.cwr = s.flags.contains(Flags::CWR);
    let mut options = Vec::new();
    if let Some(shift) = s.scale {
        options.extend([3, 3, shift, 1]);
    }
    match s.mptcp {
        Some(2) => options.extend([30, 8, 0x20, 1, 0, 0, 0, 1]),
        Some(_) => options.extend([30, 3, 0x50, 1]),
        None => {}
    }
    tcp.set_options_raw(&options).expect("at most 40 bytes");
    let length = tcp.header_len() + s.len as usize;
    let mut bytes = Vec::with_capacity(60 + length);
    if ends.v6 {
        let address = ends.host.map(|host| {
            let mut address = [0u8; 16];
            address[0] = 0xfd;
            address[15] = host;
            address
        });
        Ipv6Header {
            payload_length: length as u16,
            next_header: IpNumber::TCP,
            hop_limit: 64,
            source: address[from],
            destination: address[to],
            ..Default::default()
        }
        .write(&mut bytes)
        .expect("to memory");
    } else {
        let [a, b] = [from, to].map(|end| [10, 0, 0, ends.host[end]]);
        Ipv4Header::new(length as u16, 64, IpNumber::TCP, a, b)
            .expect("fits")
            .write(&mut bytes)
            .expect("to memory");
    }
    tcp.write(&mut bytes).expect("to memory");
    bytes.resize(bytes.len() + s.len as usize, 0xff);
    if s.quoted {
        return icmp_error(&bytes);
    }
    bytes
}

/// An ICMP error of 10.9.9.9 that quotes `packet`; its length is not in the quotation's header.
fn icmp_error(packet: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let length = 8 + packet.len() as u16;
    if packet[0] >> 4 == 4 {
        Ipv4Header::new(length, 64, IpNumber::ICMP, [10, 9, 9, 9], [10, 9, 9, 8])
            .expect("fits")
            .write(&mut bytes)
            .expect("to memory");
        bytes.extend([3, 1, 0, 0, 0, 0, 0, 0]);
    } else {
        let mut address = [0xfd; 16];
        address[15] = 9;
        Ipv6Header {
            payload_length: length,
            next_header: IpNumber::IPV6_ICMP,
            hop_limit: 64,
            source: address,
            destination: address,
            ..Default::default()
        }
        .write(&mut bytes)
        .expect("to memory");
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    }
    bytes.extend(packet);
    bytes
}

/// Writes packets as a nanosecond pcap of raw IP.
pub fn write(file: &Path, packets: &[(Ends, Sent)]) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).expect("writable"));
    let mut put = |bytes: &[u8]| out.write_all(bytes).expect("written");
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 101] {
        put(&word.to_le_bytes());
    }
    for (ends, sent) in packets {
        let bytes = packet(*ends, sent);
        let (seconds, nanos) = (sent.time / 1_000_000_000, sent.time % 1_000_000_000);
        for word in [seconds as u32, nanos as u32] {
            put(&word.to_le_bytes());
        }
        for _ in 0..2 {
            put(&(bytes.len() as u32).to_le_bytes());
        }
        put(&bytes);
    }
}

/// Segments with numbers near each other and flags at random: every rule meets every other.
pub fn noise(r: &mut Rng, time: &mut i64) -> Vec<Sent> {
    let base = [
        r.pick(&[1, 1000, u32::MAX - 20, 0, 0x7fff_fff0]),
        r.pick(&[1, 5000, u32::MAX - 7, 0, 0x8000_0000]),
    ];
    let spread = r.pick(&[3, 12, 60, 3000]);
    let calm = r.pick(&[20, 60, 90]);
    let windows = [0, 0, 1, 10, 20, 100, 65535];
    let mut window = [r.pick(&windows), r.pick(&windows)];
    let mut at = base;
    let mut sent = Vec::new();
    for _ in 0..r.pick(&[4, 12, 40, 90]) {
        let from = r.below(2) as usize;
        *time += r.pick(&[
            0, 1_000, 400_000, 2_900_000, 3_000_000, 19_999_999, 20_000_000,
        ]) + r.pick(&[0, 0, 1, 300_000_000]);
        if r.chance(1) {
            *time -= 5_000_000;
        }
        if !r.chance(calm) {
            window[from] = r.pick(&windows);
        }
        let flags = if r.chance(75) {
            Flags::ACK
        } else {
            r.pick(&[
                Flags::SYN,
                Flags::SYN | Flags::ACK,
                Flags::SYN | Flags::ACK,
                Flags::FIN | Flags::ACK,
                Flags::FIN | Flags::ACK,
                Flags::FIN,
                Flags::RST,
                Flags::RST | Flags::ACK,
                Flags::PSH,
                Flags::empty(),
                Flags::SYN | Flags::FIN,
                Flags::SYN | Flags::RST,
                Flags::FIN | Flags::RST | Flags::ACK,
                Flags::ACK | Flags::URG | Flags::ECE | Flags::CWR,
            ])
        };
        let jump = |r: &mut Rng| (r.below(2 * spread + 1) as u32).wrapping_sub(spread as u32);
        let opening = flags & (Flags::SYN | Flags::ACK) == Flags::SYN;
        let seq = if opening && r.chance(60) {
            base[from]
        } else if r.chance(calm) {
            at[from]
        } else {
            at[from].wrapping_add(jump(r))
        };
        let ack = if r.chance(calm) {
            at[1 - from]
        } else if r.chance(3) {
            0
        } else {
            at[1 - from].wrapping_add(jump(r))
        };
        let len = if r.chance(50) {
            0
        } else {
            r.pick(&[1, 1, 2, 5, 10, 20, 100])
        };
        let scale = (flags.contains(Flags::SYN) && r.chance(60) || r.chance(1))
            .then(|| r.pick(&[0, 1, 2, 14, 15, 200]));
        if r.chance(85) {
            let control = u32::from(flags.intersects(Flags::SYN | Flags::FIN));
            at[from] = seq.wrapping_add(len).wrapping_add(control);
        }
        sent.push(Sent {
            time: *time,
            from,
            flags,
            seq,
            ack,
            len,
            window: window[from],
            scale,
            mptcp: None,
            quoted: false,
        });
    }
    sent
}
