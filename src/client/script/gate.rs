//! `wait` for the state of the own socket.

use nix::errno::Errno;

use super::act::{Act, Progress};
use super::listener::ListenerSlot;
use super::machine::Script;
use crate::client::report::errno_of;
use crate::client::task::Watch;
use crate::platform::multiplex::{HangupGate, Interest};
use crate::platform::socket::{
    Ready, TcpInfo, TcpState, ready, set_low_water, tcp_info, unacknowledged, unread,
};
use crate::scenario::Wait;
use crate::timeline::Op;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// The step.
pub struct Gate {
    state: Wait,
    hangup: Option<HangupGate>,
    low_water: bool,
}

/// A server's script without a connection waits on its listening socket: a connection stands in
/// the queue.
fn queue(listener: &ListenerSlot) -> Result<Progress, Errno> {
    let now = listener.with(ready).ok_or(Errno::EBADF)?;
    match now.map_err(|e| errno_of(&e))?.readable {
        true => Ok(Progress::done("wait", "a connection is queued", None)),
        false => Ok(Progress::on(listener.watch().into_iter().collect())),
    }
}

impl Gate {
    /// Waits for this state.
    pub fn new(state: Wait) -> Self {
        Gate {
            state,
            hangup: None,
            low_water: false,
        }
    }

    fn look(&mut self, script: &mut Script) -> Result<Progress, Errno> {
        if script.link.socket().is_none()
            && self.state == Wait::Readable
            && let Some(listener) = &script.role.listener
        {
            return queue(listener);
        }
        let socket = script.link.socket().ok_or(Errno::EBADF)?;
        let now = ready(socket).map_err(|e| errno_of(&e))?;
        match self.state {
            Wait::Readable => readable(script, now),
            Wait::PeerFin => self.peer_fin(script, now),
            Wait::PeerReset => self.peer_reset(script, now),
            Wait::Queued(n) => self.queued(script, now, n),
            Wait::Acked => match unacknowledged(socket).map_err(|e| errno_of(&e))? {
                0 => Ok(Progress::done("wait", "acked", Op::Acked(script.link.sent))),
                _ => Ok(Progress::poll()),
            },
            Wait::Stalled => match is_stalled(script)? {
                true => Ok(Progress::done("wait", "stalled", None)),
                false => Ok(Progress::poll()),
            },
            Wait::Event(_) | Wait::Segment(_) => Err(Errno::EINVAL),
        }
    }

    /// Waits for an end or an error, not for data. `again`: the gate is open already for another reason.
    fn until_hangup(&mut self, script: &Script, again: bool) -> Result<Progress, Errno> {
        let socket = script.link.socket().ok_or(Errno::EBADF)?;
        if again {
            return Ok(Progress::poll());
        }
        if self.hangup.is_none() {
            let gate = HangupGate::new(socket.as_raw_fd()).map_err(|e| errno_of(&e))?;
            self.hangup = Some(gate);
        }
        let watch = self.hangup.iter().map(|gate| Watch {
            fd: gate.as_raw_fd(),
            id: gate.id(),
            interest: Interest::READ,
        });
        Ok(Progress::on(watch.collect()))
    }

    fn peer_fin(&mut self, script: &Script, now: Ready) -> Result<Progress, Errno> {
        if now.error || script.saw_reset || script.link.pending.is_some() {
            let text = "the peer's RST came instead of its FIN";
            return Ok(Progress::failed("wait", text, Op::PeerReset));
        }
        let info = info(script)?;
        let fin = matches!(
            info.state,
            TcpState::CloseWait | TcpState::LastAck | TcpState::Closing | TcpState::TimeWait
        );
        // After both FINs the kernel keeps TIME-WAIT elsewhere and shows this socket as closed.
        let over = info.state == TcpState::Closed && script.shut_write && now.hangup;
        if fin || over {
            return Ok(Progress::done("wait", "peer-fin", Op::PeerFin));
        }
        // The own shutdown(SHUT_RD) raises RDHUP for good: no event is left to wait for.
        self.until_hangup(script, script.shut_read || now.hangup)
    }

    fn peer_reset(&mut self, script: &Script, now: Ready) -> Result<Progress, Errno> {
        let info = info(script)?;
        let closed = info.state == TcpState::Closed && !script.shut_write;
        if now.error || script.saw_reset || script.link.pending.is_some() || closed {
            return Ok(Progress::done("wait", "peer-reset", Op::PeerReset));
        }
        if info.state == TcpState::Closed {
            let text = "the connection ended by FIN, no RST can come";
            return Ok(Progress::failed("wait", text, None));
        }
        // A FIN that came before holds the gate open.
        self.until_hangup(script, now.hangup)
    }

    fn queued(&mut self, script: &Script, now: Ready, n: u64) -> Result<Progress, Errno> {
        let socket = script.link.socket().ok_or(Errno::EBADF)?;
        let have = unread(socket).map_err(|e| errno_of(&e))?;
        if have >= n {
            let op = Op::Received(script.link.received + n);
            return Ok(Progress::done("wait", format!("queued {n}"), op));
        }
        if now.error {
            let text = format!("the peer's RST came with {have} of {n} bytes queued");
            return Ok(Progress::failed("wait", text, Op::PeerReset));
        }
        if now.hangup && !script.shut_read {
            let text = format!("the peer's end (FIN) came with {have} of {n} bytes queued");
            return Ok(Progress::failed("wait", text, Op::PeerFin));
        }
        set_low_water(socket, n).map_err(|e| errno_of(&e))?;
        self.low_water = true;
        // The kernel caps the mark at half of the buffer, so the socket may be readable too early: then look again.
        let early = ready(socket).map_err(|e| errno_of(&e))?.readable;
        if early {
            return Ok(Progress::Wait {
                on: Vec::new(),
                again: Some(Duration::from_millis(1)),
            });
        }
        Ok(Progress::on(script.link.watch(Interest::READ)))
    }
}

fn readable(script: &Script, now: Ready) -> Result<Progress, Errno> {
    if !now.readable {
        return Ok(Progress::on(script.link.watch(Interest::READ)));
    }
    let socket = script.link.socket().ok_or(Errno::EBADF)?;
    let queued = unread(socket).map_err(|e| errno_of(&e))?;
    let op = match queued {
        0 if now.error => Some(Op::PeerReset),
        0 if now.hangup && !script.shut_read => Some(Op::PeerFin),
        0 => None,
        _ => Some(Op::Received(script.link.received + 1)),
    };
    Ok(Progress::done("wait", "readable", op))
}

fn info(script: &Script) -> Result<TcpInfo, Errno> {
    let socket = script.link.socket().ok_or(Errno::EBADF)?;
    tcp_info(socket).map_err(|e| errno_of(&e))
}

/// Nothing can move any more: the peer's window is shut with bytes waiting for it, all that was sent is acknowledged, and
/// the own window is shut as well.
pub fn is_stalled(script: &Script) -> Result<bool, Errno> {
    let info = info(script)?;
    let (Some(theirs), Some(ours)) = (info.send_window, info.receive_window) else {
        return Err(Errno::EOPNOTSUPP);
    };
    Ok(theirs == 0 && ours == 0 && info.notsent > 0 && info.unacked == 0)
}

impl Act for Gate {
    fn advance(&mut self, script: &mut Script) -> Progress {
        let progress = self
            .look(script)
            .unwrap_or_else(|e| Progress::errno("wait", e));
        if !matches!(progress, Progress::Wait { .. }) {
            self.abandon(script);
        }
        progress
    }

    fn waiting(&self, script: &Script) -> String {
        let have = script.link.socket().and_then(|s| unread(s).ok());
        match &self.state {
            Wait::Readable => "readable".into(),
            Wait::PeerFin => "peer-fin".into(),
            Wait::PeerReset => "peer-reset".into(),
            Wait::Queued(n) => format!("{} of {n} bytes queued", have.unwrap_or(0)),
            Wait::Acked => "acked".into(),
            Wait::Stalled => "stalled".into(),
            Wait::Event(_) | Wait::Segment(_) => String::new(),
        }
    }

    fn abandon(&mut self, script: &mut Script) {
        self.hangup = None;
        if std::mem::take(&mut self.low_water)
            && let Some(socket) = script.link.socket()
        {
            let _ = set_low_water(socket, 1);
        }
    }
}
