//! The flow is the same for the same programs, whatever the kernel varied, and changes when the
//! programs do.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::simulator::{Act, run};
use super::{Made, conversation};
use crate::flow::{Flow, Programs, canonical};

/// One part of an exchange that cannot deadlock.
#[derive(Debug, Clone)]
enum Part {
    /// One side sends in pieces, the other receives all of it.
    OneWay { client: bool, pieces: Vec<u32> },
    /// Both send, then both receive.
    BothWays { client: Vec<u32>, server: Vec<u32> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    ClientFirst,
    ServerFirst,
    HalfClose,
}

fn part() -> impl Strategy<Value = Part> {
    let pieces = || prop::collection::vec(1u32..40, 1..4);
    prop_oneof![
        (any::<bool>(), pieces()).prop_map(|(client, pieces)| Part::OneWay { client, pieces }),
        (pieces(), pieces()).prop_map(|(client, server)| Part::BothWays { client, server }),
    ]
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        Just(Ending::ClientFirst),
        Just(Ending::ServerFirst),
        Just(Ending::HalfClose)
    ]
}

fn programs(parts: &[Part], ending: Ending) -> [Vec<Act>; 2] {
    let mut programs = [vec![], vec![]];
    let mut sent = [0, 0];
    for part in parts {
        let pieces: [&[u32]; 2] = match part {
            Part::OneWay {
                client: true,
                pieces,
            } => [pieces, &[]],
            Part::OneWay {
                client: false,
                pieces,
            } => [&[], pieces],
            Part::BothWays { client, server } => [client, server],
        };
        for side in 0..2 {
            for n in pieces[side] {
                programs[side].push(Act::Send(*n));
                sent[side] += n;
            }
        }
        for side in 0..2 {
            if !pieces[1 - side].is_empty() {
                programs[side].push(Act::RecvTo(sent[1 - side]));
            }
        }
    }
    let (first, last) = if ending == Ending::ServerFirst {
        (1, 0)
    } else {
        (0, 1)
    };
    if ending == Ending::HalfClose {
        programs[0].extend([
            Act::Shutdown,
            Act::RecvTo(sent[1] + 9),
            Act::RecvEof,
            Act::Close,
        ]);
        programs[1].extend([Act::RecvEof, Act::Send(9), Act::Close]);
    } else {
        programs[first].extend([Act::Close]);
        programs[last].extend([Act::RecvEof, Act::Close]);
    }
    programs
}

fn flow_of(programs: &[Vec<Act>; 2], seed: [u8; 32], noise: bool) -> (Flow, Vec<Made>) {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let ran = run([&programs[0], &programs[1]], &mut rng, noise);
    let known = Programs {
        client: Some(&ran.ops[0]),
        server: Some(&ran.ops[1]),
    };
    let canonical = canonical("client-1", &conversation(&ran.frames), known);
    assert_eq!(canonical.unconfirmed, [], "{:?}", ran.frames);
    (canonical.flow, ran.frames)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_kernel_may_vary_what_it_likes(
        parts in prop::collection::vec(part(), 0..5),
        ending in ending(),
        seed in any::<[u8; 32]>(),
    ) {
        let programs = programs(&parts, ending);
        let (quiet, _) = flow_of(&programs, [7; 32], false);
        let (noisy, frames) = flow_of(&programs, seed, true);
        prop_assert_eq!(quiet.to_string(), noisy.to_string(), "{:#?}", frames);
    }

    #[test]
    fn another_end_is_another_flow(
        parts in prop::collection::vec(part(), 0..5),
        one in ending(),
        other in ending(),
        seed in any::<[u8; 32]>(),
    ) {
        prop_assume!(one != other);
        let (a, _) = flow_of(&programs(&parts, one), seed, true);
        let (b, _) = flow_of(&programs(&parts, other), seed, true);
        prop_assert_ne!(a.to_string(), b.to_string());
    }

    #[test]
    fn waiting_or_not_is_another_flow(
        before in prop::collection::vec(part(), 0..3),
        client in 1u32..40,
        server in 1u32..40,
        seed in any::<[u8; 32]>(),
    ) {
        let with = |last: &[Part]| {
            let mut parts = before.clone();
            parts.extend_from_slice(last);
            flow_of(&programs(&parts, Ending::ClientFirst), seed, true).0.to_string()
        };
        let one = |client, n| Part::OneWay { client, pieces: vec![n] };
        let question_first = with(&[one(true, client), one(false, server)]);
        let answer_first = with(&[one(false, server), one(true, client)]);
        let at_once = with(&[Part::BothWays { client: vec![client], server: vec![server] }]);
        prop_assert_ne!(&question_first, &answer_first);
        prop_assert_ne!(&question_first, &at_once);
        prop_assert_ne!(&answer_first, &at_once);
    }

    #[test]
    fn a_changed_byte_is_another_flow(
        parts in prop::collection::vec(part(), 1..5),
        seed in any::<[u8; 32]>(),
        at in any::<prop::sample::Index>(),
    ) {
        let (flow, frames) = flow_of(&programs(&parts, Ending::ClientFirst), seed, false);
        let with_data: Vec<usize> = (0..frames.len()).filter(|&i| !frames[i].payload.is_empty()).collect();
        let chosen = with_data[at.index(with_data.len())];
        let mut changed = frames.clone();
        let byte = at.index(changed[chosen].payload.len());
        changed[chosen].payload[byte] ^= 1;
        let known = Programs { client: Some(&[]), server: Some(&[]) };
        let before = canonical("client-1", &conversation(&frames), known).flow;
        let after = canonical("client-1", &conversation(&changed), known).flow;
        prop_assert_ne!(before.to_string(), after.to_string());
        prop_assert!(!flow.phases.is_empty());
    }

    #[test]
    fn no_segments_make_it_panic(
        segments in prop::collection::vec(
            (any::<bool>(), 0u16..64, any::<u32>(), any::<u32>(), 0usize..20),
            1..40,
        ),
    ) {
        let made: Vec<Made> = segments
            .into_iter()
            .map(|(client, flags, seq, ack, len)| Made {
                from: if client { crate::tcp::Side::Client } else { crate::tcp::Side::Server },
                flags: crate::wire::Flags::from_bits_truncate(flags) - crate::wire::Flags::SYN,
                seq,
                ack,
                payload: vec![b'x'; len],
            })
            .collect();
        let canonical = canonical("client-1", &conversation(&made), Programs::default());
        let _ = canonical.flow.to_string();
    }
}
