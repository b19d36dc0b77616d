//! A capture file made by hand: connections of every kind, and what is no TCP.

use std::net::IpAddr;

use etherparse::{IpNumber, PacketBuilder, TcpOptionElement};

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

/// A microsecond pcap of Ethernet frames, a millisecond apart.
pub struct Capture {
    pub bytes: Vec<u8>,
    micros: u32,
    snaplen: usize,
}

/// One end's address and port.
pub type End = (&'static str, u16);

impl Capture {
    pub fn new() -> Capture {
        Capture::snapped(65_535)
    }

    /// Frames are cut to so many bytes.
    pub fn snapped(snaplen: usize) -> Capture {
        let mut bytes = vec![];
        for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, snaplen as u32, 1] {
            bytes.extend(word.to_le_bytes());
        }
        Capture {
            bytes,
            micros: 0,
            snaplen,
        }
    }

    /// A frame as it is.
    pub fn frame(&mut self, frame: &[u8]) {
        self.micros += 1000;
        let kept = frame.len().min(self.snaplen);
        let [seconds, micros] = [self.micros / 1_000_000, self.micros % 1_000_000];
        for word in [
            1_700_000_000 + seconds,
            micros,
            kept as u32,
            frame.len() as u32,
        ] {
            self.bytes.extend(word.to_le_bytes());
        }
        self.bytes.extend_from_slice(&frame[..kept]);
    }

    /// Time passes.
    pub fn wait(&mut self, millis: u32) {
        self.micros += millis * 1000;
    }

    fn ip(src: &str, dst: &str) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
        let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
        match (src.parse().unwrap(), dst.parse().unwrap()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => ethernet.ipv4(src.octets(), dst.octets(), 64),
            (IpAddr::V6(src), IpAddr::V6(dst)) => ethernet.ipv6(src.octets(), dst.octets(), 64),
            _ => panic!("two families"),
        }
    }

    /// A TCP segment; a SYN has the usual options.
    pub fn tcp(&mut self, src: End, dst: End, flags: u8, seq: u32, ack: u32, data: &[u8]) {
        let mut step = Capture::ip(src.0, dst.0).tcp(src.1, dst.1, seq, 64_240);
        for (flag, set) in [
            (
                FIN,
                etherparse::PacketBuilderStep::<etherparse::TcpHeader>::fin as fn(_) -> _,
            ),
            (
                SYN,
                etherparse::PacketBuilderStep::<etherparse::TcpHeader>::syn,
            ),
            (
                RST,
                etherparse::PacketBuilderStep::<etherparse::TcpHeader>::rst,
            ),
            (
                PSH,
                etherparse::PacketBuilderStep::<etherparse::TcpHeader>::psh,
            ),
        ] {
            if flags & flag != 0 {
                step = set(step);
            }
        }
        if flags & ACK != 0 {
            step = step.ack(ack);
        }
        if flags & SYN != 0 {
            step = step
                .options(&[
                    TcpOptionElement::MaximumSegmentSize(1460),
                    TcpOptionElement::SelectiveAcknowledgementPermitted,
                    TcpOptionElement::Noop,
                    TcpOptionElement::WindowScale(7),
                ])
                .unwrap();
        }
        let mut frame = vec![];
        step.write(&mut frame, data).unwrap();
        self.frame(&frame);
    }

    pub fn udp(&mut self, src: End, dst: End, data: &[u8]) {
        let mut frame = vec![];
        let step = Capture::ip(src.0, dst.0).udp(src.1, dst.1);
        step.write(&mut frame, data).unwrap();
        self.frame(&frame);
    }

    /// An IP datagram of another protocol.
    pub fn other(&mut self, src: &str, dst: &str, protocol: u8, data: &[u8]) {
        let mut frame = vec![];
        let step = Capture::ip(src, dst);
        step.write(&mut frame, IpNumber(protocol), data).unwrap();
        self.frame(&frame);
    }
}

/// Both ends of a connection and where their numbers are.
pub struct Talk<'a> {
    pub capture: &'a mut Capture,
    pub ends: [End; 2],
    pub next: [u32; 2],
}

impl Talk<'_> {
    /// What `from` (0 the client) sends next.
    pub fn send(&mut self, from: usize, flags: u8, data: &[u8]) {
        let seq = self.next[from];
        self.at(from, flags, seq, data);
        let control = u32::from(flags & (SYN | FIN) != 0);
        self.next[from] = seq.wrapping_add(data.len() as u32 + control);
    }

    /// The same with another sequence number; nothing moves on.
    pub fn at(&mut self, from: usize, flags: u8, seq: u32, data: &[u8]) {
        let (src, dst) = (self.ends[from], self.ends[1 - from]);
        let ack = if flags & ACK == 0 {
            0
        } else {
            self.next[1 - from]
        };
        self.capture.tcp(src, dst, flags, seq, ack, data);
    }

    /// Bytes that are sent and that the capture does not have.
    pub fn lose(&mut self, from: usize, count: u32) {
        self.next[from] = self.next[from].wrapping_add(count);
    }

    pub fn handshake(&mut self) {
        self.send(0, SYN, b"");
        self.send(1, SYN | ACK, b"");
        self.send(0, ACK, b"");
    }

    /// The client closes, then the server.
    pub fn close(&mut self) {
        self.send(0, FIN | ACK, b"");
        self.send(1, FIN | ACK, b"");
        self.send(0, ACK, b"");
    }
}

const SERVER: End = ("192.168.1.1", 80);

/// A little of everything. Streams: 0 a request with a retransmission and its answer, 1 refused,
/// 2 never answered, 3 over IPv6 with bytes that the capture has not, 4 reset.
pub fn everything() -> Vec<u8> {
    let mut capture = Capture::new();
    let mut talk = |ends, isn: [u32; 2], body: &dyn Fn(&mut Talk<'_>)| {
        body(&mut Talk {
            capture: &mut capture,
            ends,
            next: isn,
        });
    };
    talk([("10.0.0.1", 40_000), SERVER], [999, u32::MAX - 4], &|t| {
        t.handshake();
        let at = t.next[0];
        t.send(0, PSH | ACK, b"GET / HTTP/1.0\r\n\r\n");
        t.capture.wait(250);
        t.at(0, PSH | ACK, at, b"GET / HTTP/1.0\r\n\r\n");
        t.send(
            1,
            PSH | ACK,
            "HTTP/1.0 200 OK\r\n\r\n\u{e4}\u{1b}[31m\0".as_bytes(),
        );
        t.send(0, ACK, b"");
        t.close();
    });
    talk([("10.0.0.1", 40_001), ("192.168.1.1", 81)], [7, 0], &|t| {
        t.send(0, SYN, b"");
        t.send(1, RST | ACK, b"");
    });
    talk([("10.0.0.1", 40_002), ("192.168.1.9", 80)], [7, 0], &|t| {
        t.at(0, SYN, 7, b"");
        t.capture.wait(1000);
        t.at(0, SYN, 7, b"");
    });
    talk(
        [("2001:db8::1", 40_003), ("2001:db8::2", 443)],
        [50, 70],
        &|t| {
            t.handshake();
            t.send(0, PSH | ACK, b"hello");
            t.send(1, ACK, b"abc");
            t.lose(1, 1000);
            t.send(1, PSH | ACK, b"xyz");
            t.send(0, ACK, b"");
        },
    );
    talk([("10.0.0.1", 40_004), SERVER], [1, 2], &|t| {
        t.handshake();
        t.send(0, PSH | ACK, b"stop");
        t.send(1, RST | ACK, b"");
    });
    capture.udp(("10.0.0.1", 5353), ("10.0.0.2", 53), b"question");
    capture.udp(("10.0.0.2", 53), ("10.0.0.1", 5353), b"a longer answer");
    capture.other("10.0.0.1", "10.0.0.2", 132, b"\0\0\0\0\0\0\0\0\0\0\0\0");
    capture.frame(&[&[2; 12][..], &[8, 6], &[0; 28]].concat());
    capture.bytes
}
