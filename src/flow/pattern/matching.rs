//! A pattern against a flow, and where they part.

use super::line::{Element, Item};
use crate::flow::types::Flow;

/// Where a flow and a pattern part: the first flow line that no way of reading the pattern reaches
/// beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The pattern's line (from 0) that did not match; one past the last if the flow goes on.
    pub item: usize,
    /// The flow's line (from 0) at that point; one past the last if the flow ended.
    pub line: usize,
}

/// The elements of a flow, one for each line of a pattern.
pub(super) fn elements(flow: &Flow) -> Vec<Element<'_>> {
    let mut elements = vec![Element::Handshake(flow.handshake)];
    elements.extend(flow.phases.iter().map(Element::Phase));
    elements.extend(flow.close.lines().into_iter().map(Element::Close));
    elements
}

/// Matches the whole flow. Where the pattern says nothing of the handshake or the close, they may
/// be anything.
pub(super) fn matches(items: &[Item], flow: &Flow) -> Result<(), Miss> {
    let elements = elements(flow);
    let says = |found: fn(&Item) -> bool| items.iter().any(|item| mentions(item, found));
    let first = usize::from(!says(|item| matches!(item, Item::Handshake(_))));
    let mut last = elements.len();
    if !says(|item| matches!(item, Item::Close(_))) {
        while last > first && matches!(elements[last - 1], Element::Close(_)) {
            last -= 1;
        }
    }
    // Which flow lines can be reached before each pattern line: a set, so nothing is tried twice.
    let window = &elements[first..last];
    let mut reachable = vec![false; window.len() + 1];
    reachable[0] = true;
    for (index, item) in items.iter().enumerate() {
        let mut next = vec![false; window.len() + 1];
        for at in (0..reachable.len()).filter(|&at| reachable[at]) {
            match item {
                Item::Anything => next[at..].fill(true),
                item => {
                    next[at] |= matches!(item, Item::Optional(_));
                    if at < window.len() && item.matches(&window[at]) {
                        next[at + 1] = true;
                    }
                }
            }
        }
        if !next.contains(&true) {
            let furthest = reachable.iter().rposition(|&reached| reached).unwrap_or(0);
            return Err(Miss {
                item: index,
                line: first + furthest,
            });
        }
        reachable = next;
    }
    if reachable[window.len()] {
        return Ok(());
    }
    let furthest = reachable.iter().rposition(|&reached| reached).unwrap_or(0);
    Err(Miss {
        item: items.len(),
        line: first + furthest,
    })
}

fn mentions(item: &Item, found: fn(&Item) -> bool) -> bool {
    match item {
        Item::OneOf(items) => items.iter().any(|item| mentions(item, found)),
        Item::Optional(item) => mentions(item, found),
        item => found(item),
    }
}
