//! The tracker against tshark: packet by packet, field by field.
//!
//! tshark is asked once for a batch of random exchanges. `TCP_TSHARK_SEED` and
//! `TCP_TSHARK_EXCHANGES` change the batch; a failure prints the seed and the stream.
//! `--ignored` with `TCP_TSHARK_FILES` compares the capture files of a folder.

mod exchange;
mod oracle;
mod talk;

use exchange::{Ends, Rng, Sent};
use lab_capture::wire::Flags;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |v| v.parse().expect("a number"))
}

/// Gives each exchange its own ports and hosts.
fn ends(r: &mut Rng, n: usize) -> Ends {
    let host = if r.chance(3) {
        [7, 7]
    } else {
        r.pick(&[[1, 2], [2, 1], [9, 8]])
    };
    let port = [20_000 + (n % 20_000) as u16, 50_000 + (n / 20_000) as u16];
    Ends {
        v6: r.chance(30),
        host,
        port: if r.chance(50) {
            port
        } else {
            [port[1], port[0]]
        },
    }
}

fn check(name: &str, make: impl Fn(&mut Rng, &mut i64) -> Vec<Sent>) {
    compare(name, setting("TCP_TSHARK_EXCHANGES", 600) as usize, make);
}

fn compare(name: &str, exchanges: usize, make: impl Fn(&mut Rng, &mut i64) -> Vec<Sent>) {
    let seed = setting("TCP_TSHARK_SEED", 1);
    let mut r = Rng(seed);
    let mut packets: Vec<(Ends, Sent)> = Vec::new();
    let mut time = 1_700_000_000_000_000_000;
    for n in 0..exchanges {
        let ends = ends(&mut r, n);
        packets.extend(make(&mut r, &mut time).into_iter().map(|s| (ends, s)));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("exchanges.pcap");
    exchange::write(&file, &packets);
    let (lines, left_out) = oracle::tshark(&file);
    assert_eq!(left_out, 0);
    assert_eq!(lines.len(), packets.len(), "tshark read every segment");
    if let Err(report) = oracle::compare(&lines) {
        panic!("{name}, seed {seed}: {report}");
    }
}

#[test]
fn noise() {
    check("noise", exchange::noise);
}

#[test]
fn talks() {
    check("talks", talk::talk);
}

/// Wireshark lists 10,000 unacknowledged segments of a direction; a SYN or FIN beyond is not
/// counted in the next number.
#[test]
fn many_unacknowledged() {
    let sizes = std::cell::Cell::new(0);
    let make = |_: &mut Rng, time: &mut i64| {
        let case = sizes.replace(sizes.get() + 1);
        // Segments sent, and by how many the ACKs lag; 0: there are none.
        let (count, lag) = [
            (9_998u32, 0u32),
            (9_999, 0),
            (10_000, 0),
            (12_000, 3_000),
            (20_100, 10_040),
        ][case];
        let mut sent = Vec::new();
        let mut put = |from: usize, flags, seq: u32, ack: u32, len| {
            *time += 1_000_000;
            sent.push(Sent {
                time: *time,
                from,
                flags,
                seq,
                ack,
                len,
                window: 65_535,
                scale: None,
                mptcp: None,
                quoted: false,
            });
        };
        put(0, Flags::SYN, 99, 0, 0);
        for n in 0..count {
            put(0, Flags::ACK, 100 + n * 5, 500, 5);
            if lag > 0 && n > lag && n % 2 == 0 {
                put(1, Flags::ACK, 500, 100 + (n - lag) * 5, 0);
            }
        }
        let end = 100 + count * 5;
        for _ in 0..3 {
            put(0, Flags::FIN | Flags::ACK, end, 500, 0);
        }
        put(1, Flags::ACK, 500, end + 1, 0);
        put(0, Flags::FIN | Flags::ACK, end, 500, 0);
        put(0, Flags::ACK, end + 1, 501, 0);
        sent
    };
    compare("unacknowledged", 5, make);
}

#[test]
#[ignore = "compares the capture files of the folder TCP_TSHARK_FILES"]
fn capture_files() {
    let folder = std::env::var("TCP_TSHARK_FILES").expect("TCP_TSHARK_FILES is a folder");
    let (mut segments, mut failed) = (0, 0);
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("readable").path();
        let name = path.display().to_string();
        if !name.contains(".pcap") {
            continue;
        }
        let (lines, left_out) = oracle::tshark(&path);
        match oracle::compare(&lines) {
            Ok(()) => {
                segments += lines.len();
                println!("equal {:6} left out {left_out:3} {name}", lines.len());
            }
            Err(report) => {
                failed += 1;
                println!("DIFFERS left out {left_out} {name}: {report}");
            }
        }
    }
    assert_eq!(failed, 0);
    assert!(segments > 0, "no segment in {folder}");
}
