//! Following what other processes change in the same database: an SQLite file is polled, PostgreSQL notifies.

use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr};
use tokio::time::{MissedTickBehavior, interval};

use super::{Store, postgres, write::WritePool};

/// How often to poll.
const PERIOD: Duration = Duration::from_millis(250);

impl Store {
    /// From now on, changes of other processes are known here, so that rows can be held in memory. It ends when the store is
    /// closed.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn follow_changes(&self) -> Result<(), DbErr> {
        if let Some(instance) = &self.instance {
            let (pool, invalidations) = (self.background.pool().clone(), self.invalidations.clone());
            tokio::spawn(postgres::keep_listening(pool, instance.clone(), invalidations));
            return Ok(());
        }
        self.writer.poll().await?;
        tokio::spawn(keep_polling(self.writer.clone()));
        Ok(())
    }
}

async fn keep_polling(writer: WritePool) {
    let mut due = interval(PERIOD);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut succeeds = true;
    loop {
        due.tick().await;
        let end = writer.poll().await;
        match &end {
            Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)) => return,
            Err(error) if succeeds => {
                tracing::warn!(%error, "changes of other processes cannot be found; nothing is answered from memory");
            }
            _ => {}
        }
        succeeds = end.is_ok();
    }
}
