//! One connection of a capture file: its facts, its packets, its ladder.

use std::io::{self, Write};

use super::buffer::Buffer;
use super::ladder::{self, Drawing};
use super::order::{Causes, Story};
use super::records::{by, handshake, how};
use super::style::{BOLD, DIM, paint};
use super::tally::count;
use super::text::Options;
use super::{meaning, packets};
use crate::check::Named;
use crate::flow::{Programs, canonical};
use crate::tcp::{Conversation, Sent, Side, Summary};
use crate::timeline::Nanos;

/// Writes all that is known of a connection. `more`: segments that were not collected; `start`:
/// from when times count, ns since the Unix epoch.
///
/// # Errors
/// Those of `out`.
pub fn write(
    out: &mut dyn Write,
    summary: &Summary,
    conversation: Conversation,
    more: u64,
    start: Nanos,
    options: &Options,
) -> io::Result<()> {
    facts(out, summary)?;
    let flow = canonical("", &conversation, Programs::default()).flow;
    let story = Story {
        placed: vec![],
        causes: vec![Causes::default(); conversation.segments.len()],
    };
    let meanings = meaning::of(&conversation, &story);
    let named = Named {
        name: conversation.client.to_string(),
        server: None,
        conversation,
        flow,
    };
    let talks = [(&named, meanings)];
    let rows = packets::rows(&talks, &[]);
    writeln!(out)?;
    packets::write(out, &rows, start, options.width, options.packets)?;
    writeln!(out)?;
    let known = ladder::Known::default();
    ladder::write(out, &Drawing::tcp(&named, &story, &known), options)?;
    if more > 0 {
        let text = format!(
            "{} more: --stream {} --packets lists all",
            count(more as usize, "packet"),
            summary.stream
        );
        writeln!(out, "{}", paint(DIM, &text))?;
    }
    Ok(())
}

fn facts(out: &mut dyn Write, s: &Summary) -> io::Result<()> {
    let head = format!("stream {}", s.stream);
    writeln!(out, "{}  {} → {}", paint(BOLD, &head), s.client, s.server)?;
    let mut line = |name: &str, text: String| {
        writeln!(out, "  {}  {text}", paint(DIM, &format!("{name:<12}")))
    };
    let mut text = handshake(s.handshake).to_owned();
    if let Some(rtt) = s.initial_rtt {
        text.push_str(&format!(
            ", {} ms from the SYN to its last ACK",
            milliseconds(rtt)
        ));
    }
    if let Some(rtt) = s.syn_rtt {
        text.push_str(&format!(", {} ms to the SYN-ACK", milliseconds(rtt)));
    }
    line("handshake", text)?;
    let mut text = how(s.close.how).to_owned();
    if let Some(who) = s.close.by {
        text.push_str(&format!(", {} first", by(who)).replace("both first", "both at once"));
    }
    line("close", text)?;
    line(
        "seconds",
        format!(
            "{}, frames {} to {}",
            seconds(s.time[1].wrapping_sub(s.time[0])),
            s.frames[0],
            s.frames[1]
        ),
    )?;
    for side in [Side::Client, Side::Server] {
        line(&side.to_string(), sent(&s.sent[side.index()]))?;
    }
    let parts: Vec<_> = s
        .completeness
        .iter_names()
        .map(|(name, _)| name.replace('_', "-"))
        .collect();
    let bits = s.completeness.bits();
    line("completeness", format!("{bits} ({})", parts.join(", ")))?;
    line("Zeek", format!("{} {}", s.state, s.history))
}

fn sent(s: &Sent) -> String {
    let mut text = format!(
        "{} in {}",
        count(s.bytes as usize, "byte"),
        count(s.segments as usize, "segment")
    );
    for (n, what) in [
        (s.retransmissions, "retransmission"),
        (s.out_of_order, "out-of-order segment"),
        (s.duplicate_acks, "duplicate ACK"),
        (s.zero_windows, "zero window"),
    ] {
        if n > 0 {
            text.push_str(&format!(", {}", count(n as usize, what)));
        }
    }
    if s.missing > 0 {
        let missing = count(s.missing as usize, "byte");
        text.push_str(&format!(", {missing} acknowledged but not in the capture"));
    }
    let mut options = vec![];
    options.extend(s.mss.map(|mss| format!("MSS {mss}")));
    options.extend(s.window_scale.map(|scale| format!("window scale {scale}")));
    options.extend(s.sack_permitted.then(|| "SACK".to_owned()));
    options.extend(s.timestamps.then(|| "timestamps".to_owned()));
    if !options.is_empty() {
        text.push_str(&format!("; offers {}", options.join(", ")));
    }
    text
}

fn milliseconds(time: Nanos) -> String {
    let mut text = Buffer::default();
    text.fraction(time, 1_000_000, 3);
    String::from_utf8(text.0).unwrap_or_default()
}

fn seconds(time: Nanos) -> String {
    let mut text = Buffer::default();
    text.fraction(time, 1_000_000_000, 6);
    String::from_utf8(text.0).unwrap_or_default()
}
