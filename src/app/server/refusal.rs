//! What a connection is told that is one too many.

use std::{sync::Arc, time::Duration};

use poem::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    time::timeout,
};

use crate::error::{Error, Shape};

/// How many are told at once; further ones are closed without a word.
const AT_ONCE: usize = 256;
/// How long a client may take to hear it.
const PATIENCE: Duration = Duration::from_millis(250);

/// Tells connections that there is no room for them, without reading what they ask for.
pub struct Refusal {
    words: Arc<[u8]>,
    room: Arc<Semaphore>,
}

impl Refusal {
    /// The answer is that of an overload, in the shape that most paths have.
    pub async fn new() -> Self {
        Self {
            words: words(Error::Overloaded.in_shape(Shape::Upstream)).await.into(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    pub fn tell(&self, mut stream: TcpStream) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else { return };
        let words = Arc::clone(&self.words);
        tokio::spawn(async move {
            let _place = place;
            let told = async {
                stream.write_all(&words).await?;
                stream.shutdown().await?;
                // What was sent and not read would have the system reset the connection, and the answer be lost.
                while stream.read(&mut [0; 1024]).await? > 0 {}
                Ok::<_, std::io::Error>(())
            };
            let _ = timeout(PATIENCE, told).await;
        });
    }
}

/// A whole answer as it goes over the wire, with the end of the connection.
async fn words(mut response: Response) -> Vec<u8> {
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    let mut words =
        format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n", response.status(), body.len());
    for (name, value) in response.headers() {
        words.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"]);
    }
    [words.as_bytes(), b"\r\n", &body].concat()
}
