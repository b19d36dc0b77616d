//! The two byte streams of a connection, as Wireshark's 'Follow TCP Stream'.

use std::io::{self, Write};

use super::style::{BAD, BOLD, DIM, paint};
use super::tally::count;
use crate::tcp::Side;
use crate::tcp::streams::{Piece, Why};

/// How bytes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As text; what cannot be printed as `.`.
    Text,
    /// Offset, hexadecimal, ASCII.
    Hex,
    /// The bytes themselves, nothing else.
    Raw,
}

/// Writes pieces of the streams in the order in which they come.
#[derive(Debug)]
pub struct Follow {
    form: Form,
    /// Names of the ends: the client's, the server's.
    names: [String; 2],
    last: Option<Side>,
    /// At the start of a line?
    fresh: bool,
    ways: [Way; 2],
}

#[derive(Debug, Default)]
struct Way {
    /// Offset in the stream of the next byte.
    offset: u64,
    /// Bytes before it that are not in the capture.
    missing: u64,
    /// Text: the beginning of a character. Hex: the beginning of a line.
    rest: Vec<u8>,
    /// A `\r` whose fate the next byte decides.
    carriage_return: bool,
}

impl Follow {
    /// Nothing shown yet.
    pub fn new(form: Form, client: String, server: String) -> Follow {
        Follow {
            form,
            names: [client, server],
            last: None,
            fresh: true,
            ways: [Way::default(), Way::default()],
        }
    }

    /// Shows a piece of what `from` sent.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn piece(
        &mut self,
        out: &mut dyn Write,
        from: Side,
        piece: Piece<'_>,
        frame: u64,
    ) -> io::Result<()> {
        if self.form != Form::Raw && self.last != Some(from) {
            self.turn(out, from, frame)?;
        }
        match (self.form, piece) {
            (Form::Raw, Piece::Data(bytes)) => out.write_all(bytes)?,
            (Form::Raw, Piece::Missing(..)) => {}
            (Form::Text, Piece::Data(bytes)) => self.text(out, from, bytes)?,
            (Form::Hex, Piece::Data(bytes)) => self.hex(out, from, bytes)?,
            (_, Piece::Missing(n, why)) => {
                self.end_line(out)?;
                let text = match why {
                    Why::Unseen => format!("[{n} bytes are not in the capture]"),
                    Why::Snapped => format!("[{n} bytes were cut by the snapshot length]"),
                };
                writeln!(out, "{}", paint(BAD, &text))?;
            }
        }
        let way = &mut self.ways[from.index()];
        match piece {
            Piece::Data(bytes) => way.offset += bytes.len() as u64,
            Piece::Missing(n, _) => {
                way.offset += n;
                way.missing += n;
            }
        }
        Ok(())
    }

    /// Ends the last line.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.end_line(out)?;
        if self.form != Form::Raw {
            let [client, server] = self.ways.each_ref().map(|way| {
                let bytes = count(way.offset as usize, "byte");
                match way.missing {
                    0 => bytes,
                    n => format!("{bytes} ({n} of them missing)"),
                }
            });
            let text = format!("── {client} from the client, {server} from the server ──");
            writeln!(out, "{}", paint(DIM, &text))?;
        }
        out.flush()
    }

    fn turn(&mut self, out: &mut dyn Write, from: Side, frame: u64) -> io::Result<()> {
        self.end_line(out)?;
        let [client, server] = &self.names;
        let (from_name, to_name) = match from {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        let text = format!("── {from} {from_name} → {to_name}, frame {frame} ──");
        writeln!(out, "{}", paint(BOLD, &text))?;
        self.last = Some(from);
        Ok(())
    }

    /// What a direction holds back comes out before the other one speaks.
    fn end_line(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(from) = self.last {
            let rest = std::mem::take(&mut self.ways[from.index()].rest);
            match self.form {
                Form::Text if !rest.is_empty() => {
                    self.fresh = false;
                    out.write_all(&vec![b'.'; rest.len()])?;
                }
                Form::Hex if !rest.is_empty() => {
                    let offset = self.ways[from.index()].offset - rest.len() as u64;
                    hex_line(out, from, offset, &rest)?;
                }
                _ => {}
            }
            if std::mem::take(&mut self.ways[from.index()].carriage_return) {
                self.fresh = false;
                out.write_all(b".")?;
            }
        }
        if !self.fresh {
            writeln!(out)?;
            self.fresh = true;
        }
        Ok(())
    }

    fn text(&mut self, out: &mut dyn Write, from: Side, bytes: &[u8]) -> io::Result<()> {
        let way = &mut self.ways[from.index()];
        let mut all = std::mem::take(&mut way.rest);
        all.extend_from_slice(bytes);
        let mut text = String::with_capacity(all.len());
        let mut at = 0;
        for chunk in all.utf8_chunks() {
            for c in chunk.valid().chars() {
                // Alone, a carriage return would overwrite the line.
                if std::mem::take(&mut way.carriage_return) && c != '\n' {
                    text.push('.');
                }
                match c {
                    '\r' => way.carriage_return = true,
                    '\n' | '\t' => text.push(c),
                    _ if super::escape::dangerous(c) => text.push('.'),
                    _ => text.push(c),
                }
            }
            at += chunk.valid().len();
            let invalid = chunk.invalid();
            at += invalid.len();
            if at == all.len() && is_begun(invalid) {
                way.rest = invalid.to_vec();
            } else {
                text.extend(std::iter::repeat_n('.', invalid.len()));
            }
        }
        if let Some(last) = text.chars().last() {
            self.fresh = last == '\n';
        }
        out.write_all(text.as_bytes())
    }

    fn hex(&mut self, out: &mut dyn Write, from: Side, bytes: &[u8]) -> io::Result<()> {
        let way = &mut self.ways[from.index()];
        let offset = way.offset - way.rest.len() as u64;
        let mut all = std::mem::take(&mut way.rest);
        all.extend_from_slice(bytes);
        let mut lines = all.chunks_exact(16);
        for (index, line) in lines.by_ref().enumerate() {
            hex_line(out, from, offset + index as u64 * 16, line)?;
        }
        way.rest = lines.remainder().to_vec();
        Ok(())
    }
}

/// The beginning of a character of several bytes?
fn is_begun(bytes: &[u8]) -> bool {
    let wanted = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return false,
    };
    bytes.len() < wanted
}

/// `00000010  48 65 …  He…`; the server's lines are indented, as Wireshark's.
fn hex_line(out: &mut dyn Write, from: Side, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let indent = match from {
        Side::Client => "",
        Side::Server => "    ",
    };
    let mut line = format!("{indent}{offset:08x}  ");
    for n in 0..16 {
        match bytes.get(n) {
            Some(byte) => line.push_str(&format!("{byte:02x} ")),
            None => line.push_str("   "),
        }
        if n == 7 {
            line.push(' ');
        }
    }
    line.push(' ');
    line.extend(bytes.iter().map(|byte| match byte {
        0x20..=0x7e => char::from(*byte),
        _ => '.',
    }));
    writeln!(out, "{line}")
}
