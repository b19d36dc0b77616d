//! Frames and capture files, byte by byte: what a builder library refuses to build is what is
//! tested here.

/// A TCP header and `hello`.
pub fn tcp() -> Vec<u8> {
    tcp_with(5, b"hello")
}

/// A TCP segment with a data offset that may be a lie.
pub fn tcp_with(offset: u16, data: &[u8]) -> Vec<u8> {
    let mut b = vec![];
    for word in [1000u16, 2000, 0, 1, 0, 2, offset << 12 | 0x18, 500, 0, 0] {
        b.extend(word.to_be_bytes());
    }
    b.extend_from_slice(data);
    b
}

pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut b = vec![];
    for word in [40000, port, 8 + payload.len() as u16, 0] {
        b.extend(word.to_be_bytes());
    }
    b.extend_from_slice(payload);
    b
}

/// The fields of an IPv4 header that the cases vary.
pub struct V4 {
    pub protocol: u8,
    pub total: Option<u16>,
    pub first: u8,
    pub fragment: u16,
    pub id: u16,
    pub options: &'static [u8],
}

pub const V4: V4 = V4 {
    protocol: 6,
    total: None,
    first: 0x45,
    fragment: 0,
    id: 7,
    options: &[],
};

impl V4 {
    pub fn of(&self, payload: &[u8]) -> Vec<u8> {
        let len = 20 + self.options.len() + payload.len();
        let first = self.first + (self.options.len() / 4) as u8;
        let mut b = vec![first, 0];
        b.extend(self.total.unwrap_or(len as u16).to_be_bytes());
        b.extend(self.id.to_be_bytes());
        b.extend(self.fragment.to_be_bytes());
        b.extend([64, self.protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        b.extend_from_slice(self.options);
        b.extend_from_slice(payload);
        b
    }
}

pub fn ip() -> Vec<u8> {
    V4.of(&tcp())
}

pub fn ip_proto(protocol: u8, payload: &[u8]) -> Vec<u8> {
    V4 { protocol, ..V4 }.of(payload)
}

pub fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    v6_len(next, payload, payload.len() as u16)
}

pub fn v6_len(next: u8, payload: &[u8], len: u16) -> Vec<u8> {
    let mut b = vec![0x60, 0, 0, 0];
    b.extend(len.to_be_bytes());
    b.extend([next, 64]);
    for last in [1, 2] {
        b.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    b.extend_from_slice(payload);
    b
}

pub fn ether_type(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut b = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    b.extend(kind.to_be_bytes());
    b.extend_from_slice(payload);
    b
}

pub fn ether(payload: &[u8]) -> Vec<u8> {
    ether_type(0x0800, payload)
}

pub fn ether6(payload: &[u8]) -> Vec<u8> {
    ether_type(0x86dd, payload)
}

/// LLC and SNAP before an IPv4 packet.
pub fn llc() -> Vec<u8> {
    cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ip()])
}

/// An 802.11 frame with a header of `header` bytes.
pub fn wifi(control: u16, header: usize, body: &[u8]) -> Vec<u8> {
    let mut b = control.to_le_bytes().to_vec();
    b.resize(header, 0);
    b.extend_from_slice(body);
    b
}

pub fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// One frame of a file, with a name for the message when it fails.
pub struct Case {
    pub name: String,
    pub data: Vec<u8>,
    pub wire_len: Option<u32>,
}

pub fn case(name: impl Into<String>, data: Vec<u8>) -> Case {
    Case {
        name: name.into(),
        data,
        wire_len: None,
    }
}

/// The same, but only `captured` bytes of it are in the file.
pub fn snapped(name: impl Into<String>, mut data: Vec<u8>, captured: usize) -> Case {
    let wire_len = Some(data.len() as u32);
    data.truncate(captured);
    Case {
        name: name.into(),
        data,
        wire_len,
    }
}

/// A little-endian µs pcap file.
pub fn pcap(link: u32, cases: &[Case]) -> Vec<u8> {
    let mut b = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    b.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    b.extend(link.to_le_bytes());
    for (i, case) in cases.iter().enumerate() {
        let len = case.data.len() as u32;
        for word in [
            1_600_000_000 + i as u32,
            5,
            len,
            case.wire_len.unwrap_or(len),
        ] {
            b.extend(word.to_le_bytes());
        }
        b.extend_from_slice(&case.data);
    }
    b
}
