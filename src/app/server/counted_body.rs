//! Wraps a request's body so that its connection knows when the body has arrived.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use poem::Body;

use super::stream_timeouts::Stage;

/// Wraps a body. Until it has been read or dropped, the connection counts as waiting for its client.
pub fn tracked_body(body: Body, stage: Stage) -> Body {
    Body::from_bytes_stream(TrackedBody { chunks: Box::pin(body.into_bytes_stream()), stage })
}

struct TrackedBody<S> {
    chunks: Pin<Box<S>>,
    stage: Stage,
}

impl<S: Stream<Item = io::Result<Bytes>>> Stream for TrackedBody<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.chunks.as_mut().poll_next(context));
        // If the connection has been evicted, the request must not be served: report the body as incomplete.
        if chunk.is_none() && !self.stage.end_body() {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        Poll::Ready(chunk)
    }
}

impl<S> Drop for TrackedBody<S> {
    fn drop(&mut self) {
        self.stage.end_body();
    }
}
