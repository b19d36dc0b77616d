//! The account of a connection: handshake, close, what each side sent.

use super::connection::{Connection, End, Parts};
use super::flow::after;
use super::{By, Close, Handshake, How, Sent, Side, Summary};
use crate::timeline::Nanos;

impl Connection {
    /// The account of the connection so far.
    pub(super) fn summary(&self, evicted: bool) -> Summary {
        let client = usize::from(self.client);
        let server = 1 - client;
        let originator = if self.zeek.orig == self.client {
            Side::Client
        } else {
            Side::Server
        };
        Summary {
            stream: self.stream,
            client: self.key.end(client),
            server: self.key.end(server),
            handshake: self.handshake(client, server),
            close: self.close(client, server),
            sent: if self.is_with_itself() {
                [self.sent(client), Sent::default()]
            } else {
                [client, server].map(|end| self.sent(end))
            },
            completeness: match self.several {
                true => self.completeness | self.first,
                false => self.completeness,
            },
            state: self.zeek.state(),
            history: self.zeek.history.text(),
            originator,
            initial_rtt: (self.rtt != 0).then_some(self.rtt),
            syn_rtt: self.syn_rtt.map(Nanos::from),
            time: self.time,
            frames: self.frames,
            evicted,
            continued: self.continued,
        }
    }

    fn handshake(&self, client: usize, server: usize) -> Handshake {
        // Of a connection with itself, one end does it all.
        let server = if self.is_with_itself() {
            client
        } else {
            server
        };
        let c = self.ends[client].seen;
        let s = self.ends[server].seen;
        let done = Parts::SYN | Parts::SYN_ACKED;
        if c.contains(done) && s.contains(done) {
            Handshake::Complete
        } else if !c.union(s).contains(Parts::SYN) {
            Handshake::Unseen
        } else if c.contains(Parts::SYN) && self.ends[server].segments == 0 {
            Handshake::Unanswered
        } else if c.contains(Parts::SYN)
            && s.contains(Parts::RST)
            && !s.intersects(done | Parts::OTHER)
        {
            Handshake::Refused
        } else {
            Handshake::Partial
        }
    }

    fn close(&self, client: usize, server: usize) -> Close {
        let by = |end: usize| {
            Some(if end == client {
                By::Client
            } else {
                By::Server
            })
        };
        if let Some(end) = self.reset_by {
            return Close {
                how: How::Reset,
                by: by(usize::from(end)),
            };
        }
        let server = if self.is_with_itself() {
            client
        } else {
            server
        };
        let [c, s] = [client, server].map(|end| &self.ends[end]);
        let (how, by) = match [c, s].map(|end| end.seen.contains(Parts::FIN)) {
            [false, false] => (How::Open, None),
            [true, false] => (How::Half, by(client)),
            [false, true] => (How::Half, by(server)),
            [true, true] => {
                let answers = |a: &End, b: &End| {
                    a.seen.contains(Parts::FIN_HAS_ACK) && !after(b.fin_end, a.fin_ack)
                };
                let by = match (answers(s, c), answers(c, s)) {
                    (true, false) => By::Client,
                    (false, true) => By::Server,
                    _ => By::Both,
                };
                (How::Fin, Some(by))
            }
        };
        Close { how, by }
    }

    fn sent(&self, which: usize) -> Sent {
        let end = &self.ends[which];
        let covered = &self.covered[which];
        Sent {
            segments: end.segments,
            payload: end.payload,
            bytes: covered.bytes,
            missing: covered.missing,
            retransmissions: end.retransmissions.into(),
            out_of_order: end.out_of_order.into(),
            duplicate_acks: end.duplicate_acks.into(),
            zero_windows: end.zero_windows.into(),
            mss: end.seen.contains(Parts::MSS).then_some(end.mss),
            window_scale: end
                .seen
                .contains(Parts::WINDOW_SCALE)
                .then_some(end.window_scale),
            sack_permitted: end.seen.contains(Parts::SACK_PERMITTED),
            timestamps: end.seen.contains(Parts::TIMESTAMPS),
        }
    }
}
