use super::*;

fn data(n: usize) -> Vec<u8> {
    vec![n as u8; 1 + n * 7919 % 66_000]
}

fn filled(count: usize) -> FrameStore {
    let mut store = FrameStore::default();
    for n in 0..count {
        store.push(n as i64, 70_000, &data(n));
    }
    store
}

fn check(store: &FrameStore, count: usize) {
    assert_eq!(store.len(), count);
    for (n, stored) in store.iter(LinkType::ETHERNET).enumerate() {
        assert_eq!((stored.number, stored.time), (n as u64 + 1, n as i64));
        assert_eq!(stored.data, data(n));
    }
}

#[test]
fn frames_are_what_they_were_over_many_chunks() {
    let mut store = filled(400);
    assert!(store.chunks.len() > 2);
    check(&store, 400);
    // One that is larger than a chunk has one of its own.
    store.push(0, 0, &vec![1; CHUNK + 1]);
    store.push(0, 0, &[2]);
    assert_eq!(
        store.get(400, LinkType::ETHERNET).unwrap().data.len(),
        CHUNK + 1
    );
    assert_eq!(store.get(401, LinkType::ETHERNET).unwrap().data, [2]);
}

#[test]
fn what_is_forgotten_still_counts() {
    let mut store = FrameStore::default();
    store.push(1, 1, &[1]);
    store.forget();
    assert_eq!((store.len(), store.held()), (1, 0));
    assert!(store.get(0, LinkType::ETHERNET).is_none());
    store.push(2, 1, &[2]);
    assert_eq!(store.get(1, LinkType::ETHERNET).unwrap().number, 2);
    assert!(!store.is_empty());
}

/// Frames come in portions of all sizes; beyond the limit they lie in a file, and are the same.
#[test]
fn frames_in_a_file_are_what_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 1 << 20;
    let mut spill = Spill::new(limit, folder.path());
    let mut store = FrameStore::default();
    let mut payloads = vec![];
    for portion in (0..2000)
        .collect::<Vec<usize>>()
        .chunk_by(|n, _| n % 7 * n % 5 != 1)
    {
        let mut new = FrameStore::default();
        for &n in portion {
            new.push(n as i64, 70_000, &data(n));
        }
        let from = store.len();
        store.append(new, &mut spill);
        for index in from..store.len() {
            let frame = store.get(index, LinkType::ETHERNET).unwrap();
            let chunk = store.chunk_of(index).unwrap();
            payloads.push(chunk.payload(&frame.data[frame.data.len() / 2..]));
        }
    }
    assert_eq!(spill.error(), None);
    let bytes: usize = (0..2000).map(|n| data(n).len()).sum();
    assert!(bytes > 60 << 20 && store.held() < limit + (1 << 20));
    check(&store, 2000);
    for (n, payload) in payloads.iter().enumerate() {
        let whole = data(n);
        assert_eq!(**payload, whole[whole.len() / 2..], "payload of frame {n}");
    }
    // The file has no name, and a copy of the store is no copy of it.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    check(&store.clone(), 2000);
}

/// Memory stays what was said also when all frames are read several times.
#[test]
fn pages_of_the_file_are_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut spill = Spill::new(0, folder.path());
    let mut store = FrameStore::default();
    store.append(filled(4000), &mut spill);
    let mapped = || {
        let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let ours = folder.path().to_str().unwrap();
        let mut counts = false;
        let mut sum = 0;
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("Rss:", rest)) if counts => {
                    sum += rest
                        .trim()
                        .trim_end_matches(" kB")
                        .parse::<usize>()
                        .unwrap();
                }
                Some((first, _)) if !first.ends_with(':') => counts = line.contains(ours),
                _ => {}
            }
        }
        sum << 10
    };
    for _ in 0..2 {
        let mut sum = 0;
        for (n, frame) in store.iter(LinkType::ETHERNET).enumerate() {
            sum += frame.data.len();
            assert!(frame.data.iter().step_by(512).all(|&byte| byte == n as u8));
        }
        assert!(sum > 120 << 20);
        let mapped = mapped();
        assert!(
            mapped > 0 && mapped <= 33 << 20,
            "{mapped} bytes are mapped"
        );
    }
}

#[test]
fn without_room_frames_are_cut_to_their_headers() {
    let mut spill = Spill::new(100_000, "/proc/self".as_ref());
    let mut store = FrameStore::default();
    let mut some = FrameStore::default();
    some.push(5, 90_000, &[7; 90_000]);
    store.append(some, &mut spill);
    spill.fail(2, 90_000, &std::io::Error::from_raw_os_error(28));
    let mut more = FrameStore::default();
    more.push(6, 90_000, &[8; 90_000]);
    more.push(7, 50, &[9; 50]);
    store.append(more, &mut spill);
    let frame = |n| store.get(n, LinkType::ETHERNET).unwrap();
    assert_eq!((frame(0).data.len(), frame(0).wire_len), (90_000, 90_000));
    assert_eq!((frame(1).data, frame(1).wire_len), (&[8; CUT][..], 90_000));
    assert_eq!((frame(2).data, frame(2).wire_len), (&[9; 50][..], 50));
    let words = spill.error().unwrap().to_string();
    assert!(
        words.contains("frame 2 ") && words.contains("No space left"),
        "{words}"
    );
}
