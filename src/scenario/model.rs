//! The validated scenario: plain types, each with the span of the text that it came from.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::expectation::Expect;

/// Byte offsets into [`Source::text`].
pub type Span = Range<usize>;

/// The text of a scenario file, kept so that any later failure can point at its line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The path as the user gave it.
    pub path: PathBuf,
    /// The whole file.
    pub text: String,
}

/// One scenario: who talks to whom, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file's stem: names the snapshot and the exported capture.
    pub name: String,
    /// Where it came from.
    pub source: Arc<Source>,
    /// One line for people.
    pub title: String,
    /// A sentence or more that a student understands: which system call caused which segment.
    pub explain: Option<String>,
    /// The servers, usually one.
    pub servers: Vec<Server>,
    /// The clients, `count` already expanded.
    pub clients: Vec<Client>,
    /// Settings of `lo` in the run's namespace.
    pub link: Link,
    /// `sysctl` settings of the run's namespace: name (`net.ipv4.tcp_syn_retries`), value, span.
    pub sysctl: Vec<(String, String, Span)>,
    /// Longest time that the run may take once the servers listen; an external one has as long to begin.
    pub limit: Duration,
    /// How the capture is taken.
    pub capture: CaptureSpec,
    /// What is expected.
    pub expect: Expect,
}

/// How the capture is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptureSpec {
    /// Bytes kept of each frame; `None` keeps all.
    pub snaplen: Option<u32>,
    /// Ring buffer in MiB; `None` lets the lab choose.
    pub buffer: Option<u32>,
}

/// Settings of the loopback interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// MTU in bytes, `None` keeps the kernel's 65,536.
    pub mtu: Option<u32>,
    /// Segmentation offload (TSO, GSO, GRO); `false` shows segments as on Ethernet.
    pub offload: bool,
    /// Where it was set.
    pub span: Span,
}

impl Default for Link {
    fn default() -> Self {
        Link {
            mtu: None,
            offload: true,
            span: 0..0,
        }
    }
}

/// A server under test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    /// The name that events and flows use: `server` unless said otherwise.
    pub name: Arc<str>,
    /// How it serves.
    pub kind: ServerKind,
    /// Where it listens.
    pub listen: SocketAddr,
    /// What it does with a connection.
    pub handler: Handler,
    /// The second argument of `listen(2)`.
    pub backlog: i32,
    /// Options set on the listening socket before `bind`, and so inherited by connections.
    pub options: Vec<SocketOption>,
    /// How messages are framed, for `send-message` and `recv-message`.
    pub framing: Option<Framing>,
    /// Run in a process of its own (the binary started again inside the namespace).
    pub process: bool,
    /// Limit of descriptors (`RLIMIT_NOFILE`) for a server in a process of its own.
    pub descriptors: Option<u64>,
    /// The `[server]` table.
    pub span: Span,
}

/// The way a server waits for and serves its connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerKind {
    /// `select(2)`, listener and clients in one list.
    Select,
    /// `poll(2)`.
    Poll,
    /// `epoll(7)`, level triggered.
    Epoll,
    /// A thread for each connection.
    Threaded,
    /// A process for each connection.
    Forking,
    /// One connection at a time.
    Sequential,
    /// A UDP socket.
    Udp,
    /// Listens and never accepts, but for what its handler's steps do ([`Handler::Steps`], run once by the server itself).
    Listen,
    /// An external program.
    Command(Program),
}

/// An external program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Program and arguments; a program with a slash is relative to the scenario's folder.
    pub argv: Vec<String>,
    /// Lines typed on its standard input; afterwards it is closed unless `keep_stdin`.
    pub stdin: Vec<String>,
    /// Leave standard input open until the run ends.
    pub keep_stdin: bool,
    /// Its standard streams are lab-capture's own (`exec`); nothing of its output is kept.
    #[serde(default)]
    pub inherit: bool,
    /// Environment variables added to the inherited ones.
    pub env: Vec<(String, String)>,
    /// Working folder; the scenario's folder unless set.
    pub dir: Option<PathBuf>,
    /// Exit status that the scenario expects, if it says so.
    pub status: Option<i32>,
    /// Where it was written.
    pub span: Span,
}

/// What a server does with each connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Handler {
    /// Send back what arrives, close when the peer has closed.
    Echo,
    /// Read until the peer closes, then close.
    Sink,
    /// Send this text at once, then read until the peer closes.
    Greet(Vec<u8>),
    /// Send what arrives to every other connection.
    Chat,
    /// Open a connection to this address and pass bytes both ways.
    Forward(SocketAddr),
    /// A small HTTP/1.1 server: each request is answered with this body, until the peer closes.
    Http(Vec<u8>),
    /// The same steps that clients have; of a server of kind `listen`, the server's own script.
    Steps(Arc<Vec<Step>>),
}

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name, unique in the scenario.
    pub name: Arc<str>,
    /// Where `connect` goes unless the step says otherwise.
    pub target: SocketAddr,
    /// The script or the program.
    pub kind: ClientKind,
    /// How messages are framed.
    pub framing: Option<Framing>,
    /// The `[[client]]` table.
    pub span: Span,
}

/// A client is a script or a program.
#[derive(Debug, Clone)]
pub enum ClientKind {
    /// Steps, interpreted.
    Script(Arc<Vec<Step>>),
    /// The same over UDP (`connect` fixes the peer, no packet).
    Udp(Arc<Vec<Step>>),
    /// An external program.
    Command(Program),
}

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// Longest time that it may take.
    pub limit: Duration,
    /// What it must fail with, an errno by name (`EPIPE`) or a fault of a framed message (`cut-off`),
    /// and where that is said.
    pub fails: Option<(String, Span)>,
    /// Where it was written.
    pub span: Span,
}

/// What a step does. Names are those of the socket API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// `connect(2)`, to the client's target or to this address.
    Connect(Option<SocketAddr>),
    /// `bind(2)` to this source port before connecting; 0 lets the kernel choose.
    Bind(u16),
    /// Send all of these bytes.
    Send(Data),
    /// Send, framed.
    SendMessage(Data),
    /// Receive.
    Recv(Recv),
    /// Receive one framed message; `Some` must equal it.
    RecvMessage(Option<Data>),
    /// Receive until the peer's end into a file, created in the capture folder, and compare it with another file if given.
    RecvFile {
        /// Where the bytes go; `None` keeps them only for the comparison.
        into: Option<PathBuf>,
        /// The file that it must equal.
        equals: Option<PathBuf>,
    },
    /// `shutdown(2)`.
    Shutdown(How),
    /// `close(2)`.
    Close,
    /// `SO_LINGER` 0, then `close(2)`: RST.
    Reset,
    /// Wait for something that happened; never for time.
    Wait(Wait),
    /// Wait until every client that names this barrier has reached it.
    Barrier(String),
    /// `setsockopt(2)`.
    Set(SocketOption),
    /// Steps repeated.
    Repeat {
        /// How often.
        times: u32,
        /// What.
        steps: Vec<Step>,
    },
    /// A signal to a server that runs in a process of its own, by name.
    Signal(ProcessSignal, String),
    /// `SO_ATTACH_FILTER` with a program that drops all (`true`), or `SO_DETACH_FILTER`: makes two FINs cross.
    Deaf(bool),
    /// Accept a connection: in the script of a server of kind `listen`, which runs its handler's steps once, on its
    /// listening socket; until `close` the steps after it are on that connection.
    Accept,
    /// Close the listening socket.
    CloseListener,
}

/// What a step can do to another actor's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessSignal {
    /// SIGKILL
    Kill,
    /// SIGSTOP; the step is over when the process has stopped.
    Stop,
    /// SIGCONT
    Continue,
}

impl ProcessSignal {
    /// The step's word.
    pub fn word(self) -> &'static str {
        match self {
            ProcessSignal::Kill => "kill",
            ProcessSignal::Stop => "stop",
            ProcessSignal::Continue => "continue",
        }
    }

    /// The signal's name.
    pub fn name(self) -> &'static str {
        match self {
            ProcessSignal::Kill => "SIGKILL",
            ProcessSignal::Stop => "SIGSTOP",
            ProcessSignal::Continue => "SIGCONT",
        }
    }
}

/// Bytes to send or to compare with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Data {
    /// These bytes (from text or hex).
    Bytes(Vec<u8>),
    /// The contents of a file, relative to the scenario's folder.
    File(PathBuf),
    /// `len` bytes of a repeating, position-dependent pattern (byte i is `i % 251`).
    Pattern(u64),
}

/// What a `recv` step waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recv {
    /// Exactly these bytes.
    Exact(Data),
    /// Exactly this many bytes, whatever they are.
    Count(u64),
    /// One `recv(2)` of up to this many bytes: no cut in the flow.
    UpTo(usize),
    /// Everything until the peer's FIN.
    Eof,
}

/// The argument of `shutdown(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// `SHUT_RD`
    Read,
    /// `SHUT_WR`
    Write,
    /// `SHUT_RDWR`
    Both,
}

/// What a `wait` step waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wait {
    /// Own socket: something can be read. In the script of a listening server without a connection, the listening
    /// socket: a connection stands in its queue.
    Readable,
    /// Own socket: the peer's FIN has arrived (POLLRDHUP).
    PeerFin,
    /// Own socket: a RST has arrived (POLLERR / POLLHUP with SO_ERROR).
    PeerReset,
    /// Own socket: this many bytes are queued unread (FIONREAD).
    Queued(u64),
    /// Own socket: everything sent has been acknowledged (SIOCOUTQ is 0).
    Acked,
    /// Own socket: the send queue is full and the peer's window is zero (TCP_INFO), with the own receive queue full: a deadlock.
    Stalled,
    /// Another actor's event.
    Event(EventMatch),
    /// A segment on the wire, seen in the capture.
    Segment(SegmentMatch),
}

/// Which event of another actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventMatch {
    /// Actor's name: `server`, `client-2`.
    pub actor: String,
    /// The call: `accept`, `recv`, `send`, `close`, `connect`, `shutdown`, `done`…
    pub call: String,
    /// How many of them (1: the first).
    pub times: u32,
    /// The connection, by client name; `None` is any.
    pub connection: Option<String>,
}

/// Which segment on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentMatch {
    /// `client` or `server`; `None` is either.
    pub from: Option<String>,
    /// Flags that must be set, in the order FIN SYN RST PSH ACK URG ECE CWR (`"FIN,ACK"`).
    pub flags: String,
    /// How many of them.
    pub times: u32,
    /// The connection, by client name; `None` is the own one, and any in the script of a listening server.
    pub connection: Option<String>,
}

/// A socket option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocketOption {
    /// `TCP_NODELAY`
    NoDelay(bool),
    /// `SO_LINGER` in seconds; `None` is off.
    Linger(Option<u16>),
    /// `SO_RCVBUF` in bytes.
    RcvBuf(u32),
    /// `SO_SNDBUF` in bytes.
    SndBuf(u32),
    /// `SO_KEEPALIVE`
    KeepAlive(bool),
    /// `SO_REUSEADDR`
    ReuseAddr(bool),
    /// `TCP_QUICKACK`
    QuickAck(bool),
    /// `TCP_CORK`
    Cork(bool),
}

/// How a message is told from the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Framing {
    /// A message ends when the socket closes.
    Close,
    /// No messages: a stream.
    Stream,
    /// Every message has this many bytes.
    Fixed(usize),
    /// A message ends with these bytes.
    Delimiter(Vec<u8>),
    /// A length stands in front of each message.
    Prefix {
        /// Its width in bytes: 1, 2, 4 or 8.
        width: u8,
        /// Big endian (network byte order)?
        big_endian: bool,
        /// Signed, so that a negative length is possible and refused?
        signed: bool,
        /// Longest message accepted.
        max: u64,
    },
}
