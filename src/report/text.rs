//! The terminal report of a judged run.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::time::Duration;

use super::datagrams::Exchange;
use super::drawn::Drawn;
use super::ladder::{Drawing, Known};
use super::style::{self, BAD, BOLD, DIM, GOOD, ODD, paint};
use super::tally::{count, duration};
use super::{Tally, datagrams, escape, findings, ladder, meaning, order, packets};
use crate::check::{Judged, Named, Verdict};
use crate::timeline::{Event, Nanos};

/// How much a report tells of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// The verdict line; see [`reason`] for what it does not say.
    Quiet,
    /// The verdict line; everything of a run that did not pass.
    Failures,
    /// Packet list, ladders, findings, verdict line.
    #[default]
    Full,
}

/// How a text report is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How much of each run.
    pub detail: Detail,
    /// Columns, 80 or more.
    pub width: usize,
    /// Draw with ASCII characters only.
    pub ascii: bool,
    /// At most this many packets are listed of a run and drawn of a connection; the middle is left out.
    pub packets: usize,
    /// At most this many connections are drawn of a run, those that findings name first; the packets
    /// of the others are not listed either.
    pub connections: usize,
    /// At most this many findings are told.
    pub findings: usize,
    /// Print the scenario's explanation, whatever else is told.
    pub explain: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            detail: Detail::Full,
            width: 80,
            ascii: false,
            packets: 200,
            connections: 10,
            findings: 20,
            explain: false,
        }
    }
}

impl Options {
    /// Takes the terminal's width where it is larger than 80, up to 120 columns.
    pub fn terminal_width(mut self, columns: Option<usize>) -> Self {
        self.width = columns.unwrap_or(80).clamp(80, 120);
        self
    }
}

/// Writes the report of one run.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, judged: &Judged, options: &Options) -> io::Result<()> {
    let passed = matches!(judged.verdict, Verdict::Passed { .. });
    let details = match options.detail {
        Detail::Quiet => false,
        Detail::Failures => !passed,
        Detail::Full => true,
    };
    if details || options.explain {
        introduction(out, judged, options)?;
    }
    if details {
        exchange(out, judged, options)?;
        if !passed || !judged.foreseen.is_empty() {
            findings::write(out, judged, options)?;
            writeln!(out)?;
        }
    }
    writeln!(out, "{}", verdict_line(judged))
}

/// Why a run gave neither a pass nor a failure, for standard error where the verdict line is all that
/// is printed; `None` if it gave one. Of an inconclusive run the first reason, in one line.
pub fn reason(judged: &Judged) -> Option<String> {
    let name = escape::line(&judged.scenario.name);
    match &judged.verdict {
        Verdict::Passed { .. } | Verdict::Failed(_) => None,
        Verdict::Error(why) => {
            let lines: Vec<String> = why.lines().map(escape::line).collect();
            Some(format!("{name}: {}", lines.join("\n  ")))
        }
        Verdict::Inconclusive(reasons) => {
            let first = escape::line(reasons.first().map_or("no reason is known", |r| r));
            let more = match reasons.len() {
                0 | 1 => String::new(),
                n => format!(" (and {} more)", count(n - 1, "reason")),
            };
            Some(format!("{name}: {first}{more}"))
        }
    }
}

/// Name and title, and the explanation if it is asked for.
///
/// # Errors
/// Those of `out`.
pub fn introduction(out: &mut dyn Write, judged: &Judged, options: &Options) -> io::Result<()> {
    let name = paint(BOLD, &escape::line(&judged.scenario.name));
    let title = escape::line(&judged.scenario.title);
    let colon = if title.is_empty() { "" } else { ": " };
    writeln!(out, "{name}{colon}{title}\n")?;
    explanation(out, judged, options)
}

/// The scenario's explanation, if it is asked for: its paragraphs, wrapped.
fn explanation(out: &mut dyn Write, judged: &Judged, options: &Options) -> io::Result<()> {
    let text = match &judged.scenario.explain {
        Some(text) if options.explain => text,
        _ => return Ok(()),
    };
    for paragraph in text.trim().split("\n\n") {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        for line in style::wrap(&escape::line(&words.join(" ")), options.width) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Packet list and ladders.
fn exchange(out: &mut dyn Write, judged: &Judged, options: &Options) -> io::Result<()> {
    let (own, others) = order::assign(judged);
    let others: Vec<&Event> = others
        .into_iter()
        .filter(|e| !ladder::is_noise(e))
        .collect();
    let exchanges = datagrams::exchanges(judged);
    let drawn = Drawn::of(judged, exchanges.len(), options);
    // Where not all are drawn, the packets listed are those of what is drawn.
    let listed: Vec<usize> = match drawn.partly() {
        true => drawn.tcp.clone(),
        false => (0..judged.connections.len()).collect(),
    };
    let stories: HashMap<usize, _> = listed
        .iter()
        .map(|&index| {
            let talk = &judged.connections[index].conversation;
            (index, order::story(talk, &own[index]))
        })
        .collect();
    let meanings: Vec<(&Named, _)> = listed
        .iter()
        .map(|index| {
            let named = &judged.connections[*index];
            (named, meaning::of(&named.conversation, &stories[index]))
        })
        .collect();
    let udp = &exchanges[..drawn.udp.min(exchanges.len())];
    let rows = packets::rows(&meanings, udp);
    if let Some(first) = rows.first() {
        let start = beginning(judged, &exchanges).unwrap_or(first.time);
        packets::write(out, &rows, start, options.width, options.packets)?;
        writeln!(out)?;
    } else if judged.recording.is_some() {
        writeln!(out, "  no packets\n")?;
    }
    let mut known = Known::default();
    for named in &judged.connections {
        let (client, server) = packets::ends(named);
        known.add(named.conversation.client, &client);
        known.add(named.conversation.server, &server);
    }
    for exchange in &exchanges {
        let (client, server) = exchange.labels();
        known.add(exchange.client, &client);
        known.add(exchange.server, &server);
    }
    for index in &drawn.tcp {
        let named = &judged.connections[*index];
        ladder::write(out, &Drawing::tcp(named, &stories[index], &known), options)?;
        writeln!(out)?;
    }
    for exchange in udp {
        let placed = datagrams::story(exchange, &others);
        ladder::write(out, &Drawing::udp(exchange, &placed, &known), options)?;
        writeln!(out)?;
    }
    drawn.rest(
        out,
        judged,
        packets_of(judged, &exchanges) - rows.len(),
        options,
    )?;
    let pairs: HashSet<_> = exchanges
        .iter()
        .flat_map(|e| [(e.client, e.server), (e.server, e.client)])
        .collect();
    let of_exchange = |event: &Event| {
        let pair = event.ends.map(|ends| (ends.local, ends.peer));
        pair.is_some_and(|pair| pairs.contains(&pair))
    };
    let others: Vec<&Event> = others.into_iter().filter(|e| !of_exchange(e)).collect();
    elsewhere(out, &others, &known, judged, options)
}

/// When the first packet of all was captured.
fn beginning(judged: &Judged, exchanges: &[Exchange<'_>]) -> Option<Nanos> {
    let talks = judged.connections.iter();
    let tcp = talks.filter_map(|named| Some(named.conversation.segments.first()?.time));
    let udp = exchanges
        .iter()
        .filter_map(|e| Some(e.packets.first()?.time));
    tcp.chain(udp).min()
}

/// Packets of all conversations.
fn packets_of(judged: &Judged, exchanges: &[Exchange<'_>]) -> usize {
    let talks = judged.connections.iter();
    let tcp: usize = talks.map(|named| named.conversation.segments.len()).sum();
    tcp + exchanges.iter().map(|e| e.packets.len()).sum::<usize>()
}

/// Events that belong to no connection: a listening socket's, a program's.
fn elsewhere(
    out: &mut dyn Write,
    others: &[&Event],
    known: &Known,
    judged: &Judged,
    options: &Options,
) -> io::Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let title = if others.len() == recorded(judged) {
        "what the programs did"
    } else {
        "on no connection"
    };
    writeln!(out, "  {}", paint(BOLD, title))?;
    let mut lines: Vec<(String, bool, usize)> = vec![];
    for event in others {
        let text = format!(
            "{}: {}",
            escape::line(&event.actor),
            ladder::sentence(event, known)
        );
        let bad = event.errno.is_some() || event.failed;
        match lines.last_mut() {
            Some((last, _, times)) if *last == text => *times += 1,
            _ => lines.push((text, bad, 1)),
        }
    }
    let [first, second] = packets::shown(lines.len(), options.packets.min(40));
    for index in first.clone().chain(second.clone()) {
        if index == second.start && index > first.end {
            let text = format!("  … {} lines left out …", index - first.end);
            writeln!(out, "{}", paint(DIM, &text))?;
        }
        let (text, bad, times) = &lines[index];
        let times = if *times > 1 {
            format!(" ({times} times)")
        } else {
            String::new()
        };
        let style = if *bad { BAD } else { style::PLAIN };
        let text = style::cut(&format!("{text}{times}"), options.width - 2);
        writeln!(out, "  {}", paint(style, &text))?;
    }
    writeln!(out)
}

fn recorded(judged: &Judged) -> usize {
    judged.recording.as_ref().map_or(0, |r| r.events.len())
}

/// `close: passed  1 connection, 10 frames, 0 drops, 46 ms -> captures/close.pcap`.
pub fn verdict_line(judged: &Judged) -> String {
    let name = paint(BOLD, &escape::line(&judged.scenario.name));
    let style = match judged.verdict {
        Verdict::Passed { .. } => GOOD,
        Verdict::Failed(_) | Verdict::Error(_) => BAD,
        Verdict::Inconclusive(_) => ODD,
    };
    let word = paint(style, judged.verdict.word());
    let variant = match &judged.verdict {
        Verdict::Passed {
            variant: Some(name),
        } => format!(" ({})", escape::line(name)),
        _ if judged.accepted => " (snapshot written)".to_owned(),
        _ => String::new(),
    };
    let mut facts = vec![];
    if let Some(recording) = &judged.recording {
        let (tcp, udp) = (judged.connections.len(), judged.datagrams.len());
        if tcp > 0 || udp == 0 {
            facts.push(count(tcp, "connection"));
        }
        if udp > 0 {
            facts.push(count(udp, "UDP exchange"));
        }
        facts.push(count(recording.frames.len(), "frame"));
        facts.push(count(recording.stats.dropped as usize, "drop"));
    }
    facts.push(duration(judged.elapsed));
    let facts = facts.join(", ");
    let file = match &judged.file {
        Some(file) => format!(" -> {}", escape::line(&file.to_string_lossy())),
        None => String::new(),
    };
    format!("{name}: {word}{variant}  {facts}{file}")
}

/// The last line of a report of several runs, after the names of those that did not pass.
///
/// # Errors
/// Those of `out`.
pub fn summary(out: &mut dyn Write, tally: &Tally, elapsed: Duration) -> io::Result<()> {
    for (name, word) in &tally.not_passed {
        let style = if *word == "inconclusive" { ODD } else { BAD };
        writeln!(out, "  {} {}", paint(style, word), escape::line(name))?;
    }
    let parts = [
        (tally.passed, "passed", GOOD),
        (tally.failed, "failed", BAD),
        (tally.inconclusive, "inconclusive", ODD),
        (tally.errors, "not run", BAD),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(n, word, _)| *n > 0 || *word == "passed")
        .map(|(n, word, style)| paint(style, &format!("{n} {word}")))
        .collect();
    let all = count(tally.total(), "scenario");
    writeln!(out, "{all}: {}  {}", words.join(", "), duration(elapsed))
}
