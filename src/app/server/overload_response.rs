//! The 503 answer to a connection beyond the limit.

use std::{sync::Arc, time::Duration};

use poem::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    time::timeout,
};

use crate::{api::error::ErrorFormat, error::Error};

/// Maximum number of answers that are sent at the same time. Further connections are closed without an answer.
const MAX_SENDING: usize = 256;
/// Timeout for sending the answer.
const SEND_TIMEOUT: Duration = Duration::from_millis(250);

/// Answers connections with 503 without reading their requests.
pub struct OverloadResponse {
    bytes: Arc<[u8]>,
    permits: Arc<Semaphore>,
}

impl OverloadResponse {
    /// Prepares the answer in the error format of most paths.
    pub async fn new() -> Self {
        Self {
            bytes: bytes(Error::Overloaded.to_response(ErrorFormat::Upstream)).await.into(),
            permits: Arc::new(Semaphore::new(MAX_SENDING)),
        }
    }

    pub fn send(&self, mut stream: TcpStream) {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return };
        let bytes = Arc::clone(&self.bytes);
        tokio::spawn(async move {
            let _permit = permit;
            let sending = async {
                stream.write_all(&bytes).await?;
                stream.shutdown().await?;
                // Read the request: with unread data, the system would reset the connection and lose the answer.
                while stream.read(&mut [0; 1024]).await? > 0 {}
                Ok::<_, std::io::Error>(())
            };
            let _ = timeout(SEND_TIMEOUT, sending).await;
        });
    }
}

/// The bytes of an HTTP/1.1 answer that closes the connection.
async fn bytes(mut response: Response) -> Vec<u8> {
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n", response.status(), body.len());
    for (name, value) in response.headers() {
        head.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"]);
    }
    [head.as_bytes(), b"\r\n", &body].concat()
}
