//! `options`: what the SYNs say.

use super::evidence::{Outcome, Subject};
use crate::scenario::{OptionValue, TcpOption};
use crate::tcp::{Seg, Side};
use crate::wire::Flags;

pub fn judge(subject: &Subject<'_>, asked: &TcpOption, outcome: &mut Outcome) {
    let sides = match asked.side {
        Some(side) => vec![side],
        None => vec![Side::Client, Side::Server],
    };
    let said: Vec<(Side, Option<&Seg>)> = sides
        .into_iter()
        .map(|side| (side, syn(subject, side)))
        .collect();
    let holds = match asked.wanted {
        // Not negotiated: one side that does not offer it is enough.
        OptionValue::SackPermitted(false) | OptionValue::Timestamps(false)
            if asked.side.is_none() =>
        {
            said.iter()
                .any(|(_, syn)| syn.is_some_and(|syn| holds(syn, asked.wanted)))
        }
        wanted => said
            .iter()
            .all(|(_, syn)| syn.is_some_and(|syn| holds(syn, wanted))),
    };
    if holds {
        return;
    }
    let (name, wanted) = describe(asked);
    let whose = match asked.side {
        Some(side) => format!("the {side}'s SYN"),
        None => "the SYNs".to_owned(),
    };
    let mut finding = subject.finding(
        "options",
        format!("{}: {whose}: {name} is not as expected", subject.name()),
    );
    finding.span = Some(asked.span.clone());
    finding.expected = Some(format!("{name} {wanted}"));
    let actual: Vec<String> = said
        .iter()
        .map(|(side, syn)| match syn {
            Some(syn) => format!("{side}: {}", value(syn, asked.wanted)),
            None => format!("{side}: no SYN"),
        })
        .collect();
    finding.actual = Some(actual.join(", "));
    finding.frames = said
        .iter()
        .filter_map(|(_, syn)| Some(syn.as_ref()?.frame))
        .collect();
    finding.frames.sort_unstable();
    outcome.findings.push(finding);
}

fn syn<'a>(subject: &Subject<'a>, side: Side) -> Option<&'a Seg> {
    let mut segments = subject.conversation.segments.iter();
    segments.find(|segment| segment.from == side && segment.flags.contains(Flags::SYN))
}

fn holds(syn: &Seg, wanted: OptionValue) -> bool {
    match wanted {
        OptionValue::Mss(bound) => syn.options.mss.is_some_and(|n| bound.holds(n.into())),
        OptionValue::WindowScale(bound) => syn
            .options
            .window_scale
            .is_some_and(|n| bound.holds(n.into())),
        OptionValue::SackPermitted(wanted) => syn.options.sack_permitted == wanted,
        OptionValue::Timestamps(wanted) => syn.options.timestamps.is_some() == wanted,
    }
}

fn describe(asked: &TcpOption) -> (&'static str, String) {
    let offered = |on| match (on, asked.side) {
        (true, None) => "offered by both",
        (false, None) => "not offered by both",
        (true, Some(_)) => "offered",
        (false, Some(_)) => "not offered",
    };
    match asked.wanted {
        OptionValue::Mss(bound) => ("mss", bound.to_string()),
        OptionValue::WindowScale(bound) => ("window-scale", bound.to_string()),
        OptionValue::SackPermitted(on) => ("sack-permitted", offered(on).to_owned()),
        OptionValue::Timestamps(on) => ("timestamps", offered(on).to_owned()),
    }
}

fn value(syn: &Seg, wanted: OptionValue) -> String {
    let offered = |on| if on { "offered" } else { "not offered" }.to_owned();
    let number = |n: Option<u64>| n.map_or("none".to_owned(), |n| n.to_string());
    match wanted {
        OptionValue::Mss(_) => number(syn.options.mss.map(u64::from)),
        OptionValue::WindowScale(_) => number(syn.options.window_scale.map(u64::from)),
        OptionValue::SackPermitted(_) => offered(syn.options.sack_permitted),
        OptionValue::Timestamps(_) => offered(syn.options.timestamps.is_some()),
    }
}
