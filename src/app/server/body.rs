//! A request's body that tells its connection when it has arrived.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use poem::Body;

use super::pace::Stage;

/// The same body. Until it has been read or dropped, the connection waits for its client.
pub fn watched(body: Body, stage: Stage) -> Body {
    Body::from_bytes_stream(Watched { chunks: Box::pin(body.into_bytes_stream()), stage })
}

struct Watched<S> {
    chunks: Pin<Box<S>>,
    stage: Stage,
}

impl<S: Stream<Item = io::Result<Bytes>>> Stream for Watched<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.chunks.as_mut().poll_next(context));
        // An evicted connection must not be worked for: its body counts as incomplete.
        if chunk.is_none() && !self.stage.end_body() {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        Poll::Ready(chunk)
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        self.stage.end_body();
    }
}
