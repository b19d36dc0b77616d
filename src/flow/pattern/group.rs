//! Patterns for several connections.

use std::ops::Range;

use super::line::Item;
use super::matching::{self, Miss};
use crate::flow::types::Flow;

/// Which connections a pattern is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// All of them.
    All,
    /// Those of these names; `*` at the end stands for any rest.
    Named(Vec<String>),
    /// This many of those that nothing else names, whichever.
    AnyOrder(usize),
}

/// Expected flows of one or several connections.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    list: Vec<(Group, Vec<Item>)>,
    /// Of each pattern: where its heading and its lines stand in the text.
    places: Vec<(Range<usize>, Vec<Range<usize>>)>,
}

/// A connection that does not show what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// This connection parts from its pattern.
    Flow {
        /// Its name.
        name: String,
        /// Which of the patterns, from 0.
        pattern: usize,
        /// Where.
        miss: Miss,
    },
    /// The pattern names a connection that there is not.
    NoSuch {
        /// The name.
        name: String,
        /// Which of the patterns, from 0.
        pattern: usize,
    },
    /// Of a group in any order, these many connections are missing or left over.
    AnyOrder {
        /// Which of the patterns found fewer connections than it says.
        missing: Vec<usize>,
        /// Connections that no pattern is left for.
        left: Vec<String>,
    },
}

impl Patterns {
    pub(super) fn add(
        &mut self,
        group: Group,
        items: Vec<Item>,
        places: (Range<usize>, Vec<Range<usize>>),
    ) {
        let heading_only =
            matches!(group, Group::AnyOrder(0)) || (group == Group::All && items.is_empty());
        if !heading_only {
            self.list.push((group, items));
            self.places.push(places);
        }
    }

    /// Where a line of a pattern stands in the text; past the last line, where the pattern begins.
    pub fn place(&self, pattern: usize, item: usize) -> Range<usize> {
        let Some((heading, lines)) = self.places.get(pattern) else {
            return 0..0;
        };
        let whole = || match (lines.first(), lines.last()) {
            (Some(first), Some(last)) if heading.is_empty() => first.start..last.end,
            _ => heading.clone(),
        };
        lines.get(item).cloned().unwrap_or_else(whole)
    }

    /// No pattern at all?
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The lines of one pattern.
    pub fn items(&self, pattern: usize) -> &[Item] {
        self.list.get(pattern).map_or(&[], |(_, items)| items)
    }

    /// Holds every pattern against the flows that it is for; what does not hold.
    pub fn check(&self, flows: &[&Flow]) -> Vec<Mismatch> {
        let mut mismatches = vec![];
        let mut taken = vec![false; flows.len()];
        for (index, (group, items)) in self.list.iter().enumerate() {
            let Group::Named(names) = group else { continue };
            for name in names {
                let mut any = false;
                for (at, flow) in flows
                    .iter()
                    .enumerate()
                    .filter(|(_, flow)| named(name, &flow.name))
                {
                    any = true;
                    taken[at] = true;
                    hold(index, items, flow, &mut mismatches);
                }
                if !any {
                    mismatches.push(Mismatch::NoSuch {
                        name: name.clone(),
                        pattern: index,
                    });
                }
            }
        }
        for (index, (group, items)) in self.list.iter().enumerate() {
            if *group == Group::All {
                for (_, flow) in flows.iter().enumerate().filter(|(at, _)| !taken[*at]) {
                    hold(index, items, flow, &mut mismatches);
                }
            }
        }
        self.any_order(flows, &taken, &mut mismatches);
        mismatches
    }

    /// A maximum matching of patterns and connections (augmenting paths).
    fn any_order(&self, flows: &[&Flow], taken: &[bool], mismatches: &mut Vec<Mismatch>) {
        let mut slots = vec![];
        for (index, (group, items)) in self.list.iter().enumerate() {
            if let Group::AnyOrder(count) = group {
                // More slots than connections cannot be filled; one more shows that.
                slots.extend((0..(*count).min(flows.len() + 1)).map(|_| (index, items)));
            }
        }
        if slots.is_empty() {
            return;
        }
        let free: Vec<usize> = (0..flows.len()).filter(|&at| !taken[at]).collect();
        let fits: Vec<Vec<bool>> = slots
            .iter()
            .map(|(_, items)| {
                free.iter()
                    .map(|&at| matching::matches(items, flows[at]).is_ok())
                    .collect()
            })
            .collect();
        let mut slot_of: Vec<Option<usize>> = vec![None; free.len()];
        let mut missing = vec![];
        for (slot, wanted) in slots.iter().enumerate() {
            let mut seen = vec![false; free.len()];
            if !augment(slot, &fits, &mut slot_of, &mut seen) {
                missing.push(wanted.0);
            }
        }
        missing.dedup();
        let left: Vec<String> = (0..free.len())
            .filter(|&at| slot_of[at].is_none())
            .map(|at| flows[free[at]].name.clone())
            .collect();
        if !missing.is_empty() || !left.is_empty() {
            mismatches.push(Mismatch::AnyOrder { missing, left });
        }
    }
}

fn hold(pattern: usize, items: &[Item], flow: &Flow, mismatches: &mut Vec<Mismatch>) {
    if let Err(miss) = matching::matches(items, flow) {
        mismatches.push(Mismatch::Flow {
            name: flow.name.clone(),
            pattern,
            miss,
        });
    }
}

fn augment(
    slot: usize,
    fits: &[Vec<bool>],
    slot_of: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for at in 0..slot_of.len() {
        if !fits[slot][at] || seen[at] {
            continue;
        }
        seen[at] = true;
        let free = match slot_of[at] {
            None => true,
            Some(other) => augment(other, fits, slot_of, seen),
        };
        if free {
            slot_of[at] = Some(slot);
            return true;
        }
    }
    false
}

fn named(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}
