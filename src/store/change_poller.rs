//! Detects changes by other processes: polls an SQLite file, listens to PostgreSQL notifications.

use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr};
use tokio::time::{MissedTickBehavior, interval};

use super::{Store, postgres, write::WritePool};

const POLL_INTERVAL: Duration = Duration::from_millis(250);

impl Store {
    /// Starts a background task that invalidates what other processes change; caching needs it. The task ends when the
    /// store is closed.
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
    let mut due = interval(POLL_INTERVAL);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut succeeds = true;
    loop {
        due.tick().await;
        let result = writer.poll().await;
        match &result {
            Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)) => return,
            Err(error) if succeeds => {
                tracing::warn!(%error, "failed to poll for changes of other processes; caching is off until it works");
            }
            _ => {}
        }
        succeeds = result.is_ok();
    }
}
