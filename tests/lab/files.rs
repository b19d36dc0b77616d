//! Capture files, with Wireshark's tools as witnesses.

use std::net::IpAddr;
use std::path::Path;

use lab_capture::capture::live::SNAPLEN;
use lab_capture::capture::write::{PcapWriter, PcapngInfo, PcapngWriter};
use lab_capture::capture::{Frame, Stats};
use lab_capture::wire::LinkType;
use libtest_mimic::Trial;

use crate::util::tool;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("pcap_is_read_by_tshark_and_capinfos", || {
            pcap();
            Ok(())
        }),
        Trial::test("pcapng_is_read_by_tshark_and_capinfos", || {
            pcapng();
            Ok(())
        }),
    ]
}

/// A TCP SYN, built by etherparse.
fn syn() -> Vec<u8> {
    let mut bytes = Vec::new();
    etherparse::PacketBuilder::ethernet2([0; 6], [0; 6])
        .ipv4([127, 0, 0, 1], [127, 0, 0, 1], 64)
        .tcp(40_000, 5000, 1, 65_535)
        .syn()
        .write(&mut bytes, b"")
        .unwrap();
    bytes
}

const TIME: i64 = 1_700_000_000_123_456_789;

fn frame(number: u64, data: &[u8]) -> Frame<'_> {
    Frame {
        number,
        time: TIME + number as i64,
        link: LinkType::ETHERNET,
        wire_len: data.len() as u32 + 100,
        data,
    }
}

fn fields(path: &Path, names: &[&str]) -> Vec<String> {
    let mut arguments = vec!["-r", path.to_str().unwrap(), "-T", "fields"];
    for name in names {
        arguments.extend(["-e", name]);
    }
    tool("tshark", &arguments)
        .lines()
        .map(str::to_owned)
        .collect()
}

fn pcap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/close.pcap");
    let data = syn();
    let mut writer = PcapWriter::create(&path, LinkType::ETHERNET, SNAPLEN).unwrap();
    for number in 1..=3 {
        writer.write(&frame(number, &data)).unwrap();
    }
    assert!(!path.exists(), "not before it is finished");
    assert_eq!(writer.finish().unwrap(), path);
    assert_eq!(
        fields(
            &path,
            &[
                "frame.time_epoch",
                "frame.len",
                "frame.cap_len",
                "tcp.flags.str"
            ]
        ),
        (1..=3)
            .map(|n| format!("1700000000.12345679{}\t154\t54\t··········S·", n - 1))
            .collect::<Vec<_>>()
    );
    let infos = tool("capinfos", &["-M", path.to_str().unwrap()]);
    for line in [
        "File type:           Wireshark/tcpdump/... - nanosecond pcap",
        "File encapsulation:  Ethernet",
        "262144 bytes",
        "Number of packets:   3",
    ] {
        assert!(infos.contains(line), "{line:?} in\n{infos}");
    }
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "no temporary file is left"
    );
}

fn pcapng() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("close.pcapng");
    let data = syn();
    let info = PcapngInfo {
        comment: Some("close: one message".to_owned()),
        names: [(
            "127.0.0.1".parse::<IpAddr>().unwrap(),
            vec!["lab.test".to_owned()],
        )]
        .into(),
        filter: None,
    };
    let mut writer = PcapngWriter::create(&path, LinkType::ETHERNET, SNAPLEN, &info).unwrap();
    writer
        .write(&frame(1, &data), &["client-1: connect", "zwei, ✓"])
        .unwrap();
    writer.write(&frame(2, &data), &[]).unwrap();
    writer
        .statistics(
            TIME,
            Stats {
                received: 4,
                dropped: 0,
                if_dropped: 0,
            },
        )
        .unwrap();
    writer.finish().unwrap();
    assert_eq!(
        fields(
            &path,
            &["frame.time_epoch", "frame.comment", "frame.interface_name"]
        ),
        [
            "1700000000.123456790\tclient-1: connect,zwei, ✓\tlo",
            "1700000000.123456791\t\tlo"
        ]
    );
    let infos = tool("capinfos", &["-M", path.to_str().unwrap()]);
    for line in [
        "Wireshark/... - pcapng",
        "Capture comment:     close: one message",
        "Time precision:      nanoseconds (9)",
        "Capture application: lab-capture",
        "Name = lo",
        "Number of packets = 2",
    ] {
        assert!(infos.contains(line), "{line:?} in\n{infos}");
    }
}
