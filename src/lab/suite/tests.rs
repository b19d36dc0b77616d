//! The scheduler alone: order, bounds, stopping.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use super::{Event, Limits, Stop, Work};

/// Work made of closures.
struct Made<C, R> {
    count: usize,
    cost: C,
    run: R,
}

impl<T: Send, C: Fn(usize) -> u64 + Sync, R: Fn(usize) -> T + Sync> Work for Made<C, R> {
    type Result = T;

    fn count(&self) -> usize {
        self.count
    }

    fn cost(&self, index: usize) -> u64 {
        (self.cost)(index)
    }

    fn run(&self, index: usize) -> T {
        (self.run)(index)
    }

    fn weight(&self, _: &T) -> u64 {
        1
    }
}

fn limits(jobs: usize) -> Limits {
    Limits {
        jobs,
        cost: u64::MAX,
        held: u64::MAX,
        tick: None,
    }
}

/// Collects the results.
fn results<T: Send>(
    count: usize,
    limits: Limits,
    cost: impl Fn(usize) -> u64 + Sync,
    run: impl Fn(usize) -> T + Sync,
) -> Vec<(usize, T)> {
    let mut seen = vec![];
    let made = Made { count, cost, run };
    let started = super::run(&made, limits, |event| {
        if let Event::Result(index, value) = event {
            seen.push((index, value));
        }
        Stop::No
    });
    assert_eq!(started, seen.len());
    seen
}

#[test]
fn results_come_in_the_plans_order_although_runs_end_in_another() {
    // The first ends only after the last has begun.
    let meet = Barrier::new(2);
    let seen = results(
        4,
        limits(4),
        |_| 1,
        |index| {
            if index == 0 || index == 3 {
                meet.wait();
            }
            index * 10
        },
    );
    assert_eq!(seen, [(0, 0), (1, 10), (2, 20), (3, 30)]);
}

#[test]
fn costs_under_way_stay_within_the_limit_and_a_large_one_runs_alone() {
    let costs = [3, 3, 3, 100, 3, 3, 3, 3, 100, 3];
    let (busy, most) = (AtomicU64::new(0), Mutex::new(vec![]));
    let limits = Limits {
        cost: 7,
        ..limits(8)
    };
    let seen = results(
        costs.len(),
        limits,
        |i| costs[i],
        |index| {
            let now = busy.fetch_add(costs[index], Ordering::SeqCst) + costs[index];
            std::thread::yield_now();
            most.lock().unwrap().push((costs[index], now));
            busy.fetch_sub(costs[index], Ordering::SeqCst);
        },
    );
    assert_eq!(seen.len(), costs.len());
    for (cost, now) in most.into_inner().unwrap() {
        assert!(now <= 7 || now == cost, "{now} while one of {cost} ran");
    }
}

#[test]
fn results_held_back_by_a_slow_run_stop_new_ones() {
    // Run 0 waits until no other is started any more: held results must stop the workers.
    let ended = AtomicUsize::new(0);
    let limits = Limits {
        held: 5,
        ..limits(2)
    };
    let seen = results(
        100,
        limits,
        |_| 1,
        |index| {
            if index == 0 {
                while ended.load(Ordering::SeqCst) < 6 {
                    std::thread::yield_now();
                }
                // Were the bound not kept, others would go on meanwhile.
                for _ in 0..10_000 {
                    std::thread::yield_now();
                }
                return ended.load(Ordering::SeqCst);
            }
            ended.fetch_add(1, Ordering::SeqCst);
            0
        },
    );
    assert_eq!(seen.len(), 100);
    // Five may be held, the sixth was under way when they were.
    assert_eq!(seen[0].1, 6);
}

#[test]
fn stopping_lets_those_under_way_end_and_delivers_them() {
    let mut seen = vec![];
    let made = Made {
        count: 1000,
        cost: |_| 1,
        run: |index| index,
    };
    // Runs may be ahead of what has been delivered by this much only.
    let limits = Limits {
        held: 5,
        ..limits(3)
    };
    let started = super::run(&made, limits, |event| match event {
        Event::Result(index, value) => {
            seen.push(value);
            if index == 10 { Stop::Yes } else { Stop::No }
        }
        _ => Stop::No,
    });
    assert!((11..30).contains(&started), "{started}");
    assert_eq!(seen, (0..started).collect::<Vec<_>>());
}

#[test]
fn an_empty_plan_ends_at_once() {
    assert!(results(0, limits(3), |_| 1, |index| index).is_empty());
}

#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn a_worker_that_panics_does_not_leave_the_others_waiting() {
    results(50, limits(4), |_| 1, |index| assert_ne!(index, 7));
}
