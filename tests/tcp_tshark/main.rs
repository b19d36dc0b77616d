//! The tracker against tshark: packet by packet, field by field.
//!
//! tshark is asked once for a batch of random exchanges. `TCP_TSHARK_SEED` and
//! `TCP_TSHARK_EXCHANGES` change the batch; a failure prints the seed and the stream.
//! `TCP_TSHARK_FILES` (a folder) compares capture files, too.

mod exchange;
mod oracle;
mod talk;

use exchange::{Ends, Rng, Sent};

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
    let seed = setting("TCP_TSHARK_SEED", 1);
    let exchanges = setting("TCP_TSHARK_EXCHANGES", 600) as usize;
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

#[test]
fn capture_files() {
    let Ok(folder) = std::env::var("TCP_TSHARK_FILES") else {
        return;
    };
    let mut failed = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        let name = path.display().to_string();
        if !name.contains(".pcap") {
            continue;
        }
        let (lines, left_out) = oracle::tshark(&path);
        match oracle::compare(&lines) {
            Ok(()) => println!("equal {:6} left out {left_out:3} {name}", lines.len()),
            Err(report) => {
                failed += 1;
                println!("DIFFERS left out {left_out} {name}: {report}");
            }
        }
    }
    assert_eq!(failed, 0);
}
