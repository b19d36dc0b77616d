//! The program under test: it reads a name, one line, and greets.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// Serves one connection: reads a line, answers, closes.
pub fn serve_one(listener: &TcpListener) -> io::Result<()> {
    let (socket, _) = listener.accept()?;
    greet(socket)
}

fn greet(socket: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(socket);
    let mut name = String::new();
    reader.read_line(&mut name)?;
    let answer = match name.trim_end() {
        "" => "who?\n".to_owned(),
        name => format!("hello {name}\n"),
    };
    reader.get_mut().write_all(answer.as_bytes())
}
