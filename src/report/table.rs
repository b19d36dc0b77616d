//! The table of connections: one line each, as many columns as the width has room for.
//!
//! Rows are collected up to a stated number before the first is printed, so that columns fit and
//! memory stays bounded; later rows may only widen a column.

use std::io::{self, Write};

use super::buffer::Buffer;
use super::records::{by, handshake, how};
use super::style::{self, BAD, BOLD, DIM, ODD, cut, paint};
use crate::tcp::{Handshake, How, Sent, Summary};
use crate::timeline::Nanos;

/// Rows that are collected before the first is printed.
const BATCH: usize = 4096;

struct Column {
    title: &'static str,
    /// What to leave out first: the highest.
    rank: u8,
    left: bool,
    cell: fn(&Summary, Nanos) -> String,
}

const COLUMNS: [Column; 14] = [
    Column::number("#", 0, |s, _| {
        let more = if s.continued { "+" } else { "" };
        format!("{}{more}", s.stream)
    }),
    Column::text("client", 0, |s, _| s.client.to_string()),
    Column::text("server", 0, |s, _| s.server.to_string()),
    Column::text("handshake", 6, |s, _| handshake(s.handshake).to_owned()),
    Column::text("close", 1, close),
    Column::number("bytes →", 0, |s, _| s.sent[0].bytes.to_string()),
    Column::number("← bytes", 0, |s, _| s.sent[1].bytes.to_string()),
    Column::number("unseen", 2, |s, _| pair(s, |sent| sent.missing)),
    Column::number("again", 3, |s, _| pair(s, |sent| sent.retransmissions)),
    Column::text("state", 2, |s, _| s.state.to_owned()),
    Column::text("history", 7, |s, _| cut(&s.history, 24)),
    Column::number("seconds", 4, |s, _| {
        fraction(s.time[1].wrapping_sub(s.time[0]), 1_000_000_000, 3)
    }),
    Column::number("rtt ms", 5, |s, _| {
        s.initial_rtt
            .map_or(String::new(), |t| fraction(t, 1_000_000, 3))
    }),
    Column::text("options", 8, |s, _| options(s)),
];

impl Column {
    const fn number(title: &'static str, rank: u8, cell: fn(&Summary, Nanos) -> String) -> Self {
        Column {
            title,
            rank,
            left: false,
            cell,
        }
    }

    const fn text(title: &'static str, rank: u8, cell: fn(&Summary, Nanos) -> String) -> Self {
        Column {
            title,
            rank,
            left: true,
            cell,
        }
    }

    /// Shown only where some row has something to say.
    fn may_be_empty(&self) -> bool {
        matches!(self.title, "unseen" | "again" | "rtt ms" | "options")
    }
}

/// Writes rows as they come.
#[derive(Debug)]
pub struct Table {
    /// Columns of the terminal; none: no limit.
    limit: Option<usize>,
    start: Nanos,
    rows: Vec<Row>,
    /// Widths of the columns; a width of 0 is a column that is not shown.
    widths: [usize; COLUMNS.len()],
    begun: bool,
    /// Columns that there was no room for.
    left_out: Vec<&'static str>,
}

#[derive(Debug)]
struct Row {
    cells: [String; COLUMNS.len()],
    style: anstyle::Style,
}

impl Table {
    /// `limit`: columns of text to keep to, if possible.
    pub fn new(limit: Option<usize>) -> Table {
        Table {
            limit,
            start: 0,
            rows: vec![],
            widths: [0; COLUMNS.len()],
            begun: false,
            left_out: vec![],
        }
    }

    /// Takes the next connection.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn row(&mut self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let start = self.start;
        self.rows.push(Row {
            cells: std::array::from_fn(|n| (COLUMNS[n].cell)(summary, start)),
            style: style_of(summary),
        });
        if self.rows.len() >= BATCH {
            self.print(out)?;
        }
        Ok(())
    }

    /// Prints what is left.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.print(out)?;
        if !self.left_out.is_empty() {
            let text = format!(
                "no room for: {}; --width 0 shows all",
                self.left_out.join(", ")
            );
            writeln!(out, "{}", paint(DIM, &text))?;
        }
        Ok(())
    }

    fn print(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let widest = |n: usize| {
            let cells = self.rows.iter().map(|row| style::width(&row.cells[n]));
            cells.max().unwrap_or(0)
        };
        let mut widths: [usize; COLUMNS.len()] = std::array::from_fn(widest);
        if self.begun {
            for (now, before) in widths.iter_mut().zip(self.widths) {
                *now = if before == 0 { 0 } else { before.max(*now) };
            }
        } else {
            for (width, column) in widths.iter_mut().zip(&COLUMNS) {
                if *width > 0 || !column.may_be_empty() {
                    *width = (*width).max(style::width(column.title));
                }
            }
            self.drop_columns(&mut widths);
        }
        self.widths = widths;
        let mut buffer = Buffer::default();
        if !self.begun {
            self.begun = true;
            let titles = COLUMNS.map(|column| column.title);
            buffer.text(&paint(BOLD, &self.line(&titles)));
            buffer.byte(b'\n');
        }
        for row in std::mem::take(&mut self.rows) {
            let cells = row.cells.each_ref().map(String::as_str);
            buffer.text(&paint(row.style, &self.line(&cells)));
            buffer.byte(b'\n');
            buffer.spill(out)?;
        }
        buffer.flush(out)
    }

    /// Columns of the highest rank go until the rest has room.
    fn drop_columns(&mut self, widths: &mut [usize; COLUMNS.len()]) {
        let Some(limit) = self.limit else { return };
        for rank in (1..=8).rev() {
            let shown = widths.iter().filter(|width| **width > 0);
            let all: usize = shown.map(|width| width + 2).sum();
            if all <= limit + 2 {
                break;
            }
            for (width, column) in widths.iter_mut().zip(&COLUMNS) {
                if column.rank == rank && *width > 0 {
                    *width = 0;
                    self.left_out.insert(0, column.title);
                }
            }
        }
    }

    fn line(&self, cells: &[&str; COLUMNS.len()]) -> String {
        let mut line = String::new();
        for ((cell, width), column) in cells.iter().zip(self.widths).zip(&COLUMNS) {
            if width == 0 {
                continue;
            }
            if !line.is_empty() {
                line.push_str("  ");
            }
            let gap = width.saturating_sub(style::width(cell));
            let (before, after) = if column.left { (0, gap) } else { (gap, 0) };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', after));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn style_of(s: &Summary) -> anstyle::Style {
    if s.close.how == How::Reset || s.handshake == Handshake::Unanswered {
        BAD
    } else if s
        .sent
        .iter()
        .any(|sent| sent.retransmissions + sent.missing > 0)
    {
        ODD
    } else {
        style::PLAIN
    }
}

fn close(s: &Summary, _: Nanos) -> String {
    match s.close.by {
        Some(who) => format!("{} {}", how(s.close.how), by(who)),
        None => how(s.close.how).to_owned(),
    }
}

/// `client/server`; nothing if both are 0.
fn pair(s: &Summary, of: impl Fn(&Sent) -> u64) -> String {
    match (of(&s.sent[0]), of(&s.sent[1])) {
        (0, 0) => String::new(),
        (a, b) => format!("{a}/{b}"),
    }
}

fn fraction(time: Nanos, unit: u64, places: usize) -> String {
    let mut text = Buffer::default();
    text.fraction(time, unit, places);
    String::from_utf8(text.0).unwrap_or_default()
}

/// What both SYNs agreed on; in brackets what one SYN offered, where there is no other.
pub(super) fn options(s: &Summary) -> String {
    let [c, v] = &s.sent;
    let asked = |sent: &Sent| sent.mss.is_some() || sent.window_scale.is_some();
    let mut words = vec![];
    if s.handshake == Handshake::Complete || (asked(c) && asked(v)) {
        if let (Some(a), Some(b)) = (c.mss, v.mss) {
            words.push(if a == b {
                format!("mss {a}")
            } else {
                format!("mss {a}/{b}")
            });
        }
        if let (Some(a), Some(b)) = (c.window_scale, v.window_scale) {
            words.push(if a == b {
                format!("scale {a}")
            } else {
                format!("scale {a}/{b}")
            });
        }
        for (both, word) in [
            (c.sack_permitted && v.sack_permitted, "sack"),
            (c.timestamps && v.timestamps, "times"),
        ] {
            if both {
                words.push(word.to_owned());
            }
        }
        return words.join(" ");
    }
    let one = if asked(c) { c } else { v };
    words.extend(one.mss.map(|mss| format!("mss {mss}")));
    words.extend(one.window_scale.map(|scale| format!("scale {scale}")));
    words.extend(one.sack_permitted.then(|| "sack".to_owned()));
    words.extend(one.timestamps.then(|| "times".to_owned()));
    if words.is_empty() {
        return String::new();
    }
    format!("({})", words.join(" "))
}
