//! A live capture as its owner sees it.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{MsgFlags, send};

use super::budget::RingPermit;
use super::config::{BLOCK, LiveConfig, MIN_RING_SNAPLEN, RETIRE_MS};
use super::reader::{Reader, Shared};
use super::sentinel::{ETHERTYPE, Nonce};
use crate::capture::{FrameStore, Spill, Stats};
use crate::platform::{Interface, PlatformError};
use crate::wire::LinkType;

/// A capture could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// No `CAP_NET_RAW` in the namespace's user namespace.
    #[error("no permission to capture on {interface}: {reason}")]
    NoPermission {
        /// The interface.
        interface: String,
        /// libpcap's words.
        reason: String,
    },
    /// libpcap refused.
    #[error("{operation} {interface}: {reason}")]
    Pcap {
        /// libpcap's function.
        operation: &'static str,
        /// The interface.
        interface: String,
        /// libpcap's words.
        reason: String,
    },
    /// A system call failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

/// A capture that is open: every frame from now on is in it.
pub struct LiveCapture {
    pub(super) shared: Arc<Shared>,
    pub(super) nonce: Nonce,
    /// A second descriptor of the packet socket, for sending. Closed before the capture thread closes
    /// its own: whoever closes the last one waits for the kernel.
    socket: Option<OwnedFd>,
    link: LinkType,
    snaplen: u32,
    /// A frame that fills up the ring's block, and how many of them do.
    filler: Vec<u8>,
    fillers: usize,
    thread: Option<JoinHandle<()>>,
}

/// What a capture leaves behind.
#[derive(Debug)]
pub struct Finished {
    /// Frames that had not been taken before.
    pub frames: FrameStore,
    /// libpcap's counters after the last frame.
    pub stats: Stats,
    /// What ended the capture early, if anything did.
    pub error: Option<String>,
    /// Link type of the frames.
    pub link: LinkType,
    /// Bytes kept of each frame.
    pub snaplen: u32,
    /// The packet socket is being closed behind the results; join it at the end.
    pub closing: Closing,
}

/// A packet socket that is being closed: about 30 ms in which the kernel waits for its CPUs.
#[derive(Debug)]
pub struct Closing(Option<JoinHandle<()>>);

impl Closing {
    /// Is the socket closed already? Then [`Closing::join`] does not wait.
    pub fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until the socket is closed and its ring freed.
    pub fn join(mut self) {
        if let Some(thread) = self.0.take() {
            // A panic of the capture thread has been reported by it; there is nothing left to do.
            let _ = thread.join();
        }
    }
}

impl LiveCapture {
    /// Opens the interface of the calling thread's network namespace and starts the capture thread.
    /// `notify` is called from that thread after new frames came in, a barrier was passed, or the
    /// capture ended; it must not block. `permit` is kept until the ring has been freed.
    ///
    /// # Errors
    /// No permission, no such interface, a filter that is none, no memory for the ring.
    pub fn open(
        config: &LiveConfig,
        permit: Option<RingPermit>,
        notify: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, CaptureError> {
        let pcap_error = |operation, e: pcap::Error| classify(operation, &config.interface, e);
        let kept = config.slots.unwrap_or(config.snaplen);
        let inactive = pcap::Capture::from_device(config.interface.as_str())
            .map_err(|e| pcap_error("pcap_create", e))?
            .precision(pcap::Precision::Nano)
            .snaplen(kept.max(MIN_RING_SNAPLEN) as i32)
            .buffer_size(config.ring_bytes.min(i32::MAX as u32) as i32)
            // Blocks or slots; see `config`. The timeout is the age at which a block is handed over.
            .immediate_mode(config.slots.is_some())
            .timeout(RETIRE_MS);
        let mut capture = inactive
            .open()
            .map_err(|e| pcap_error("pcap_activate", e))?;
        if let Some(filter) = &config.filter {
            // The sentinels must pass whatever the user asked for.
            capture
                .filter(&format!("({filter}) or ether proto {ETHERTYPE}"), true)
                .map_err(|e| pcap_error("pcap_setfilter", e))?;
        }
        let capture = capture
            .setnonblock()
            .map_err(|e| pcap_error("pcap_setnonblock", e))?;
        let link = LinkType(capture.get_datalink().0 as u16);

        let call = |what, e| PlatformError::call(what, &config.interface, e);
        let socket = capture
            .as_fd()
            .try_clone_to_owned()
            .map_err(|e| PlatformError::io("dup", &config.interface, e))?;
        let stop = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|e| call("eventfd", e))?;
        let nonce = Nonce::random().map_err(|e| PlatformError::io("read", "/dev/urandom", e))?;
        let (filler, fillers) = if config.fill {
            filler(&nonce, config)?
        } else {
            (Vec::new(), 0)
        };
        let shared = Shared::new(stop, Box::new(notify));
        let reader = Reader {
            capture,
            shared: Arc::clone(&shared),
            nonce,
            snaplen: config.snaplen as usize,
            behind: usize::try_from(config.behind).unwrap_or(usize::MAX),
        };
        let thread = std::thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || {
                reader.run();
                drop(permit);
            })
            .map_err(|e| PlatformError::io("spawn", "capture thread", e))?;
        Ok(LiveCapture {
            shared,
            nonce,
            socket: Some(socket),
            link,
            snaplen: config.snaplen,
            filler,
            fillers,
            thread: Some(thread),
        })
    }

    /// Link type of the frames.
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Bytes kept of each frame.
    pub fn snaplen(&self) -> u32 {
        self.snaplen
    }

    /// The frames that came in since the last call.
    pub fn take(&self) -> FrameStore {
        let mut state = self.shared.lock();
        let fresh = state.pending.like();
        let new = std::mem::replace(&mut state.pending, fresh);
        drop(state);
        // The capture thread may have stopped because there were too many.
        self.shared.taken();
        new
    }

    /// Moves the frames that came in since the last call to the end of `frames`, in capture order;
    /// they stay in memory. Returns how many.
    pub fn take_into(&self, frames: &mut FrameStore) -> usize {
        let new = self.take();
        let count = new.len();
        frames.append(new, &mut Spill::never());
        count
    }

    /// Waits until there are frames to take, the capture has ended, or `limit` has passed; true if
    /// there are frames.
    pub fn wait_frames(&self, limit: Duration) -> bool {
        let (state, _) = self
            .shared
            .wait(limit, |s| !s.pending.is_empty() || s.ended.is_some());
        !state.pending.is_empty()
    }

    /// What ended the capture early, if anything did: no frame will come any more.
    pub fn error(&self) -> Option<String> {
        let state = self.shared.lock();
        let ended = state.ended.as_ref()?;
        ended.error.clone()
    }

    /// Frames that were lost so far because the ring was full.
    pub fn dropped(&self) -> u32 {
        self.shared.lock().dropped
    }

    /// Sends one frame through the packet socket.
    pub(super) fn send(&self, frame: &[u8]) -> Result<(), PlatformError> {
        loop {
            let socket = self.socket.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            match send(socket, frame, MsgFlags::empty()) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(e) => return Err(PlatformError::call("send", "sentinel", e)),
            }
        }
    }

    /// Has the kernel hand over the frames of the block under way now, rather than when it is 4 ms
    /// old: for when everybody has done what was to be seen. Nothing depends on it but speed. Costs
    /// one block of the ring. A barrier does this by itself.
    pub fn hurry(&self) {
        for _ in 0..self.fillers {
            // Without it, the block is handed over all the same, a little later.
            if self.send(&self.filler).is_err() {
                return;
            }
        }
    }

    /// Stops reading and returns what is left; the socket is closed behind it.
    pub fn finish(mut self) -> Finished {
        let thread = self.stop();
        let (mut state, _) = self.shared.wait(Duration::MAX, |s| s.ended.is_some());
        let ended = state.ended.clone().unwrap_or_default();
        Finished {
            frames: std::mem::take(&mut state.pending),
            stats: ended.stats,
            error: ended.error,
            link: self.link,
            snaplen: self.snaplen,
            closing: Closing(thread),
        }
    }

    fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.shared.lock().stopping = true;
        self.shared.taken();
        self.socket = None;
        // Writing 1 to an event counter fails only when it is full, that is, already readable.
        let _ = self.shared.stop.write(1);
        self.thread.take()
    }
}

impl Drop for LiveCapture {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A frame as long as the interface takes, and how many of them are more than a block holds.
fn filler(nonce: &Nonce, config: &LiveConfig) -> Result<(Vec<u8>, usize), PlatformError> {
    // An Ethernet header does not count as part of the MTU. More than this is never sent on lo.
    let mtu = Interface::open(&config.interface)?.mtu()? as usize;
    let frame = nonce.filler((mtu + 14).min(65_549));
    let kept = frame
        .len()
        .min(config.snaplen.max(MIN_RING_SNAPLEN) as usize);
    let count = BLOCK / kept + 1;
    // With a short snapshot length it would take too many; the block then ends with its time.
    Ok((frame, if count <= 200 { count } else { 0 }))
}

/// libpcap gives words, not numbers: "You don't have permission to perform this capture on that
/// device" since 1.0, with the errno's words behind it.
fn classify(operation: &'static str, interface: &str, error: pcap::Error) -> CaptureError {
    let reason = match error {
        pcap::Error::PcapError(words) => words,
        other => other.to_string(),
    };
    let interface = interface.to_owned();
    let words = reason.to_ascii_lowercase();
    if words.contains("permission") || words.contains("not permitted") {
        CaptureError::NoPermission { interface, reason }
    } else {
        CaptureError::Pcap {
            operation,
            interface,
            reason,
        }
    }
}
