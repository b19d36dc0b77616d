//! JSON Lines: one record a line, each with a `type`.
//!
//! The fields of `segment` and `connection` are fixed by the design. Times are seconds since the
//! Unix epoch with nine digits behind the point, in records of a live run and of a file alike;
//! `elapsed` is in seconds. Records of a scenario's run carry its name in `scenario`; where it was run
//! several times, also which of the runs it is: `repetition` or `attempt`, from 1.

use std::io::{self, Write};
use std::time::Duration;

use super::Tally;
use super::record::event_record;
pub use super::record::{
    BytesRecord, CaptureRecord, CauseRecord, CloseRecord, ConnectionRecord, EventRecord,
    FindingRecord, Record, SegmentRecord, SummaryRecord, VerdictRecord, Which,
};
use crate::capture::Completeness;
use crate::check::{Judged, Verdict};

/// Writes one record and the line's end.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Writes all records of one run: capture, events as reported, segments in capture order,
/// connections, verdict.
///
/// # Errors
/// Those of `out`.
pub fn judged(out: &mut dyn Write, judged: &Judged, which: Which) -> io::Result<()> {
    let scenario = Some(judged.scenario.name.as_str());
    let file = judged.file.as_ref();
    let file = || file.map(|file| file.to_string_lossy().into_owned());
    let source = &judged.scenario.source;
    if let Some(recording) = &judged.recording {
        let (complete, reasons): (_, &[String]) = match &recording.complete {
            Completeness::Complete => (Some(true), &[]),
            Completeness::Incomplete(reasons) => (Some(false), reasons),
            Completeness::Unknown => (None, &[]),
        };
        let capture = CaptureRecord {
            scenario,
            which,
            file: file(),
            link: recording.link.0,
            snaplen: recording.snaplen,
            frames: recording.frames.len(),
            drops: complete.map(|_| recording.stats.dropped),
            complete,
            reasons,
        };
        write(out, &Record::Capture(capture))?;
        for event in &recording.events {
            let event = event_record(scenario, which, event, source);
            write(out, &Record::Event(event))?;
        }
    }
    let mut segments: Vec<_> = judged
        .connections
        .iter()
        .flat_map(|named| {
            named
                .conversation
                .segments
                .iter()
                .map(move |seg| (named, seg))
        })
        .collect();
    segments.sort_by_key(|(_, seg)| seg.frame);
    for (named, seg) in segments {
        let segment = SegmentRecord::new(scenario, which, &named.conversation, seg);
        write(out, &Record::Segment(segment))?;
    }
    for named in &judged.connections {
        if let Some(connection) = ConnectionRecord::judged(scenario, which, named) {
            write(out, &Record::Connection(connection))?;
        }
    }
    let recording = judged.recording.as_ref();
    let verdict = VerdictRecord {
        scenario: &judged.scenario.name,
        which,
        path: source.path.to_string_lossy().into_owned(),
        verdict: judged.verdict.word(),
        variant: match &judged.verdict {
            Verdict::Passed { variant } => variant.as_deref(),
            _ => None,
        },
        findings: match &judged.verdict {
            Verdict::Failed(list) => list.iter().map(|f| FindingRecord::new(f, source)).collect(),
            _ => vec![],
        },
        foreseen: judged
            .foreseen
            .iter()
            .map(|f| FindingRecord::new(f, source))
            .collect(),
        reasons: match &judged.verdict {
            Verdict::Inconclusive(reasons) => reasons,
            _ => &[],
        },
        error: match &judged.verdict {
            Verdict::Error(why) => Some(why),
            _ => None,
        },
        connections: judged.connections.len(),
        datagrams: judged.datagrams.iter().map(ToString::to_string).collect(),
        frames: recording.map_or(0, |r| r.frames.len()),
        drops: recording.map_or(0, |r| r.stats.dropped),
        elapsed: judged.elapsed.as_secs_f64(),
        file: file(),
        accepted: judged.accepted,
    };
    write(out, &Record::Verdict(verdict))
}

/// Writes the summary record.
///
/// # Errors
/// Those of `out`.
pub fn summary(out: &mut dyn Write, tally: &Tally, elapsed: Duration) -> io::Result<()> {
    let record = SummaryRecord {
        scenarios: tally.total(),
        passed: tally.passed,
        failed: tally.failed,
        inconclusive: tally.inconclusive,
        errors: tally.errors,
        elapsed: elapsed.as_secs_f64(),
    };
    write(out, &Record::Summary(record))
}
