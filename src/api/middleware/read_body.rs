//! Reads a whole request body, with limits on its size, its time and its share of memory.

use std::{
    future::pending,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use poem::Body;
use tokio::time::sleep_until;

use super::large_bodies::{LargeBodies, LargeBody, Progress};
use crate::{auth::Address, error::Error};

/// The largest body that is accepted, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Of a larger body, at most this much more is read and discarded. Many clients and proxies send the whole body before
/// they read the answer, and closing a connection with unread data would reset it.
const MAX_DISCARDED_BYTES: usize = 8 * 1024 * 1024;
/// The longest time for that.
const MAX_DISCARD_TIME: Duration = Duration::from_secs(2);

/// The longest time that a body may take to arrive.
const MAX_TIME: Duration = Duration::from_secs(20);
/// After this time, a body must arrive at [`MIN_BYTES_PER_SECOND`] or faster.
const GRACE: Duration = Duration::from_secs(5);
const MIN_BYTES_PER_SECOND: usize = 16 * 1024;
/// Larger bodies take a slot of [`LargeBodies`].
const MAX_SMALL_BYTES: usize = 64 * 1024;

/// The body, with its slot if it is a large one. Keep the slot as long as the body.
///
/// # Errors
/// [`Error::BodyTooLarge`], [`Error::BodyTooSlow`], [`Error::InvalidArgument`] when the body ends early, and
/// [`Error::Overloaded`] when the body gets no slot or is evicted.
pub async fn read(body: Body, address: Address, slots: &LargeBodies) -> Result<(Bytes, Option<LargeBody>), Error> {
    let began = Instant::now();
    let mut chunks = pin!(body.into_bytes_stream());
    let (mut bytes, mut large) = (BytesMut::new(), None::<LargeBody>);
    loop {
        let chunk = next_chunk(chunks.as_mut(), began + time_for(bytes.len()), large.as_ref()).await?;
        bytes.extend_from_slice(chunk.as_deref().unwrap_or_default());
        if bytes.len() > MAX_BYTES {
            drop(bytes);
            discard(chunks, large.as_ref()).await;
            return Err(Error::BodyTooLarge);
        }
        let (received, is_complete) = (bytes.len(), chunk.is_none());
        match &large {
            Some(large) if !large.note(received, is_complete) => return Err(Error::Overloaded),
            None if received > MAX_SMALL_BYTES => {
                let progress = Progress { address, began, received, is_complete };
                large = Some(slots.admit(progress).ok_or(Error::Overloaded)?);
            }
            _ => {}
        }
        if is_complete {
            return Ok((bytes.freeze(), large));
        }
    }
}

/// Reads and discards the rest of a body, up to the limits.
async fn discard(mut chunks: Pin<&mut impl Stream<Item = std::io::Result<Bytes>>>, large: Option<&LargeBody>) {
    let deadline = Instant::now() + MAX_DISCARD_TIME;
    let mut discarded = 0;
    while discarded < MAX_DISCARDED_BYTES
        && let Ok(Some(chunk)) = next_chunk(chunks.as_mut(), deadline, large).await
    {
        discarded += chunk.len();
    }
}

/// The next chunk; `None` at the end of the body.
async fn next_chunk(
    mut chunks: Pin<&mut impl Stream<Item = std::io::Result<Bytes>>>,
    deadline: Instant,
    large: Option<&LargeBody>,
) -> Result<Option<Bytes>, Error> {
    let evicted = async {
        match large {
            Some(large) => large.evicted().await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        chunk = chunks.next() => {
            chunk.transpose().map_err(|_| Error::InvalidArgument("The body ends early.".to_owned()))
        }
        () = evicted => Err(Error::Overloaded),
        () = sleep_until(deadline.into()) => Err(Error::BodyTooSlow),
    }
}

/// The time that a body may have taken when this many bytes have arrived.
fn time_for(received: usize) -> Duration {
    MAX_TIME.min(GRACE + Duration::from_secs_f64(received as f64 / MIN_BYTES_PER_SECOND as f64))
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
    };

    use futures_util::stream;
    use poem::web::RemoteAddr;

    use super::*;

    const CHUNK: usize = 64 * 1024;

    #[test]
    fn a_body_has_a_grace_period_and_then_a_minimum_rate() {
        let seconds = |received| time_for(received).as_secs_f64();
        assert_eq!(seconds(0), 5.0);
        assert_eq!(seconds(16 * 1024), 6.0);
        assert_eq!(seconds(MAX_BYTES), 20.0);
    }

    /// Reads a body that is endless, or ends after this many bytes; returns how much was taken of it.
    async fn read_large(end: Option<usize>) -> (Error, usize) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let chunks = stream::repeat(Bytes::from(vec![b'x'; CHUNK])).map(move |chunk| {
            counter.fetch_add(CHUNK, Relaxed);
            std::io::Result::Ok(chunk)
        });
        let body = Body::from_bytes_stream(chunks.take(end.map_or(usize::MAX, |end| end / CHUNK)));
        let address = Address::from(&RemoteAddr(SocketAddr::from(([192, 0, 2, 1], 4711)).into()));
        let error = read(body, address, &LargeBodies::default()).await.map(drop).expect_err("a refusal");
        (error, taken.load(Relaxed))
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_discarded_up_to_a_limit() {
        let (error, taken) = read_large(Some(2 * MAX_BYTES)).await;
        assert!(matches!(error, Error::BodyTooLarge));
        assert_eq!(taken, 2 * MAX_BYTES, "the client can send all of it, and read the answer");
        let (error, taken) = read_large(None).await;
        assert!(matches!(error, Error::BodyTooLarge));
        assert!(taken <= MAX_BYTES + MAX_DISCARDED_BYTES + 2 * CHUNK, "{taken}");
    }
}
