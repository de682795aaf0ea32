//! Reads the body of a request whole, and bounds what it takes: its size, its time, and its part of memory.

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

/// The largest body that is read.
const LARGEST_BODY: usize = 1024 * 1024;

/// How long a body may take to arrive at most,
const BODY: Duration = Duration::from_secs(20);
/// and how long before it must come at this rate.
const GRACE: Duration = Duration::from_secs(5);
const BYTES_PER_SECOND: usize = 16 * 1024;
/// A larger body takes one of a few places.
const SMALL_BODY: usize = 64 * 1024;

/// The body, and its place among the large ones if it is one. The place is to be kept as long as the body.
///
/// # Errors
/// It is too large, comes too slowly, ends early, or gets no place or loses it.
pub async fn read(body: Body, address: Address, places: &LargeBodies) -> Result<(Bytes, Option<LargeBody>), Error> {
    let began = Instant::now();
    let mut chunks = pin!(body.into_bytes_stream());
    let (mut bytes, mut large) = (BytesMut::new(), None::<LargeBody>);
    loop {
        let chunk = next_chunk(chunks.as_mut(), began + time_for(bytes.len()), large.as_ref()).await?;
        bytes.extend_from_slice(chunk.as_deref().unwrap_or_default());
        if bytes.len() > LARGEST_BODY {
            return Err(Error::BodyTooLarge);
        }
        let (received, is_complete) = (bytes.len(), chunk.is_none());
        match &large {
            Some(large) if !large.note(received, is_complete) => return Err(Error::Overloaded),
            None if received > SMALL_BODY => {
                let progress = Progress { address, began, received, is_complete };
                large = Some(places.admit(progress).ok_or(Error::Overloaded)?);
            }
            _ => {}
        }
        if is_complete {
            return Ok((bytes.freeze(), large));
        }
    }
}

/// The next chunk, unless it comes too late or the body loses its place; nothing at the end.
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

/// How long a body may take of which so many bytes have come.
fn time_for(received: usize) -> Duration {
    BODY.min(GRACE + Duration::from_secs_f64(received as f64 / BYTES_PER_SECOND as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_a_grace_and_then_a_rate() {
        let seconds = |received| time_for(received).as_secs_f64();
        assert_eq!(seconds(0), 5.0);
        assert_eq!(seconds(16 * 1024), 6.0);
        assert_eq!(seconds(LARGEST_BODY), 20.0);
    }
}
