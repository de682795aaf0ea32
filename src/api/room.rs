//! Room for requests: how many are worked on at once, how long the next one waits for its turn, and how long one may take.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::error::Error;

/// How many requests are worked on at once: enough to be busy until those come again who were refused, a second later and
/// often together.
const AT_WORK: usize = 512;
/// How many are there at once, with those that wait for their turn, for other systems or for a database that is slow.
const IN_ALL: usize = 1024;
/// How long a request waits for its turn. After that, asking again later is better than waiting.
const TURN: Duration = Duration::from_millis(30);
/// Whatever takes longer waits for somebody else: its turn goes to the next.
const WORK: Duration = Duration::from_millis(300);

/// The room of one server.
#[derive(Clone, Debug)]
pub struct Room {
    at_work: Arc<Semaphore>,
    in_all: Arc<Semaphore>,
    work: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self { at_work: Arc::new(Semaphore::new(AT_WORK)), in_all: Arc::new(Semaphore::new(IN_ALL)), work: WORK }
    }
}

impl Room {
    /// Does what a request asks for, when its turn comes in time.
    ///
    /// # Errors
    /// Too many were there before it, or it took longer than the limit.
    pub async fn work<T>(&self, limit: Duration, mut work: Pin<&mut impl Future<Output = T>>) -> Result<T, Error> {
        let _there = self.in_all.try_acquire().map_err(|_| Error::Overloaded)?;
        let turn = self.turn().await?;
        if let Ok(end) = timeout(self.work, &mut work).await {
            return Ok(end);
        }
        drop(turn);
        timeout(limit.saturating_sub(self.work), work).await.map_err(|_| Error::TookTooLong)
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(turn) = self.at_work.try_acquire() {
            return Ok(turn);
        }
        match timeout(TURN, self.at_work.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Error::Overloaded),
        }
    }

    /// How many requests are there now.
    pub fn taken(&self) -> usize {
        IN_ALL - self.in_all.available_permits()
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
    async fn who_finds_no_room_is_told_soon_and_who_takes_long_makes_room() {
        let room = Room { work: Duration::from_millis(500), ..Room::default() };
        let stuck: Vec<_> = (0..AT_WORK)
            .map(|_| {
                let room = room.clone();
                tokio::spawn(async move { room.work(LONG, pin!(pending::<()>())).await })
            })
            .collect();
        sleep(Duration::from_millis(20)).await;
        let started = Instant::now();
        assert!(matches!(room.work(LONG, pin!(ready(()))).await, Err(Error::Overloaded)));
        assert!(started.elapsed() <= Duration::from_millis(50));

        sleep(room.work).await;
        assert!(room.work(LONG, pin!(ready(()))).await.is_ok());
        assert_eq!(room.taken(), AT_WORK);
        for task in stuck {
            assert!(matches!(task.await, Ok(Err(Error::TookTooLong))));
        }
        assert_eq!(room.taken(), 0);
    }
}
