//! The table of connections: one line each, as many columns as the width has room for.
//!
//! Rows are collected up to a stated number before the first is printed, so that columns fit and
//! memory stays bounded; later rows may only widen a column.

use std::io::{self, Write};

use anstyle::Style;

use super::buffer::Buffer;
use super::records::{by, handshake, how};
use super::style::{self, BAD, BOLD, DIM, ODD, cut, paint};
use crate::tcp::{Handshake, How, Sent, Summary};

/// Rows that are collected before the first is printed.
const BATCH: usize = 4096;

struct Column {
    title: &'static str,
    /// What is taken in first: the lowest. Those of rank 0 always are.
    rank: u8,
    left: bool,
    cell: fn(&mut Buffer, &Summary),
}

const COLUMNS: [Column; 14] = [
    Column::number("stream", 0, |b, s| {
        b.number(s.stream.into());
        b.text(if s.continued { "+" } else { "" });
    }),
    Column::text("client", 0, |b, s| {
        b.address(s.client.ip(), s.client.port())
    }),
    Column::text("server", 0, |b, s| {
        b.address(s.server.ip(), s.server.port())
    }),
    Column::text("handshake", 6, |b, s| b.text(handshake(s.handshake))),
    Column::text("close", 1, close),
    Column::number("bytes →", 0, |b, s| b.number(s.sent[0].bytes)),
    Column::number("← bytes", 0, |b, s| b.number(s.sent[1].bytes)),
    Column::number("unseen", 2, |b, s| pair(b, s, |sent| sent.missing)),
    Column::number("resent", 3, |b, s| pair(b, s, |sent| sent.retransmissions)),
    Column::text("state", 1, |b, s| b.text(s.state)),
    Column::text("history", 7, |b, s| b.text(&cut(&s.history, 24))),
    Column::number("seconds", 4, |b, s| {
        b.fraction(s.time[1].wrapping_sub(s.time[0]), 1_000_000_000, 6);
    }),
    Column::number("rtt ms", 5, |b, s| {
        if let Some(rtt) = s.initial_rtt {
            b.fraction(rtt, 1_000_000, 3);
        }
    }),
    Column::text("options", 8, options),
];

impl Column {
    const fn number(title: &'static str, rank: u8, cell: fn(&mut Buffer, &Summary)) -> Self {
        Column {
            title,
            rank,
            left: false,
            cell,
        }
    }

    const fn text(title: &'static str, rank: u8, cell: fn(&mut Buffer, &Summary)) -> Self {
        Column {
            title,
            rank,
            left: true,
            cell,
        }
    }

    /// Shown only where some row has something to say.
    fn may_be_empty(&self) -> bool {
        matches!(self.title, "unseen" | "resent" | "rtt ms" | "options")
    }
}

/// Widths of columns; 0 is a column that is not shown.
type Widths = [usize; COLUMNS.len()];

/// Writes rows as they come.
#[derive(Debug)]
pub struct Table {
    /// Columns of text to keep to; none: no limit.
    limit: Option<usize>,
    /// Without styles.
    plain: bool,
    rows: Vec<Row>,
    /// The cells of all rows.
    cells: Buffer,
    widths: Widths,
    /// Spaces between columns: 2, or 1 where room is scarce.
    gap: usize,
    begun: bool,
    /// Columns that there was no room for.
    left_out: Vec<&'static str>,
}

#[derive(Debug)]
struct Row {
    /// Where each cell ends in `cells`; it begins where the one before ends.
    ends: [u32; COLUMNS.len()],
    style: Style,
}

impl Table {
    /// `limit`: columns of text to keep to, if possible. `plain`: without styles.
    pub fn new(limit: Option<usize>, plain: bool) -> Table {
        Table {
            limit,
            plain,
            rows: vec![],
            cells: Buffer::default(),
            widths: [0; COLUMNS.len()],
            gap: 2,
            begun: false,
            left_out: vec![],
        }
    }

    /// Takes the next connection.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn row(&mut self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let mut ends = [0; COLUMNS.len()];
        for (column, end) in COLUMNS.iter().zip(&mut ends) {
            (column.cell)(&mut self.cells, summary);
            *end = self.cells.0.len() as u32;
        }
        let style = style_of(summary);
        self.rows.push(Row { ends, style });
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
            let style = if self.plain { style::PLAIN } else { DIM };
            writeln!(out, "{}", paint(style, &text))?;
        }
        Ok(())
    }

    fn print(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.measure();
        let mut lines = Buffer::default();
        if !self.begun {
            self.begun = true;
            let style = if self.plain { style::PLAIN } else { BOLD };
            lines.display(style);
            self.line(&mut lines, |n| COLUMNS[n].title.as_bytes());
            lines.display(format_args!("{style:#}\n"));
        }
        let mut start = 0;
        for row in &self.rows {
            let cell = |n: usize| {
                let from = if n == 0 { start } else { row.ends[n - 1] };
                &self.cells.0[from as usize..row.ends[n] as usize]
            };
            let plain = self.plain || row.style.is_plain();
            if !plain {
                lines.display(row.style);
            }
            self.line(&mut lines, cell);
            if !plain {
                lines.display(format_args!("{:#}", row.style));
            }
            lines.byte(b'\n');
            lines.spill(out)?;
            start = row.ends[COLUMNS.len() - 1];
        }
        self.rows.clear();
        self.cells.0.clear();
        lines.flush(out)
    }

    /// Widths for the rows at hand. What was begun may only become wider.
    fn measure(&mut self) {
        let mut widths = [0; COLUMNS.len()];
        let mut start = 0;
        for row in &self.rows {
            for (width, end) in widths.iter_mut().zip(row.ends) {
                *width = columns(&self.cells.0[start as usize..end as usize]).max(*width);
                start = end;
            }
        }
        if self.begun {
            for (now, before) in widths.iter_mut().zip(self.widths) {
                *now = if before == 0 { 0 } else { before.max(*now) };
            }
        } else {
            for (width, column) in widths.iter_mut().zip(&COLUMNS) {
                if *width > 0 || !column.may_be_empty() {
                    *width = columns(column.title.as_bytes()).max(*width);
                }
            }
            self.leave_out(&mut widths);
        }
        self.widths = widths;
    }

    /// Columns are taken in by rank, as long as there is room.
    fn leave_out(&mut self, widths: &mut Widths) {
        let Some(limit) = self.limit else { return };
        let mut order: Vec<usize> = (0..COLUMNS.len()).filter(|n| widths[*n] > 0).collect();
        let all: usize = order.iter().map(|n| widths[*n] + 2).sum();
        if all > limit + 2 {
            self.gap = 1;
        }
        order.sort_by_key(|n| COLUMNS[*n].rank);
        let mut used = 0;
        for n in order {
            let needed = used + widths[n] + if used > 0 { self.gap } else { 0 };
            if needed <= limit || COLUMNS[n].rank == 0 {
                used = needed;
            } else {
                widths[n] = 0;
                self.left_out.push(COLUMNS[n].title);
            }
        }
    }

    fn line<'a>(&self, line: &mut Buffer, cell: impl Fn(usize) -> &'a [u8]) {
        let mut owed = 0;
        for (n, (width, column)) in self.widths.iter().zip(&COLUMNS).enumerate() {
            if *width == 0 {
                continue;
            }
            let cell = cell(n);
            let gap = width.saturating_sub(columns(cell));
            // Spaces are owed until something follows: none at the end of a line.
            if cell.is_empty() {
                owed += gap + self.gap;
                continue;
            }
            let before = if column.left { 0 } else { gap };
            let owing = line.0.len() + owed + before;
            line.0.resize(owing, b' ');
            line.0.extend_from_slice(cell);
            owed = self.gap + gap - before;
        }
    }
}

/// Columns of text that `cell` takes, one a character.
fn columns(cell: &[u8]) -> usize {
    cell.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

fn style_of(s: &Summary) -> Style {
    if s.close.how == How::Reset || s.handshake == Handshake::Unanswered {
        BAD
    } else if s.sent.iter().any(|s| s.retransmissions + s.missing > 0) {
        ODD
    } else {
        style::PLAIN
    }
}

fn close(b: &mut Buffer, s: &Summary) {
    b.text(how(s.close.how));
    if let Some(who) = s.close.by {
        b.byte(b' ');
        b.text(by(who));
    }
}

/// `client/server`; nothing if both are 0.
fn pair(b: &mut Buffer, s: &Summary, of: impl Fn(&Sent) -> u64) {
    let [client, server] = s.sent.each_ref().map(of);
    if client + server > 0 {
        b.number(client);
        b.byte(b'/');
        b.number(server);
    }
}

/// What both SYNs agreed on; in brackets what one SYN offered, where there is no other.
fn options(b: &mut Buffer, s: &Summary) {
    let [c, v] = &s.sent;
    let asked = |sent: &Sent| sent.mss.is_some() || sent.window_scale.is_some();
    let both = s.handshake == Handshake::Complete || (asked(c) && asked(v));
    let (a, z) = match (both, asked(c)) {
        (true, _) => (c, v),
        (false, true) => (c, c),
        (false, false) => (v, v),
    };
    let begin = b.0.len();
    b.text(if both { "" } else { "(" });
    let empty = b.0.len();
    let word = |b: &mut Buffer, word: &str| {
        b.text(if b.0.len() > empty { " " } else { "" });
        b.text(word);
    };
    let number = |b: &mut Buffer, name: &str, ends: Option<(u64, u64)>| {
        if let Some((mine, other)) = ends {
            word(b, name);
            b.byte(b' ');
            b.number(mine);
            if mine != other {
                b.byte(b'/');
                b.number(other);
            }
        }
    };
    let mss = a.mss.map(u64::from).zip(z.mss.map(u64::from));
    number(b, "mss", mss);
    let scale = a
        .window_scale
        .map(u64::from)
        .zip(z.window_scale.map(u64::from));
    number(b, "scale", scale);
    if a.sack_permitted && z.sack_permitted {
        word(b, "sack");
    }
    if a.timestamps && z.timestamps {
        word(b, "timestamps");
    }
    if b.0.len() == empty {
        b.0.truncate(begin);
    } else if !both {
        b.byte(b')');
    }
}
