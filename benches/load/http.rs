//! HTTP connections that send one request at a time.

use std::{future::poll_fn, pin::Pin};

use anyhow::{Context, ensure};
use httparse::{EMPTY_HEADER, Response, Status};
use hyper::{
    Request,
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{AUTHORIZATION, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::rows::Row;

/// A connection to a server.
pub struct Connection {
    authority: String,
    authorization: String,
    sender: SendRequest<String>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Connection {
    /// `url` is `http://host:port`; `authorization` is empty if none is needed.
    pub async fn open(url: &str, authorization: &str) -> anyhow::Result<Self> {
        let authority = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The task ends when the sender is dropped.
        tokio::spawn(connection);
        Ok(Self { authority, authorization: authorization.to_owned(), sender })
    }

    /// Sends the request of a row for this user.
    pub async fn ask(&mut self, row: &Row, id: u32) -> anyhow::Result<Answer> {
        self.send(row.method, &row.path().replace("{id}", &id.to_string())).await
    }

    pub async fn send(&mut self, method: &str, path: &str) -> anyhow::Result<Answer> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.authority);
        if !self.authorization.is_empty() {
            request = request.header(AUTHORIZATION, &self.authorization);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(String::new())?).await?;
        let status = response.status().as_u16();
        Ok(Answer { status, body: read(response.into_body()).await? })
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}, not JSON: {}", self.status, String::from_utf8_lossy(&self.body)))
    }
}

/// A connection with little overhead: its requests are prepared, and of an answer it parses only the head.
pub struct LeanConnection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl LeanConnection {
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends a request and returns the status of the answer.
    pub async fn ask(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the connection was closed");
            if let Some(status) = status(&self.received)? {
                return Ok(status);
            }
        }
    }
}

/// The status of an answer, once it is complete.
fn status(received: &[u8]) -> anyhow::Result<Option<u16>> {
    let mut headers = [EMPTY_HEADER; 32];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head) = response.parse(received)? else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = str::from_utf8(length.context("an answer without its length")?.value)?.parse()?;
    Ok(response.code.filter(|_| received.len() >= head + length))
}

async fn read(mut body: Incoming) -> hyper::Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame?.into_data() {
            all.extend_from_slice(&data);
        }
    }
    Ok(all)
}
