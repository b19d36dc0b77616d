//! `--shard K/N`: this machine's part of the scenarios, the same on every machine that looks at the
//! same files.

use std::fmt;
use std::str::FromStr;

/// One part of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// What is wrong with a shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not of the form K/N.
    #[error("{0:?} is no shard; K/N is wanted, for instance 1/4 for the first of four")]
    Form(String),
    /// Not 1 to N.
    #[error("there is no shard {number} of {of}: they are numbered from 1 to {of}")]
    Number {
        /// Which.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// One variable of a CI system without its other, or no number.
    #[error("{name} is {value:?}, but {wanted}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What is missing.
        wanted: String,
    },
}

impl Shard {
    fn new(number: usize, of: usize) -> Result<Shard, ShardError> {
        if (1..=of).contains(&number) {
            Ok(Shard { number, of })
        } else {
            Err(ShardError::Number { number, of })
        }
    }

    /// What the CI system says of this job, if it is one of several.
    ///
    /// # Errors
    /// A variable that is set and makes no sense: to run everything everywhere would be wrong.
    pub fn from_environment(
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<(Shard, &'static str)>, ShardError> {
        for system in &SYSTEMS {
            let Some(value) = get(system.index) else {
                continue;
            };
            let wrong = |name, value: String, wanted: &str| ShardError::Variable {
                name,
                value,
                wanted: wanted.to_owned(),
            };
            let Some(count) = get(system.count) else {
                if system.alone {
                    continue;
                }
                return Err(wrong(
                    system.index,
                    value,
                    &format!("{} is not set", system.count),
                ));
            };
            let number = |name, text: String| {
                text.trim()
                    .parse::<usize>()
                    .map_err(|_| wrong(name, text, "a number is wanted"))
            };
            let index = number(system.index, value)?;
            let of = number(system.count, count)?;
            let shard = Shard::new(index + 1 - system.first, of)?;
            return Ok(Some((shard, system.name)));
        }
        Ok(None)
    }
}

/// How a CI system tells a job which of several it is.
struct System {
    name: &'static str,
    index: &'static str,
    count: &'static str,
    /// The number of the first job.
    first: usize,
    /// The index may stand there without a count: then it says nothing.
    alone: bool,
}

const SYSTEMS: [System; 4] = [
    // https://docs.gitlab.com/ee/ci/variables/predefined_variables.html: set for `parallel` jobs only.
    System {
        name: "GitLab's parallel",
        index: "CI_NODE_INDEX",
        count: "CI_NODE_TOTAL",
        first: 1,
        alone: false,
    },
    System {
        name: "CircleCI's parallelism",
        index: "CIRCLE_NODE_INDEX",
        count: "CIRCLE_NODE_TOTAL",
        first: 0,
        alone: false,
    },
    System {
        name: "Buildkite's parallelism",
        index: "BUILDKITE_PARALLEL_JOB",
        count: "BUILDKITE_PARALLEL_JOB_COUNT",
        first: 0,
        alone: false,
    },
    // An indexed Job knows its index; how many there are its manifest must say.
    System {
        name: "the Kubernetes indexed Job",
        index: "JOB_COMPLETION_INDEX",
        count: "LAB_CAPTURE_SHARDS",
        first: 0,
        alone: true,
    },
];

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let form = || ShardError::Form(text.to_owned());
        let (number, of) = text.split_once('/').ok_or_else(form)?;
        let parse = |text: &str| text.trim().parse::<usize>().map_err(|_| form());
        Shard::new(parse(number)?, parse(of)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// Deals items to shards so that the largest sum of costs is small: the costliest first, each to
/// the shard that has least so far. Depends on nothing but names and costs, so that every machine
/// deals alike. The shard of each item, from 1.
pub fn deal(items: &[(&str, u64)], of: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |index: usize| (std::cmp::Reverse(items[index].1), items[index].0, index);
        key(a).cmp(&key(b))
    });
    // The shard with the least stands first.
    let mut loads: std::collections::BTreeSet<(u64, usize)> = (1..=of).map(|n| (0, n)).collect();
    let mut dealt = vec![0; items.len()];
    for index in order {
        let Some((load, shard)) = loads.pop_first() else {
            break;
        };
        dealt[index] = shard;
        loads.insert((load.saturating_add(items[index].1.max(1)), shard));
    }
    dealt
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn env<'a>(set: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let found = set.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    fn shard(set: &[(&str, &str)]) -> Result<Option<(usize, usize)>, ShardError> {
        let found = Shard::from_environment(env(set))?;
        Ok(found.map(|(shard, _)| (shard.number, shard.of)))
    }

    #[test]
    fn each_system_counts_from_its_own_first() {
        assert_eq!(shard(&[]), Ok(None));
        let gitlab = [("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "3")];
        assert_eq!(shard(&gitlab), Ok(Some((1, 3))));
        let circle = [("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "3")];
        assert_eq!(shard(&circle), Ok(Some((1, 3))));
        let buildkite = [
            ("BUILDKITE_PARALLEL_JOB", "2"),
            ("BUILDKITE_PARALLEL_JOB_COUNT", "3"),
        ];
        assert_eq!(shard(&buildkite), Ok(Some((3, 3))));
        let kubernetes = [("JOB_COMPLETION_INDEX", "1"), ("LAB_CAPTURE_SHARDS", "3")];
        assert_eq!(shard(&kubernetes), Ok(Some((2, 3))));
        // A Job may be indexed for reasons of its own.
        assert_eq!(shard(&kubernetes[..1]), Ok(None));
    }

    #[test]
    fn what_makes_no_sense_is_an_error_and_not_everything() {
        for wrong in [
            &[("CI_NODE_INDEX", "2")][..],
            &[("CI_NODE_INDEX", "two"), ("CI_NODE_TOTAL", "3")],
            &[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")],
            &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "3")],
            &[("CIRCLE_NODE_INDEX", "3"), ("CIRCLE_NODE_TOTAL", "3")],
        ] {
            assert!(shard(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "3", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        assert_eq!("2/3".parse(), Ok(Shard { number: 2, of: 3 }));
    }

    proptest! {
        /// Graham's bound for the longest processing time first: 4/3 of the best there is.
        #[test]
        fn parts_are_whole_and_even(costs in prop::collection::vec(1u64..1000, 0..60), of in 1usize..9) {
            let names: Vec<String> = (0..costs.len()).map(|n| format!("s{n}")).collect();
            let items: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(costs.iter().copied()).collect();
            let dealt = deal(&items, of);
            prop_assert!(dealt.iter().all(|shard| (1..=of).contains(shard)));
            let load = |shard| -> u64 { dealt.iter().zip(&costs).filter(|(d, _)| **d == shard).map(|(_, c)| c).sum() };
            let most = (1..=of).map(load).max().unwrap_or(0);
            let (sum, largest) = (costs.iter().sum::<u64>(), costs.iter().copied().max().unwrap_or(0));
            prop_assert!(most <= sum.div_ceil(of as u64) + largest);
        }

        /// The order in which a machine lists its files does not matter.
        #[test]
        fn every_machine_deals_alike(costs in prop::collection::vec(1u64..20, 1..40), of in 1usize..6, turn in 0usize..40) {
            let names: Vec<String> = (0..costs.len()).map(|n| format!("s{n}")).collect();
            let mut items: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(costs.iter().copied()).collect();
            let by_name = |items: &[(&str, u64)]| -> std::collections::BTreeMap<String, usize> {
                items.iter().map(|(n, _)| (*n).to_owned()).zip(deal(items, of)).collect()
            };
            let first = by_name(&items);
            let len = items.len();
            items.rotate_left(turn % len);
            prop_assert_eq!(first, by_name(&items));
        }
    }
}
