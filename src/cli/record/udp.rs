//! Datagrams as a script. A scenario's UDP server echoes or keeps silent, so that is what can be
//! repeated; and a port on which nobody is.

use super::script::{Do, Payload, Serving, Talk};
use crate::flow::udp::Message;
use crate::flow::{Exchange, canonical_udp};
use crate::tcp::Side;

/// The client's script, and the kind of server that it needs.
///
/// # Errors
/// Why nothing can repeat it.
pub(super) fn talk(name: &str, exchange: &Exchange) -> Result<Talk, &'static str> {
    let of = |side: Side| {
        let messages = exchange.messages.iter();
        messages.filter(move |message| message.from == side)
    };
    let answers = of(Side::Server).count();
    let echoes = of(Side::Server)
        .zip(of(Side::Client))
        .all(|(answer, question)| payload(answer) == payload(question));
    let serving = match (exchange.unreachable.is_empty(), answers) {
        (false, 0) => Serving::Nobody,
        (true, 0) => Serving::UdpSink,
        (true, n) if echoes && n == of(Side::Client).count() => Serving::UdpEcho,
        (false, _) => return Err("its port was closed on the way"),
        _ => {
            return Err("its answers are no echo, which is all that a scenario's UDP server gives");
        }
    };
    let mut steps = vec![Do::Connect];
    steps.extend(exchange.messages.iter().map(|message| match message.from {
        Side::Client => Do::Send(payload(message)),
        Side::Server => Do::Recv(payload(message)),
    }));
    if serving == Serving::Nobody {
        if of(Side::Client).count() > 1 {
            return Err("it sent more than one datagram to a closed port, which is a race");
        }
        steps.push(Do::Unreachable);
    }
    steps.push(Do::Close);
    Ok(Talk {
        name: name.to_owned(),
        steps: [steps, vec![]],
        flow: canonical_udp(name, exchange, [None, None]),
        serving,
        udp: true,
    })
}

fn payload(message: &Message) -> Payload {
    match message.payload.len() == message.len as usize {
        true => Payload::Known(message.payload.to_vec()),
        false => Payload::Unknown(message.len.into()),
    }
}
