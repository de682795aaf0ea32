//! An HTTP client with a persistent connection.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The timeout of a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client that reconnects when its connection was closed.
pub struct Client {
    address: String,
    stream: Option<TcpStream>,
    read: Vec<u8>,
}

/// A response.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Client {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, read: Vec::with_capacity(4096) }
    }

    /// Sends a complete request and reads the response.
    pub async fn send(&mut self, request: &str) -> io::Result<Answer> {
        let end = timeout(PATIENCE, self.exchange(request.as_bytes())).await;
        let answer = end.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let closes = |answer: &Answer| answer.header("connection").is_some_and(|value| value == "close");
        if answer.as_ref().map_or(true, closes) {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        self.read.clear();
        let answer = loop {
            if stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = parse(&self.read) {
                break answer;
            }
        };
        self.stream = Some(stream);
        Ok(answer)
    }
}

/// Parses a response; `None` while it is incomplete.
fn parse(read: &[u8]) -> Option<Answer> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&read[..end]).expect("a head in ASCII");
    let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or_default();
    let body = read.get(end + 4..end + 4 + length)?;
    Some(Answer { status, head: head.to_owned(), body: String::from_utf8_lossy(body).into_owned() })
}
