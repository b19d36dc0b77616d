//! Live capture and its barrier.

use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lab_capture::capture::FrameStore;
use lab_capture::capture::live::{BarrierError, LiveCapture, LiveConfig, RingBudget};
use lab_capture::platform::Interface;
use lab_capture::scenario::CaptureSpec;
use lab_capture::wire::LinkType;
use libtest_mimic::Trial;

use crate::util::{BusyLoops, LIMIT, echo, in_namespace, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "nothing_is_lost_between_two_barriers_under_load",
            nothing_is_lost,
        ),
        trial("a_run_of_each_namespace_has_its_own_port", side_by_side),
        trial("a_barrier_fails_when_the_interface_is_down", interface_down),
        trial("a_barrier_fails_when_frames_were_lost", lost),
        trial("an_owner_who_does_not_take_frames_loses_some", behind),
        trial("a_barrier_has_a_limit", limit),
        trial("frames_are_cut_at_the_snapshot_length", snapshot_length),
        trial("a_frame_of_65549_bytes_is_whole", longest_frame),
        trial("a_filter_lets_sentinels_pass", filter),
    ]
}

fn open(spec: &CaptureSpec) -> LiveCapture {
    let config = LiveConfig::choose(spec, 0);
    let permit = RingBudget::global().acquire(config.ring_bytes.into());
    LiveCapture::open(&config, Some(permit), || {}).unwrap_or_else(|e| panic!("{e}"))
}

/// How often; `LAB_TRIALS` for the long run.
fn rounds() -> usize {
    std::env::var("LAB_TRIALS").map_or(40, |n| n.parse().expect("LAB_TRIALS is a number"))
}

fn nothing_is_lost() {
    let _busy = BusyLoops::start(4);
    let mut took: Vec<Duration> = Vec::new();
    for round in 0..rounds() {
        let (first, last) = in_namespace(move || {
            let mut capture = open(&CaptureSpec::default());
            let before = capture.barrier(LIMIT).unwrap();
            assert_eq!(before.frames, 0, "round {round}: sentinels are no frames");
            echo("127.0.0.1:5000".parse().unwrap());
            let after = capture.barrier(LIMIT).unwrap();
            let finished = capture.finish();
            assert_eq!(finished.stats.dropped, 0);
            assert_eq!(finished.error, None);
            assert_eq!(finished.link, LinkType::ETHERNET);
            // SYN, SYN-ACK, ACK, data, ACK, data, ACK, FIN, FIN, ACK: pure ACKs may be fewer, the
            // others never.
            let flags: Vec<u8> = finished
                .frames
                .iter(LinkType::ETHERNET)
                .map(|f| f.data[14 + 20 + 13])
                .collect();
            let count = |mask: u8, value: u8| flags.iter().filter(|f| *f & mask == value).count();
            assert_eq!(count(0x12, 0x02), 1, "round {round}: SYN in {flags:02x?}");
            assert_eq!(
                count(0x12, 0x12),
                1,
                "round {round}: SYN-ACK in {flags:02x?}"
            );
            assert_eq!(count(0x08, 0x08), 2, "round {round}: data in {flags:02x?}");
            assert_eq!(count(0x01, 0x01), 2, "round {round}: FIN in {flags:02x?}");
            assert_eq!(
                after.frames as usize,
                finished.frames.len(),
                "round {round}"
            );
            finished.closing.join();
            (before.took, after.took)
        });
        took.extend([first, last]);
    }
    took.sort();
    let at = |part: usize| took[(took.len() - 1) * part / 100];
    println!(
        "barrier, {} times under four busy loops: min {:?} median {:?} p90 {:?} p99 {:?} max {:?}",
        took.len(),
        at(0),
        at(50),
        at(90),
        at(99),
        at(100)
    );
}

fn side_by_side() {
    let threads: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(|| {
                in_namespace(|| {
                    let mut capture = open(&CaptureSpec::default());
                    capture.barrier(LIMIT).unwrap();
                    echo("127.0.0.1:5000".parse().unwrap());
                    echo("[::1]:5000".parse().unwrap());
                    capture.settle(LIMIT).unwrap();
                    let mut frames = FrameStore::default();
                    capture.take_into(&mut frames);
                    let finished = capture.finish();
                    assert_eq!(finished.frames.len(), 0, "all were in before the barrier");
                    frames.len()
                })
            })
        })
        .collect();
    for thread in threads {
        let frames = thread.join().unwrap();
        assert!(
            (16..=20).contains(&frames),
            "{frames} frames of two connections"
        );
    }
}

fn interface_down() {
    in_namespace(|| {
        let mut capture = open(&CaptureSpec::default());
        capture.barrier(LIMIT).unwrap();
        Interface::open("lo").unwrap().down().unwrap();
        let error = capture.barrier(LIMIT).unwrap_err();
        assert!(
            matches!(error, BarrierError::Send(_) | BarrierError::Ended(_)),
            "{error}"
        );
    });
}

/// A capture whose thread is held up by this lock once it has something to tell.
fn held_up(ring_bytes: u32) -> (LiveCapture, Arc<Mutex<()>>) {
    let gate = Arc::new(Mutex::new(()));
    let config = LiveConfig {
        ring_bytes,
        ..LiveConfig::choose(&CaptureSpec::default(), 0)
    };
    let thread = Arc::clone(&gate);
    let capture = LiveCapture::open(&config, None, move || drop(thread.lock())).unwrap();
    (capture, gate)
}

/// The capture thread is held up until the ring has overflowed.
fn lost() {
    in_namespace(|| {
        let (mut capture, gate) = held_up(1 << 20);
        capture.barrier(LIMIT).unwrap();
        let closed = gate.lock().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:5000").unwrap();
        for _ in 0..100 {
            // Nobody receives: the rest is lost behind the capture, not before it.
            socket.send_to(&[7; 60_000], "127.0.0.1:5000").unwrap();
        }
        drop(closed);
        let error = capture.barrier(LIMIT).unwrap_err();
        assert!(matches!(error, BarrierError::Dropped { .. }), "{error}");
        // And ever after.
        let error = capture.barrier(LIMIT).unwrap_err();
        assert!(error.to_string().contains("frames were lost"), "{error}");
        let finished = capture.finish();
        assert!(finished.stats.dropped > 0);
        assert!(finished.frames.len() < 100);
    });
}

/// The capture thread is held up for longer than the barrier may take.
fn limit() {
    in_namespace(|| {
        let (mut capture, gate) = held_up(8 << 20);
        let closed = gate.lock().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:5000").unwrap();
        socket
            .send_to(b"something to tell", "127.0.0.1:5000")
            .unwrap();
        while !capture.wait_frames(LIMIT) {}
        let error = capture.barrier(Duration::ZERO).unwrap_err();
        assert!(matches!(error, BarrierError::Missing { .. }), "{error}");
        drop(closed);
        // The sentinels of the first round come in late, and mean nothing now.
        assert_eq!(capture.barrier(LIMIT).unwrap().frames, 1);
        assert_eq!(capture.finish().frames.len(), 1);
    });
}

fn snapshot_length() {
    in_namespace(|| {
        let mut capture = open(&CaptureSpec {
            snaplen: Some(60),
            buffer: None,
        });
        capture.barrier(LIMIT).unwrap();
        echo("127.0.0.1:5000".parse().unwrap());
        capture.settle(LIMIT).unwrap();
        let finished = capture.finish();
        assert!(finished.frames.len() >= 8);
        for frame in finished.frames.iter(finished.link) {
            // Cut by us: the ring's own is longer, for the sentinels.
            assert_eq!(frame.data.len(), 60);
            assert!(frame.wire_len >= 66);
        }
    });
}

fn longest_frame() {
    in_namespace(|| {
        let mut capture = open(&CaptureSpec::default());
        let receiver = UdpSocket::bind("127.0.0.1:5000").unwrap();
        // An IPv4 packet has at most 65,535 bytes: 20 of IP, 8 of UDP.
        receiver.send_to(&[7; 65_507], "127.0.0.1:5000").unwrap();
        capture.barrier(LIMIT).unwrap();
        let finished = capture.finish();
        let frame = finished.frames.get(0, finished.link).unwrap();
        assert_eq!((frame.data.len(), frame.wire_len), (65_549, 65_549));
    });
}

/// Frames wait in bounded memory; the rest stays in the ring, and is lost where that is full. A barrier
/// is served all the same, since its caller cannot take frames while it waits.
fn behind() {
    const FRAMES: usize = 100;
    for (ring, lost) in [(16 << 20, false), (1 << 20, true)] {
        in_namespace(move || {
            let config = LiveConfig {
                ring_bytes: ring,
                behind: 1 << 20,
                ..LiveConfig::choose(&CaptureSpec::default(), 0)
            };
            let mut capture = LiveCapture::open(&config, None, || {}).unwrap();
            let socket = UdpSocket::bind("127.0.0.1:5000").unwrap();
            for _ in 0..FRAMES {
                socket.send_to(&[7; 60_000], "127.0.0.1:5000").unwrap();
            }
            let passed = capture.barrier(LIMIT);
            let dropped = capture.dropped() > 0;
            let finished = capture.finish();
            if lost {
                assert!(
                    matches!(passed, Err(BarrierError::Dropped { .. })),
                    "{passed:?}"
                );
                assert!(dropped && finished.stats.dropped > 0);
                assert!(finished.frames.len() < FRAMES);
            } else {
                assert_eq!(passed.unwrap().frames as usize, FRAMES);
                assert_eq!((finished.frames.len(), finished.stats.dropped), (FRAMES, 0));
            }
        });
    }
}

fn filter() {
    in_namespace(|| {
        let config = LiveConfig {
            filter: Some("udp port 6000".to_owned()),
            ..LiveConfig::choose(&CaptureSpec::default(), 0)
        };
        let mut capture = LiveCapture::open(&config, None, || {}).unwrap();
        capture.barrier(LIMIT).unwrap();
        echo("127.0.0.1:5000".parse().unwrap());
        let receiver = UdpSocket::bind("127.0.0.1:6000").unwrap();
        receiver.send_to(b"x", "127.0.0.1:6000").unwrap();
        assert_eq!(capture.barrier(LIMIT).unwrap().frames, 1);

        let config = LiveConfig {
            filter: Some("no filter at all".to_owned()),
            ..config
        };
        let error = LiveCapture::open(&config, None, || {}).err().unwrap();
        assert!(error.to_string().contains("pcap_setfilter lo"), "{error}");
    });
}
