//! Limits concurrent requests: how many run and are in flight, how long a request waits, and how long it may take.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::error::Error;

/// Requests that may run at once. Enough to keep the server busy until refused clients retry, which they do about a
/// second later and often all at once.
const MAX_RUNNING: usize = 512;
/// Requests that may be in flight: running, waiting for a permit, or waiting for another system or a slow database.
const MAX_IN_FLIGHT: usize = 1024;
/// How long a request waits for a permit to run. After that it is better for the client to retry later.
const MAX_WAIT: Duration = Duration::from_millis(30);
/// A request that takes longer than this probably waits for another system, so its permit goes to the next request.
const PERMIT_HOLD: Duration = Duration::from_millis(300);

/// The request limits of one server.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimiter {
    running: Arc<Semaphore>,
    in_flight: Arc<Semaphore>,
    permit_hold: Duration,
}

impl Default for ConcurrencyLimiter {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(MAX_RUNNING)),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            permit_hold: PERMIT_HOLD,
        }
    }
}

impl ConcurrencyLimiter {
    /// Runs `work` as soon as a permit is free. `limit` is the longest time that `work` may take.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many requests are in flight or no permit became free in time;
    /// [`Error::TookTooLong`] after `limit`.
    pub async fn work<T>(&self, limit: Duration, mut work: Pin<&mut impl Future<Output = T>>) -> Result<T, Error> {
        let _in_flight = self.in_flight.try_acquire().map_err(|_| Error::Overloaded)?;
        let permit = self.acquire().await?;
        if let Ok(output) = timeout(self.permit_hold, &mut work).await {
            return Ok(output);
        }
        drop(permit);
        timeout(limit.saturating_sub(self.permit_hold), work).await.map_err(|_| Error::TookTooLong)
    }

    async fn acquire(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(permit) = self.running.try_acquire() {
            return Ok(permit);
        }
        match timeout(MAX_WAIT, self.running.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Overloaded),
        }
    }

    /// The number of requests in flight.
    pub fn in_flight(&self) -> usize {
        MAX_IN_FLIGHT - self.in_flight.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        pin::pin,
    };

    use tokio::time::{Instant, sleep};

    use super::*;

    const LONG: Duration = Duration::from_millis(1000);

    #[tokio::test]
    async fn a_slow_request_gives_its_permit_to_the_next_one() {
        let limiter = ConcurrencyLimiter { permit_hold: Duration::from_millis(500), ..ConcurrencyLimiter::default() };
        let stuck: Vec<_> = (0..MAX_RUNNING)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move { limiter.work(LONG, pin!(pending::<()>())).await })
            })
            .collect();
        sleep(Duration::from_millis(20)).await;
        let started = Instant::now();
        assert!(matches!(limiter.work(LONG, pin!(ready(()))).await, Err(Error::Overloaded)));
        assert!(started.elapsed() < limiter.permit_hold / 2, "refused after {MAX_WAIT:?}");

        sleep(limiter.permit_hold).await;
        assert!(limiter.work(LONG, pin!(ready(()))).await.is_ok());
        assert_eq!(limiter.in_flight(), MAX_RUNNING);
        for task in stuck {
            assert!(matches!(task.await, Ok(Err(Error::TookTooLong))));
        }
        assert_eq!(limiter.in_flight(), 0);
    }
}
