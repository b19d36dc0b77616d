//! http: a small HTTP/1.1 server (RFC 9112), one fixed body, connections kept until the peer closes.

use super::RECV_SIZE;
use super::output::{Flushed, Output};
use crate::client::{Io, Link, Task, Want};
use crate::platform::multiplex::Interest;
use crate::timeline::Op;

/// Bytes that a request's head may have.
pub const MAX_HEAD: usize = 8 * 1024;

/// What stands in a request's head, as far as an answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The request line.
    pub line: String,
    /// HEAD: an answer without its body.
    pub head_only: bool,
    /// The connection is to be closed after the answer.
    pub close: bool,
    /// Bytes of the head, its empty line included.
    pub head: usize,
    /// Bytes of body that follow.
    pub body: u64,
}

/// Why a request is refused: the status line's rest.
pub type Refusal = &'static str;

/// Reads one head from the start of `bytes`; `None` if it is not complete.
///
/// # Errors
/// The status that refuses it.
pub fn parse(bytes: &[u8]) -> Result<Option<Request>, Refusal> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
    let Some(end) = end.filter(|e| e + 4 <= MAX_HEAD) else {
        let too_long = end.is_some() || bytes.len() >= MAX_HEAD;
        return match too_long {
            true => Err("431 Request Header Fields Too Large"),
            false => Ok(None),
        };
    };
    const BAD: Refusal = "400 Bad Request";
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| BAD)?;
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(BAD);
    };
    let token = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
    if !token || target.is_empty() {
        return Err(BAD);
    }
    let old = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        v if v.starts_with("HTTP/") => return Err("505 HTTP Version Not Supported"),
        _ => return Err(BAD),
    };
    let mut request = Request {
        line: line.to_string(),
        head_only: method == "HEAD",
        close: old,
        head: end + 4,
        body: 0,
    };
    for field in lines {
        let (name, value) = field.split_once(':').ok_or(BAD)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            request.body = value.parse().ok().filter(|_| digits).ok_or(BAD)?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err("501 Not Implemented");
        } else if name.eq_ignore_ascii_case("connection") {
            let has = |word| {
                value
                    .split(',')
                    .any(|w| w.trim().eq_ignore_ascii_case(word))
            };
            request.close = has("close") || (old && !has("keep-alive"));
        }
    }
    Ok(Some(request))
}

/// One connection.
pub struct Http {
    link: Link,
    body: Vec<u8>,
    output: Output,
    input: Vec<u8>,
    /// Bytes of a request's body still to be read and forgotten, and the answer that follows them.
    skip: Option<(u64, Request)>,
    /// Offset in the peer's stream of the first byte of `input`.
    consumed: u64,
    /// Close once the output is empty.
    last: bool,
}

impl Http {
    /// Answers every request with this body.
    pub fn new(link: Link, body: &[u8]) -> Self {
        Http {
            link,
            body: body.to_vec(),
            output: Output::default(),
            input: Vec::new(),
            skip: None,
            consumed: 0,
            last: false,
        }
    }

    fn close(&mut self) -> Want {
        self.link.close();
        Want::Over
    }

    /// Answers the requests that are complete.
    fn answer(&mut self) {
        while !self.last {
            if let Some((left, request)) = self.skip.take() {
                let here = left.min(self.input.len() as u64);
                self.consume(here as usize);
                if here < left {
                    self.skip = Some((left - here, request));
                    return;
                }
                self.respond(&request);
                continue;
            }
            match parse(&self.input) {
                Ok(None) => return,
                Ok(Some(request)) => {
                    self.consume(request.head);
                    self.skip = Some((request.body, request));
                }
                Err(status) => {
                    let end = self.link.received;
                    let op = Op::ReceivedSome { end };
                    self.link.event("request", status).op(op).push();
                    let head = format!(
                        "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    );
                    self.output.push(head.as_bytes());
                    self.input.clear();
                    self.last = true;
                }
            }
        }
    }

    fn consume(&mut self, n: usize) {
        self.input.drain(..n);
        self.consumed += n as u64;
    }

    fn respond(&mut self, request: &Request) {
        // No answer before the whole request: that is certain, however many recv calls it took.
        let op = Op::Received(self.consumed);
        let line: String = request.line.chars().take(200).collect();
        self.link.event("request", line).op(op).push();
        let connection = if request.close {
            "Connection: close\r\n"
        } else {
            ""
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n{connection}\r\n",
            self.body.len()
        );
        self.output.push(head.as_bytes());
        if !request.head_only {
            self.output.push(&self.body);
        }
        self.last = request.close;
    }
}

impl Task for Http {
    fn run(&mut self) -> Want {
        let mut buffer = [0; RECV_SIZE];
        let mut read = false;
        loop {
            match self.output.flush(&mut self.link, false) {
                Flushed::All if self.last => return self.close(),
                Flushed::All => {}
                Flushed::Blocked => return Want::on(self.link.watch(Interest::WRITE)),
                Flushed::Broken(_) => return self.close(),
            }
            if std::mem::replace(&mut read, true) {
                return Want::on(self.link.watch(Interest::READ));
            }
            match self.link.recv(&mut buffer) {
                Io::Done(0) | Io::Failed(_) => return self.close(),
                Io::Blocked => return Want::on(self.link.watch(Interest::READ)),
                Io::Done(n) => {
                    self.input.extend_from_slice(&buffer[..n]);
                    self.answer();
                }
            }
        }
    }

    fn holds(&self) -> bool {
        self.link.socket().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(text: &str) -> Request {
        parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn reads_heads() {
        let get = ok("GET / HTTP/1.1\r\nHost: lab\r\n\r\nrest");
        assert_eq!((get.head, get.body, get.close), (29, 0, false));
        assert!(ok("GET / HTTP/1.0\r\n\r\n").close);
        assert!(!ok("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").close);
        assert!(ok("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").close);
        assert!(ok("HEAD / HTTP/1.1\r\n\r\n").head_only);
        assert_eq!(ok("POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\n").body, 12);
        assert_eq!(parse(b"GET / HTTP/1.1\r\nHost"), Ok(None));
    }

    #[test]
    fn refuses_what_it_must() {
        let status = |text: &str| parse(text.as_bytes()).unwrap_err();
        assert!(status("hello\r\n\r\n").starts_with("400"));
        assert!(status("GET / HTTP/1.1\r\nno colon\r\n\r\n").starts_with("400"));
        assert!(status("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").starts_with("400"));
        assert!(status("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n").starts_with("400"));
        let huge = format!("GET / HTTP/1.1\r\nContent-Length: {}0\r\n\r\n", u64::MAX);
        assert!(status(&huge).starts_with("400"));
        assert!(status("GET / HTTP/2\r\n\r\n").starts_with("505"));
        assert!(status("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").starts_with("501"));
        assert!(status(&"x".repeat(MAX_HEAD)).starts_with("431"));
    }
}
