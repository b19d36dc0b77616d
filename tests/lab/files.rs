//! Capture files, with Wireshark's tools as witnesses.

use std::net::IpAddr;
use std::path::Path;

use lab_capture::capture::Stats;
use lab_capture::capture::live::SNAPLEN;
use lab_capture::capture::write::{PcapWriter, PcapngInfo, PcapngWriter, WriteError};
use lab_capture::wire::Frame;
use lab_capture::wire::LinkType;
use libtest_mimic::Trial;

use crate::util::{in_namespace, tool, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("pcap_is_read_by_tshark_and_capinfos", pcap),
        trial("pcapng_is_read_by_tshark_and_capinfos", pcapng),
        trial("a_full_disk_is_told_and_leaves_nothing_behind", full),
        trial("a_folder_that_cannot_be_written_is_named", unwritable),
        trial(
            "a_file_in_the_making_is_valid_and_an_abandoned_one_is_kept",
            interrupted,
        ),
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
        "File type:           nsecpcap",
        "File encapsulation:  ether",
        "Capture length = 262144",
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
        "File type:           pcapng",
        "Capture comment:     close: one message",
        "File timestamp precision:  nanoseconds (9)",
        "Capture application: lab-capture",
        "Name = lo",
        "Number of packets = 2",
    ] {
        assert!(infos.contains(line), "{line:?} in\n{infos}");
    }
}

/// A small file system in a mount namespace that only the calling thread is in.
fn full() {
    in_namespace(|| {
        use nix::mount::{MsFlags, mount};
        use nix::sched::{CloneFlags, unshare};
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let none: Option<&str> = None;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
        let folder = tempfile::tempdir().unwrap();
        mount(
            Some("none"),
            folder.path(),
            Some("tmpfs"),
            MsFlags::empty(),
            Some("size=1m"),
        )
        .unwrap();
        let path = folder.path().join("bulk.pcap");
        let data = vec![7; 60_000];
        let mut writer = PcapWriter::create(&path, LinkType::ETHERNET, SNAPLEN).unwrap();
        let error = (1..100)
            .find_map(|number| writer.write(&frame(number, &data)).err())
            .expect("a disk of 1 MiB does not hold 6 MB");
        assert!(
            matches!(&error, WriteError::Full { path: at, .. } if *at == path),
            "{error}"
        );
        assert!(
            error.to_string().contains("no space left to write"),
            "{error}"
        );
        let again = writer.write(&frame(1, &data)).unwrap_err();
        assert!(
            again.to_string().contains("an earlier write failed"),
            "{again}"
        );
        assert!(writer.finish().is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        // Not even the header: the first thing that is told.
        std::fs::write(folder.path().join("filler"), vec![0; 1 << 20]).unwrap();
        let error = PcapWriter::create(&path, LinkType::ETHERNET, SNAPLEN).unwrap_err();
        assert!(matches!(error, WriteError::Full { .. }), "{error}");
        nix::mount::umount(folder.path()).unwrap();
    });
}

fn unwritable() {
    // Also for root: nobody makes files in /proc.
    let path = Path::new("/proc/close.pcap");
    let error = PcapWriter::create(path, LinkType::ETHERNET, SNAPLEN).unwrap_err();
    assert!(matches!(&error, WriteError::Create { path: at, .. } if at == path));
    assert!(
        error
            .to_string()
            .starts_with("cannot create /proc/close.pcap: "),
        "{error}"
    );
    let path = Path::new("/proc/no/folder/close.pcap");
    let error = PcapWriter::create(path, LinkType::ETHERNET, SNAPLEN).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot create /proc/no: "),
        "{error}"
    );
}

fn interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("close.pcap");
    let data = vec![7; 1000];
    let mut writer = PcapWriter::create(&path, LinkType::ETHERNET, SNAPLEN).unwrap();
    let entry = std::fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    for number in 1..=1000 {
        writer.write(&frame(number, &data)).unwrap();
        if number % 100 == 0 {
            // What a kill would leave now: 24 bytes and whole records of 1,016.
            let length = std::fs::metadata(entry.path()).unwrap().len();
            assert_eq!((length - 24) % 1016, 0, "after {number} frames");
        }
    }
    drop(writer);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 24 + 1000 * 1016);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
