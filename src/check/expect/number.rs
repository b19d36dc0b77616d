//! Facts that are numbers: `resets`, `retransmissions`, `bytes`…

use super::evidence::{Evidence, Outcome, Subject, shorten_list};
use crate::check::Finding;
use crate::scenario::{Asked, Bound, Count, Number};
use crate::tcp::{Analysis, Seg, Side};
use crate::wire::Flags;

pub fn judge(subject: &Subject<'_>, asked: &Number, outcome: &mut Outcome) {
    let frames = counted(subject, asked.what, asked.side);
    let actual = match asked.what {
        Count::Bytes => bytes(subject, asked.side),
        _ => frames.len() as u64,
    };
    if asked.bound.holds(actual) {
        return;
    }
    let (what, of) = (noun(asked.what, actual), side(asked.side));
    let mut finding = subject.finding(
        asked.what.key(),
        format!(
            "{}: {actual} {what}{of}, not {}",
            subject.name(),
            asked.bound
        ),
    );
    finding.span = Some(asked.span.clone());
    finding.expected = Some(asked.bound.to_string());
    finding.actual = Some(actual.to_string());
    finding.frames = frames;
    outcome.findings.push(finding);
}

/// How many connections there are.
pub fn connections(evidence: &Evidence<'_>, asked: &Asked<Bound>, outcome: &mut Outcome) {
    let actual = evidence.subjects.len() as u64;
    if asked.value.holds(actual) {
        return;
    }
    let names: Vec<&str> = evidence.subjects.iter().map(Subject::name).collect();
    let are = if actual == 1 { "is" } else { "are" };
    let s = if actual == 1 { "" } else { "s" };
    outcome.findings.push(Finding {
        code: "connections",
        message: format!("there {are} {actual} connection{s}, not {}", asked.value),
        span: Some(asked.span.clone()),
        expected: Some(asked.value.to_string()),
        actual: Some(match names.as_slice() {
            [] => "0".to_owned(),
            names => format!("{actual}: {}", shorten_list(names)),
        }),
        ..Finding::default()
    });
}

/// The frames that count.
fn counted(subject: &Subject<'_>, what: Count, side: Option<Side>) -> Vec<u64> {
    let counts = |segment: &&Seg| {
        let from = side.is_none_or(|side| segment.from == side);
        from && match what {
            Count::Syns => {
                segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::ACK)
            }
            Count::Resets => segment.flags.contains(Flags::RST),
            Count::Retransmissions => segment.analysis.intersects(
                Analysis::RETRANSMISSION
                    | Analysis::FAST_RETRANSMISSION
                    | Analysis::SPURIOUS_RETRANSMISSION,
            ),
            Count::DuplicateAcks => segment.analysis.contains(Analysis::DUPLICATE_ACK),
            Count::ZeroWindow => segment.analysis.contains(Analysis::ZERO_WINDOW),
            Count::Segments => true,
            Count::Bytes => segment.len > 0,
        }
    };
    let segments = subject.conversation.segments.iter();
    segments
        .filter(counts)
        .map(|segment| segment.frame)
        .collect()
}

fn bytes(subject: &Subject<'_>, side: Option<Side>) -> u64 {
    let of = |side: Side| -> u64 {
        let spans = subject.atoms.side(side).spans.iter();
        spans.map(|(start, span)| span.end - start).sum()
    };
    match side {
        Some(side) => of(side),
        None => of(Side::Client) + of(Side::Server),
    }
}

fn noun(what: Count, n: u64) -> &'static str {
    match (what, n) {
        (Count::Syns, 1) => "SYN",
        (Count::Syns, _) => "SYNs",
        (Count::Resets, 1) => "segment with RST",
        (Count::Resets, _) => "segments with RST",
        (Count::Retransmissions, 1) => "retransmission",
        (Count::Retransmissions, _) => "retransmissions",
        (Count::DuplicateAcks, 1) => "duplicate ACK",
        (Count::DuplicateAcks, _) => "duplicate ACKs",
        (Count::ZeroWindow, 1) => "segment with window 0",
        (Count::ZeroWindow, _) => "segments with window 0",
        (Count::Segments, 1) => "segment",
        (Count::Segments, _) => "segments",
        (Count::Bytes, 1) => "byte",
        (Count::Bytes, _) => "bytes",
    }
}

fn side(side: Option<Side>) -> String {
    side.map_or_else(String::new, |side| format!(" from the {side}"))
}
