use proptest::prelude::*;

use super::*;

fn prefix(width: u8, big_endian: bool, signed: bool, max: u64) -> Framing {
    Framing::Prefix {
        width,
        big_endian,
        signed,
        max,
    }
}

/// A framing and messages that fit it.
fn conversation() -> impl Strategy<Value = (Framing, Vec<Vec<u8>>)> {
    let bytes = |max| prop::collection::vec(any::<u8>(), 0..max);
    let many = |one| prop::collection::vec(one, 1..6);
    prop_oneof![
        (0..40usize).prop_flat_map(move |n| {
            let one = prop::collection::vec(any::<u8>(), n..=n);
            (Just(Framing::Fixed(n)), prop::collection::vec(one, 1..6))
        }),
        (
            prop::collection::vec(0..3u8, 1..4),
            many(prop::collection::vec(3..9u8, 0..40).boxed())
        )
            .prop_map(|(end, messages)| (Framing::Delimiter(end), messages)),
        (
            prop::sample::select(vec![1u8, 2, 4, 8]),
            any::<bool>(),
            any::<bool>(),
            many(bytes(127).boxed())
        )
            .prop_map(|(w, b, s, messages)| (prefix(w, b, s, 1000), messages)),
    ]
}

/// Feeds pieces until the message is complete; what was left over of the last piece.
fn feed_all(decoder: &mut Decoder, stream: &[u8], pieces: &[usize]) -> Result<usize, FrameError> {
    let mut at = 0;
    let mut sizes = pieces.iter().copied().cycle();
    while !decoder.is_complete() && at < stream.len() {
        let size = sizes.next().unwrap_or(1).max(1);
        let end = stream.len().min(at + size);
        let taken = decoder.feed(&stream[at..end])?;
        assert!(decoder.is_complete() || taken == end - at);
        at += taken;
    }
    Ok(at)
}

proptest! {
    #[test]
    fn messages_come_out_as_they_went_in(
        (framing, messages) in conversation(),
        pieces in prop::collection::vec(1..50usize, 1..20),
    ) {
        let mut stream = Vec::new();
        for message in &messages {
            stream.extend(encode(&framing, message).unwrap());
        }
        let mut at = 0;
        for message in &messages {
            let mut decoder = Decoder::new(framing.clone());
            // Never asks for more than its own frame.
            let frame = encode(&framing, message).unwrap().len() as u64;
            prop_assert!(decoder.missing().is_none_or(|m| m <= frame));
            at += feed_all(&mut decoder, &stream[at..], &pieces).unwrap();
            prop_assert!(decoder.is_complete());
            prop_assert_eq!(decoder.message(), &message[..]);
            // Complete takes nothing more.
            prop_assert_eq!(decoder.feed(b"more").unwrap(), 0);
            prop_assert_eq!(decoder.end(), Ok(()));
        }
        prop_assert_eq!(at, stream.len());
    }

    #[test]
    fn a_frame_cut_anywhere_is_told(
        (framing, messages) in conversation(),
        cut in any::<prop::sample::Index>(),
        pieces in prop::collection::vec(1..50usize, 1..20),
    ) {
        let frame = encode(&framing, &messages[0]).unwrap();
        prop_assume!(!frame.is_empty());
        let cut = cut.index(frame.len());
        let mut decoder = Decoder::new(framing);
        feed_all(&mut decoder, &frame[..cut], &pieces).unwrap();
        match decoder.end() {
            Err(FrameError::Ended) => prop_assert_eq!(cut, 0),
            Err(FrameError::CutOff { have, needed }) => {
                prop_assert_eq!(have, cut as u64);
                prop_assert!(needed.is_none_or(|n| n == frame.len() as u64));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn noise_neither_panics_nor_allocates_what_it_claims(
        framing in prop_oneof![
            (prop::sample::select(vec![0u8, 1, 2, 3, 4, 8, 9]), any::<bool>(), any::<bool>(), any::<u64>())
                .prop_map(|(w, b, s, m)| prefix(w, b, s, m)),
            any::<usize>().prop_map(Framing::Fixed),
            prop::collection::vec(any::<u8>(), 0..3).prop_map(Framing::Delimiter),
            Just(Framing::Close),
            Just(Framing::Stream),
        ],
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut decoder = Decoder::new(framing.clone());
        if let Ok(taken) = decoder.feed(&noise) {
            prop_assert!(taken <= noise.len());
            prop_assert_eq!(decoder.taken(), taken as u64);
        }
        prop_assert!(decoder.frame.capacity() <= 1024);
        prop_assert!(decoder.message().len() <= noise.len());
        let _ = decoder.end();
        let _ = envelope(&framing, noise.len() as u64);
    }
}

#[test]
fn a_stream_and_a_message_until_close() {
    let mut stream = Decoder::new(Framing::Stream);
    assert_eq!(stream.feed(b"some"), Ok(4));
    assert_eq!(
        (stream.is_complete(), stream.message()),
        (true, &b"some"[..])
    );
    let mut close = Decoder::new(Framing::Close);
    close.feed(b"all of ").unwrap();
    close.feed(b"it").unwrap();
    assert!(!close.is_complete());
    close.end().unwrap();
    assert_eq!(close.message(), b"all of it");
}

#[test]
fn prefixes_beyond_the_limit_and_below_zero_are_refused() {
    let cases = [
        (
            prefix(4, true, false, 100),
            &[0, 0, 0, 101][..],
            FrameError::TooLong {
                claimed: 101,
                max: 100,
            },
        ),
        (
            prefix(8, false, false, u64::MAX),
            &[0xff; 8][..],
            FrameError::TooLong {
                claimed: u64::MAX,
                max: u64::MAX,
            },
        ),
        (
            prefix(8, true, true, u64::MAX),
            &[0xff; 8][..],
            FrameError::Negative(-1),
        ),
        (
            prefix(2, false, true, 100),
            &[0x00, 0x80][..],
            FrameError::Negative(-32768),
        ),
        (
            prefix(3, false, true, 100),
            &[0][..],
            FrameError::Invalid("a length prefix has 1, 2, 4 or 8 bytes"),
        ),
    ];
    for (framing, bytes, error) in cases {
        assert_eq!(Decoder::new(framing).feed(bytes), Err(error));
    }
}

#[test]
fn what_cannot_be_framed_is_not_sent() {
    let delimiter = Framing::Delimiter(b"\r\n".to_vec());
    assert_eq!(
        encode(&delimiter, b"a\r\nb"),
        Err(FrameError::ContainsDelimiter(1))
    );
    let double = Framing::Delimiter(b"aa".to_vec());
    // Across the border: the reader would stop one byte early.
    assert_eq!(
        encode(&double, b"xa"),
        Err(FrameError::ContainsDelimiter(1))
    );
    let fixed = FrameError::NotFixed { have: 2, fixed: 3 };
    assert_eq!(encode(&Framing::Fixed(3), b"ab"), Err(fixed));
    let narrow = |width, len| FrameError::PrefixTooNarrow { len, width };
    assert_eq!(
        envelope(&prefix(1, true, false, 999), 256),
        Err(narrow(1, 256))
    );
    assert_eq!(
        envelope(&prefix(1, true, true, 999), 128),
        Err(narrow(1, 128))
    );
    assert_eq!(
        envelope(&prefix(2, true, false, 999), 258),
        Ok((vec![1, 2], vec![]))
    );
    assert_eq!(
        envelope(&prefix(2, false, false, 999), 258),
        Ok((vec![2, 1], vec![]))
    );
}

#[test]
fn an_endless_message_ends_at_the_limit() {
    let mut decoder = Decoder::new(Framing::Delimiter(b"\n".to_vec()));
    let piece = vec![b'x'; 1 << 20];
    let error = loop {
        if let Err(e) = decoder.feed(&piece) {
            break e;
        }
    };
    assert!(matches!(
        error,
        FrameError::TooLong {
            max: MAX_MESSAGE,
            ..
        }
    ));
}
