//! The packet list, as Wireshark's: number, time, who to whom, flags, numbers, meaning.

use std::io::{self, Write};

use anstyle::Style;

use super::datagrams::{Datagram, Exchange, What};
use super::escape;
use super::meaning::Meaning;
use super::style::{self, BOLD, DIM, paint};
use crate::check::Named;
use crate::tcp::{Seg, Side};
use crate::timeline::Nanos;

/// Stands for a space at which a line must not be broken.
const KEEP: &str = "\u{a0}";

/// A packet with its sentence.
pub(super) struct Row<'a> {
    pub frame: u64,
    pub time: Nanos,
    /// `client-1 → server`.
    pub whom: String,
    /// Flags, or the protocol where there are none.
    pub flags: String,
    pub seq: String,
    pub ack: String,
    pub len: String,
    pub style: Style,
    /// What it means; what follows the payload stands apart.
    pub text: &'a str,
    pub tail: &'a str,
    /// The payload to be shown, and whether the wire had more of it than the capture.
    pub payload: Option<(&'a [u8], bool)>,
}

/// Prints rows, which are in capture order; beyond `limit` the middle is left out.
pub(super) fn write(
    out: &mut dyn Write,
    rows: &[Row<'_>],
    start: Nanos,
    columns: usize,
    limit: usize,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let shown = shown(rows.len(), limit);
    let titles = ["#", "time", "who → to whom", "flags", "seq", "ack", "len"];
    let mut widths = titles.map(style::width);
    for index in shown.iter().cloned().flatten() {
        for (width, cell) in widths.iter_mut().zip(&cells(&rows[index], start)) {
            *width = (*width).max(style::width(cell));
        }
    }
    let line = |cells: &[String; 7]| {
        let mut line = String::from(" ");
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            line.push(' ');
            let gap = width - style::width(cell);
            let left = matches!(column, 2 | 3);
            let (before, after) = if left { (0, gap) } else { (gap, 0) };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', after + usize::from(left)));
        }
        line.push_str("  ");
        line
    };
    let head = line(&titles.map(String::from));
    let indent = style::width(&head);
    let room = columns.saturating_sub(indent).max(16);
    writeln!(out, "{}", paint(BOLD, &format!("{head}what it means")))?;
    let [first, second] = shown;
    let left_out = second.start - first.end;
    for index in first.chain(second.clone()) {
        if left_out > 0 && index == second.start {
            let text = format!("  … {left_out} packets left out …");
            writeln!(out, "{}", paint(DIM, &text))?;
        }
        let row = &rows[index];
        packet(out, row, &line(&cells(row, start)), indent, room)?;
    }
    Ok(())
}

/// The rows at the beginning and at the end that are shown.
pub(super) fn shown(len: usize, limit: usize) -> [std::ops::Range<usize>; 2] {
    if len <= limit {
        return [0..len, len..len];
    }
    [0..limit.div_ceil(2), len - limit / 2..len]
}

fn packet(
    out: &mut dyn Write,
    row: &Row<'_>,
    head: &str,
    indent: usize,
    room: usize,
) -> io::Result<()> {
    let style = row.style;
    let text = sentence(row, room);
    for (index, part) in style::wrap(&text, room).iter().enumerate() {
        let head = if index == 0 {
            head
        } else {
            &" ".repeat(indent)
        };
        let line = format!("{head}{}", part.replace(KEEP, " "));
        writeln!(out, "{}", paint(style, &line))?;
    }
    Ok(())
}

/// The meaning with as much of the payload as fits the line.
fn sentence(row: &Row<'_>, room: usize) -> String {
    let Row { text, tail, .. } = row;
    match row.payload {
        None => format!("{text}{tail}"),
        Some(([], true)) => format!("{text} (not captured){tail}"),
        Some((payload, more)) => {
            let left = room.saturating_sub(style::width(text) + 1);
            let left = if left < 16 { room } else { left };
            // A space inside the quotes must not be a place to break the line.
            let shown = escape::preview(payload, more, left).replace(' ', KEEP);
            format!("{text} {shown}{tail}")
        }
    }
}

fn cells(row: &Row<'_>, start: Nanos) -> [String; 7] {
    [
        row.frame.to_string(),
        seconds(row.time - start),
        row.whom.clone(),
        row.flags.clone(),
        row.seq.clone(),
        row.ack.clone(),
        row.len.clone(),
    ]
}

/// The names of a connection's two ends; addresses where nobody is known.
pub(super) fn ends(named: &Named) -> (String, String) {
    let server = match &named.server {
        Some(name) => name.to_string(),
        None => named.conversation.server.to_string(),
    };
    (escape::line(&named.name), escape::line(&server))
}

/// Seconds with six digits, rounded down.
pub(super) fn seconds(ns: Nanos) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let us = ns.unsigned_abs() / 1000;
    format!("{sign}{}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// The packets of these conversations in capture order, with their meanings.
pub(super) fn rows<'a>(
    talks: &'a [(&'a Named, Vec<Meaning>)],
    exchanges: &'a [Exchange<'a>],
) -> Vec<Row<'a>> {
    let mut rows = vec![];
    for (named, meanings) in talks {
        let names = ends(named);
        let segments = named.conversation.segments.iter().zip(meanings);
        rows.extend(segments.map(|(seg, meaning)| of_segment(seg, meaning, &names)));
    }
    for exchange in exchanges {
        let names = exchange.labels();
        rows.extend(exchange.packets.iter().map(|p| of_datagram(p, &names)));
    }
    rows.sort_by_key(|row| row.frame);
    rows
}

fn whom(from: Side, (client, server): &(String, String)) -> String {
    match from {
        Side::Client => format!("{client} → {server}"),
        Side::Server => format!("{server} → {client}"),
    }
}

fn of_segment<'a>(seg: &'a Seg, meaning: &'a Meaning, names: &(String, String)) -> Row<'a> {
    let more = (seg.payload.len() as u64) < u64::from(seg.len);
    Row {
        frame: seg.frame,
        time: seg.time,
        whom: whom(seg.from, names),
        flags: seg.flags.to_string(),
        seq: seg.seq.to_string(),
        ack: seg.ack.to_string(),
        len: seg.len.to_string(),
        style: style::of(seg),
        text: &meaning.text,
        tail: &meaning.tail,
        payload: meaning.payload.then_some((&seg.payload, more)),
    }
}

fn of_datagram<'a>(datagram: &'a Datagram<'a>, names: &(String, String)) -> Row<'a> {
    let row = Row {
        frame: datagram.frame,
        time: datagram.time,
        whom: whom(datagram.from, names),
        flags: String::new(),
        seq: String::new(),
        ack: String::new(),
        len: String::new(),
        style: style::PLAIN,
        text: "",
        tail: "",
        payload: None,
    };
    match datagram.what {
        What::Data(len, payload) => Row {
            flags: "UDP".to_owned(),
            len: len.to_string(),
            style: style::DATA,
            text: "datagram",
            payload: Some((payload, (payload.len() as u64) < u64::from(len))),
            ..row
        },
        What::Error(text) => Row {
            flags: "ICMP".to_owned(),
            style: style::BAD,
            text,
            ..row
        },
    }
}
