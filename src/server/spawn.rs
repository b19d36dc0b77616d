//! Starting and stopping a server.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::epoll::Epoll;
use super::error::ServerError;
use super::event_loop::EventLoop;
use super::forking::Forking;
use super::listen::listen;
use super::listen_only::ListenOnly;
use super::poll::Poll;
use super::process::{self, Killer};
use super::select::Select;
use super::sequential::Sequential;
use super::shop::{Serve, Shop, is_process, unsupported};
use super::threaded::Threaded;
use super::udp::Udp;
use crate::client::Context;
use crate::client::report::errno_of;
use crate::client::run::thread_name;
use crate::platform::multiplex::{Interest, PollList};
use crate::platform::{Cancel, Notify};
use crate::scenario::{Server, ServerKind};

/// A server that listens and serves.
#[derive(Debug)]
pub struct Running {
    name: Arc<str>,
    address: SocketAddr,
    cancel: Cancel,
    killer: Option<Killer>,
    ended: Arc<Notify>,
    thread: Option<JoinHandle<Result<(), ServerError>>>,
}

impl Running {
    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Where it listens, with the port that the kernel chose if it was asked to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// To kill it, if it is a process of its own; see [`super::Controls`].
    pub fn killer(&self) -> Option<Killer> {
        self.killer.clone()
    }

    /// Blocks until `cancel`, or until the server has ended by itself.
    ///
    /// # Errors
    /// What `poll(2)` says.
    pub fn wait(&self, cancel: &Cancel) -> io::Result<()> {
        let mut list = PollList::default();
        list.push(cancel.as_raw_fd(), Interest::READ);
        list.push(self.ended.as_raw_fd(), Interest::READ);
        while list.wait(None)?.is_empty() {}
        Ok(())
    }

    /// Ends it: all its connections close.
    ///
    /// # Errors
    /// Why it had ended before, if it had.
    pub fn stop(mut self) -> Result<(), ServerError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), ServerError> {
        self.cancel.cancel();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The kind of server that this is, ready to serve.
///
/// # Errors
/// What it needs from the system and does not get.
pub fn kind(server: &Server) -> Result<Box<dyn Serve>, ServerError> {
    Ok(match server.kind {
        ServerKind::Select => Box::new(EventLoop(Select::default())),
        ServerKind::Poll => Box::new(EventLoop(Poll::default())),
        ServerKind::Epoll => {
            let epoll = Epoll::new().map_err(|source| ServerError::System {
                server: server.name.clone(),
                call: "epoll_create1",
                source,
            })?;
            Box::new(EventLoop(epoll))
        }
        ServerKind::Threaded => Box::new(Threaded),
        ServerKind::Forking => Box::new(Forking),
        ServerKind::Sequential => Box::new(Sequential),
        ServerKind::Udp => Box::new(Udp),
        ServerKind::Listen | ServerKind::Command(_) => Box::new(ListenOnly),
    })
}

/// Starts a server: when this returns, it listens. It serves in threads that inherit this thread's network namespace.
///
/// The context's `cancel` is replaced by one of its own, so that [`Running::stop`] ends this server alone; the run's
/// `cancel` ends it as well only through the caller, who stops all its servers.
///
/// # Errors
/// [`ServerError::Bind`] when it cannot listen, [`ServerError::Unsupported`] when its kind cannot do what is asked.
pub fn spawn(server: &Server, context: &Context) -> Result<Running, ServerError> {
    let name = server.name.clone();
    if let Some(what) = unsupported(server) {
        return Err(ServerError::Unsupported { server: name, what });
    }
    let system = |call| {
        let server = server.name.clone();
        move |source| ServerError::System {
            server,
            call,
            source,
        }
    };
    let cancel = Cancel::new().map_err(system("eventfd"))?;
    let ended = Arc::new(Notify::new().map_err(system("eventfd"))?);
    let context = Context {
        cancel: cancel.clone(),
        ..context.clone()
    };
    let (address, killer, serve) = match is_process(server) {
        true => apart(server, &context)?,
        false => here(server, &context)?,
    };
    let end = SignalOnDrop(ended.clone());
    let thread = Builder::new()
        .name(thread_name(&name))
        .spawn(move || {
            let _end = end;
            serve()
        })
        .map_err(system("pthread_create"))?;
    Ok(Running {
        name,
        address,
        cancel,
        killer,
        ended,
        thread: Some(thread),
    })
}

/// Signals however the thread ends.
struct SignalOnDrop(Arc<Notify>);

impl Drop for SignalOnDrop {
    fn drop(&mut self) {
        self.0.signal();
    }
}

/// Starts a server and serves until the context's `cancel`: `lab-capture serve`. `ready` is called with the address once it
/// listens; events go to the context's timeline as they happen (see [`crate::timeline::Timeline::live`]).
///
/// # Errors
/// As [`spawn`], and why the server ended if it did by itself.
pub fn serve(
    server: &Server,
    context: &Context,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServerError> {
    let running = spawn(server, context)?;
    ready(running.address());
    running
        .wait(&context.cancel)
        .map_err(|source| ServerError::System {
            server: server.name.clone(),
            call: "poll",
            source,
        })?;
    running.stop()
}

/// What is left to do once a server listens: to be run in a thread.
type Rest = Box<dyn FnOnce() -> Result<(), ServerError> + Send>;

/// In this process.
fn here(
    server: &Server,
    context: &Context,
) -> Result<(SocketAddr, Option<Killer>, Rest), ServerError> {
    let serve = kind(server)?;
    let shop = Shop::new(server, context, listen(server)?);
    let address = shop.listener.address;
    shop.reporter.event("listen", address.to_string()).push();
    let rest = move || {
        let served = serve.serve(&shop);
        shop.listener.close();
        served.map_err(|source| {
            let errno = errno_of(&source);
            shop.reporter.error("exit", errno).failed(true).push();
            ServerError::System {
                server: shop.server.name.clone(),
                call: "serve",
                source,
            }
        })
    };
    Ok((address, None, Box::new(rest)))
}

/// In a process of its own.
fn apart(
    server: &Server,
    context: &Context,
) -> Result<(SocketAddr, Option<Killer>, Rest), ServerError> {
    let mut started = process::start(server, context)?;
    let (address, killer) = (started.address, started.killer.clone());
    let (reporter, context) = (context.reporter(&server.name), context.clone());
    started.tell(&reporter);
    let rest = move || started.pump(&reporter, &context);
    Ok((address, Some(killer), Box::new(rest)))
}
