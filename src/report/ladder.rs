//! A connection as a ladder: two lines, the client's at the left, arrows for segments, and beside
//! them what the two programs did.

use std::io::{self, Write};
use std::net::SocketAddr;

use anstyle::Style;

use super::datagrams::{Datagram, Exchange, What};
use super::escape;
pub(super) use super::known::Known;
use super::order::{Part, Placed, Story};
use super::packets::{ends, shown};
use super::style::{self, BAD, BOLD, DIM, cut, pad, paint, width};
use super::text::Options;
use crate::check::Named;
use crate::tcp::{Analysis, Seg, Side};
use crate::timeline::{Event, Nanos, Op};

/// A silence of at least this long is drawn between two arrows.
const SILENCE: Nanos = 10_000_000;

struct Pen {
    line: char,
    right: char,
    left: char,
    dash: char,
    gap: char,
    silence: &'static str,
}

const UNICODE: Pen = Pen {
    line: '│',
    right: '▶',
    left: '◀',
    dash: '─',
    gap: '┊',
    silence: "…",
};
const ASCII: Pen = Pen {
    line: '|',
    right: '>',
    left: '<',
    dash: '-',
    gap: ':',
    silence: "...",
};

/// Columns of the lane between the lines, and of the events on either side of them.
struct Layout<'a> {
    lane: usize,
    side: usize,
    pen: &'static Pen,
    known: &'a Known,
}

/// A conversation to be drawn.
pub(super) struct Drawing<'a> {
    /// Names of the two ends, the client's first.
    pub names: (String, String),
    /// Their addresses.
    pub addresses: (SocketAddr, SocketAddr),
    /// Who has which address.
    pub known: &'a Known,
    pub rungs: Vec<Rung<'a>>,
    pub placed: &'a [Placed<'a>],
}

/// One arrow.
pub(super) struct Rung<'a> {
    pub time: Nanos,
    pub from: Side,
    pub style: Style,
    /// What stands on it: always, and the payload if there is room.
    pub label: String,
    pub payload: Option<(&'a [u8], bool)>,
}

impl<'a> Drawing<'a> {
    /// Of a TCP connection.
    pub fn tcp(named: &'a Named, story: &'a Story<'a>, known: &'a Known) -> Self {
        let talk = &named.conversation;
        Drawing {
            names: ends(named),
            addresses: (talk.client, talk.server),
            known,
            rungs: talk.segments.iter().map(rung).collect(),
            placed: &story.placed,
        }
    }

    /// Of a UDP exchange.
    pub fn udp(exchange: &'a Exchange<'a>, placed: &'a [Placed<'a>], known: &'a Known) -> Self {
        let rung = |packet: &'a Datagram<'a>| {
            let (label, payload, style) = match packet.what {
                What::Data(len, bytes) => {
                    let more = (bytes.len() as u64) < u64::from(len);
                    (format!("UDP {len}"), Some((bytes, more)), style::DATA)
                }
                What::Error(text) => {
                    let short = text.split(':').next().unwrap_or(text);
                    (format!("ICMP {short}"), None, BAD)
                }
            };
            Rung {
                time: packet.time,
                from: packet.from,
                style,
                label: format!("#{} {label}", packet.frame),
                payload,
            }
        };
        Drawing {
            names: exchange.labels(),
            addresses: (exchange.client, exchange.server),
            known,
            rungs: exchange.packets.iter().map(rung).collect(),
            placed,
        }
    }
}

/// Draws one conversation.
pub(super) fn write(
    out: &mut dyn Write,
    drawing: &Drawing<'_>,
    options: &Options,
) -> io::Result<()> {
    let lane = (options.width * 3 / 8).clamp(24, 44);
    let layout = Layout {
        lane,
        side: options.width.saturating_sub(lane + 4) / 2,
        pen: if options.ascii { &ASCII } else { &UNICODE },
        known: drawing.known,
    };
    let (client, server) = &drawing.names;
    let blank = " ".repeat(lane + 2);
    layout.row(out, BOLD, client, &blank, BOLD, server)?;
    let (from, to) = drawing.addresses;
    let below = |address: String, name: &String| {
        if address == *name {
            String::new()
        } else {
            address
        }
    };
    let (from, to) = (
        below(from.to_string(), client),
        below(to.to_string(), server),
    );
    if !from.is_empty() || !to.is_empty() {
        layout.row(out, DIM, &from, &blank, DIM, &to)?;
    }
    let rungs = &drawing.rungs;
    let [first, second] = shown(rungs.len(), options.packets);
    let mut placed = drawing.placed.iter().peekable();
    let mut before: Option<Nanos> = None;
    for (index, rung) in rungs.iter().enumerate() {
        let visible = first.contains(&index) || second.contains(&index);
        let mut entries = vec![];
        while let Some(entry) = placed.next_if(|entry| entry.slot <= index) {
            entries.push(entry);
        }
        if index == first.end && !second.is_empty() {
            let text = format!("{} packets left out", second.start - first.end);
            layout.between(out, &text)?;
            before = None;
        }
        if !visible {
            continue;
        }
        let silent = before.map_or(0, |before| rung.time - before);
        let mark = match before {
            Some(before) if silent >= SILENCE => {
                let times = entries.iter().map(|entry| entry.event.at);
                Some(longest_pause(before, times, rung.time))
            }
            _ => None,
        };
        for at in 0..=entries.len() {
            if mark == Some(at) {
                let ms = silent / 1_000_000;
                let text = format!("{}.{:03} s of silence", ms / 1000, ms % 1000);
                layout.between(out, &text)?;
            }
            if let Some(entry) = entries.get(at) {
                layout.event(out, entry)?;
            }
        }
        layout.arrow(out, rung)?;
        before = Some(rung.time);
    }
    placed.try_for_each(|entry| layout.event(out, entry))
}

/// Between two arrows, above which of the events there most of the time went by: what happened before
/// the silence stands above its mark, what ended it below. One past the last: above the arrow.
fn longest_pause(before: Nanos, events: impl Iterator<Item = Nanos>, arrow: Nanos) -> usize {
    let (mut last, mut longest, mut place) = (before, Nanos::MIN, 0);
    // A call that sent a segment returns after it; it stands above that all the same.
    let times = events.map(|time| time.min(arrow)).chain([arrow]);
    for (index, time) in times.enumerate() {
        let time = time.max(last);
        // Of equals the last.
        if time - last >= longest {
            (longest, place) = (time - last, index);
        }
        last = time;
    }
    place
}

impl Layout<'_> {
    /// `left` against the left line, `middle` with both lines, `right` after the right line.
    fn row(
        &self,
        out: &mut dyn Write,
        left_style: Style,
        left: &str,
        middle: &str,
        right_style: Style,
        right: &str,
    ) -> io::Result<()> {
        let left = cut(left, self.side);
        let right = cut(right, self.side);
        let gap = " ".repeat(self.side - width(&left));
        let left = paint(left_style, &left);
        if right.is_empty() {
            let line = format!("{gap}{left} {}", middle.trim_end());
            return writeln!(out, "{}", line.trim_end());
        }
        writeln!(out, "{gap}{left} {middle} {}", paint(right_style, &right))
    }

    fn empty(&self) -> String {
        let line = self.pen.line;
        format!("{line}{}{line}", " ".repeat(self.lane))
    }

    fn event(&self, out: &mut dyn Write, entry: &Placed<'_>) -> io::Result<()> {
        let style = if entry.event.errno.is_some() || entry.event.failed {
            BAD
        } else {
            style::PLAIN
        };
        for line in style::wrap(&self.sentence(entry), self.side) {
            match entry.side {
                Side::Client => self.row(out, style, &line, &self.empty(), style, "")?,
                Side::Server => self.row(out, style, "", &self.empty(), style, &line)?,
            }
        }
        Ok(())
    }

    fn sentence(&self, entry: &Placed<'_>) -> String {
        let event = entry.event;
        match entry.part {
            Part::Start => format!("{}{}", call(event), self.pen.silence),
            Part::End if event.errno.is_none() => "connected".to_owned(),
            _ => sentence(event, self.known),
        }
    }

    fn between(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        let gap = self.pen.gap;
        let text = cut(text, self.lane);
        let left = (self.lane - width(&text)) / 2;
        let text = pad(&format!("{}{text}", " ".repeat(left)), self.lane);
        let middle = paint(DIM, &format!("{gap}{text}{gap}"));
        self.row(out, DIM, "", &middle, DIM, "")
    }

    fn arrow(&self, out: &mut dyn Write, rung: &Rung<'_>) -> io::Result<()> {
        let Pen {
            line,
            right,
            left,
            dash,
            ..
        } = *self.pen;
        // Two dashes, a space, the label, a space, the head.
        let label = cut(&label(rung, self.lane - 6), self.lane - 6);
        let rest = self.lane - width(&label) - 5;
        let dashes = |n: usize| dash.to_string().repeat(n);
        let body = match rung.from {
            Side::Client => format!("{} {label} {}{right}", dashes(2), dashes(rest)),
            Side::Server => format!("{left}{} {label} {}", dashes(2), dashes(rest)),
        };
        let body = paint(rung.style, &body);
        self.row(out, DIM, "", &format!("{line}{body}{line}"), DIM, "")
    }
}

/// `#4 PSH,ACK 5 "hello"`.
fn label(rung: &Rung<'_>, room: usize) -> String {
    let mut label = rung.label.clone();
    if width(&label) > room {
        // What a remark says weighs more than PSH.
        label = label.replacen("PSH,", "", 1);
    }
    let left = room.saturating_sub(width(&label) + 1);
    if let (Some((payload, more)), true) = (rung.payload, left >= 6) {
        label.push(' ');
        label.push_str(&escape::preview(payload, more, left));
    }
    label
}

fn rung(seg: &Seg) -> Rung<'_> {
    let mut label = format!("#{} {}", seg.frame, seg.flags);
    if seg.len > 0 {
        label.push_str(&format!(" {}", seg.len));
    }
    let again = Analysis::RETRANSMISSION
        | Analysis::FAST_RETRANSMISSION
        | Analysis::SPURIOUS_RETRANSMISSION;
    let remark = [
        (again, "again"),
        (Analysis::KEEP_ALIVE, "keep-alive"),
        (Analysis::KEEP_ALIVE_ACK, "keep-alive"),
        (Analysis::ZERO_WINDOW_PROBE, "probe"),
        (Analysis::ZERO_WINDOW_PROBE_ACK, "window 0"),
        (Analysis::ZERO_WINDOW, "window 0"),
        (Analysis::DUPLICATE_ACK, "duplicate"),
        (Analysis::WINDOW_UPDATE, "window update"),
        (Analysis::OUT_OF_ORDER, "out of order"),
    ]
    .into_iter()
    .find(|(flags, _)| seg.analysis.intersects(*flags));
    if let Some((_, word)) = remark {
        label.push_str(&format!(" {word}"));
    }
    let more = (seg.payload.len() as u64) < u64::from(seg.len);
    Rung {
        time: seg.time,
        from: seg.from,
        style: style::of(seg),
        label,
        payload: (!seg.payload.is_empty()).then_some((&seg.payload, more)),
    }
}

/// The call's name.
fn call(event: &Event) -> String {
    escape::line(&event.call)
}

/// Does the event say nothing that the end of the list does not say, too?
pub(super) fn is_noise(event: &Event) -> bool {
    event.call == "done"
        && matches!(event.result.as_str(), "" | "ok")
        && event.errno.is_none()
        && !event.failed
}

/// `recv 5`: the call and its result, in words of the socket API.
pub(super) fn sentence(event: &Event, known: &Known) -> String {
    let mut text = call(event);
    let unsaid = event.result.is_empty() || (event.result == "ok" && event.call != "connect");
    if !unsaid {
        text.push(' ');
        text.push_str(&known.apply(&escape::line(&event.result), &event.actor));
    }
    match &event.errno {
        Some(errno) if !event.result.contains(errno.as_str()) => {
            text.push_str(&format!(" {}", escape::line(errno)));
        }
        _ => {}
    }
    match event.op {
        Some(Op::PeerFin) if event.result == "0" => text.push_str(" (end of file)"),
        Some(Op::Close { unread }) if unread > 0 && !text.contains("unread") => {
            text.push_str(&format!(" ({unread} unread)"))
        }
        _ => {}
    }
    text
}
