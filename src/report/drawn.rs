//! Which connections of a run are drawn, where there are more than anybody would read.

use std::collections::HashMap;
use std::io::{self, Write};

use super::escape;
use super::style::{self, DIM, paint};
use super::tally::count;
use super::text::{Detail, Options};
use crate::check::{Judged, Verdict};

/// What is drawn of a run, and what is not.
pub(super) struct Drawn {
    /// Indices of TCP connections; those that findings name come first.
    pub tcp: Vec<usize>,
    /// How many UDP exchanges, from the first.
    pub udp: usize,
    /// Connections and exchanges that there would have been, too.
    left_out: usize,
    /// How many of these findings name.
    concerned: usize,
}

impl Drawn {
    /// Of a run with so many UDP exchanges.
    pub fn of(judged: &Judged, exchanges: usize, options: &Options) -> Drawn {
        let named = named(judged);
        let concerned = |index: &usize| match &named {
            Some(names) => names.contains_key(judged.connections[*index].name.as_str()),
            None => false,
        };
        let all = 0..judged.connections.len();
        let (mut tcp, others): (Vec<_>, Vec<_>) = all.partition(concerned);
        if let Some(names) = &named {
            // Those of the findings that are told.
            tcp.sort_by_key(|&index| names[judged.connections[index].name.as_str()]);
        }
        if options.detail == Detail::Full || named.is_none() {
            tcp.extend(others);
        }
        let candidates = tcp.len() + exchanges;
        let left = tcp.split_off(tcp.len().min(options.connections));
        let udp = exchanges.min(options.connections - tcp.len());
        Drawn {
            left_out: candidates - tcp.len() - udp,
            concerned: left.iter().filter(|index| concerned(index)).count(),
            tcp,
            udp,
        }
    }

    /// Is anything left out?
    pub fn partly(&self) -> bool {
        self.left_out > 0
    }

    /// Says what is left out of so many packets, and where it is to be seen.
    pub fn rest(
        &self,
        out: &mut dyn Write,
        judged: &Judged,
        packets: usize,
        options: &Options,
    ) -> io::Result<()> {
        if !self.partly() {
            return Ok(());
        }
        let findings = match self.concerned {
            0 => String::new(),
            n => format!(" ({n} of them named by findings)"),
        };
        let text = format!(
            "… {} more{findings} and {} of theirs left out …",
            count(self.left_out, "connection"),
            count(packets, "packet"),
        );
        let mut lines = style::wrap(&text, options.width - 2);
        if let Some(file) = &judged.file {
            let file = escape::line(&file.to_string_lossy());
            lines.push(format!("all of them: lab-capture show {file}"));
            lines.push(format!("one of them: lab-capture show {file} --stream N"));
        }
        for line in lines {
            writeln!(out, "  {}", paint(DIM, &line))?;
        }
        writeln!(out)
    }
}

/// The connections that findings name, each with the number of its first finding; `None` if a
/// finding names none, or there is no finding.
fn named(judged: &Judged) -> Option<HashMap<&str, usize>> {
    let Verdict::Failed(findings) = &judged.verdict else {
        return None;
    };
    let mut names = HashMap::new();
    for (index, finding) in findings.iter().enumerate() {
        names.entry(finding.connection.as_deref()?).or_insert(index);
    }
    Some(names)
}

/// A connection's name; where there are more than are drawn, also its number in the capture.
pub(super) fn numbered(judged: &Judged, name: &str, options: &Options) -> String {
    let connections = &judged.connections;
    let found = connections.iter().find(|named| named.name == name);
    match found {
        Some(named) if connections.len() > options.connections => {
            format!("{name} (--stream {})", named.conversation.stream)
        }
        _ => name.to_owned(),
    }
}
