//! Following what other processes change in the same database: an SQLite file is looked at, PostgreSQL tells.

use std::time::{Duration, Instant};

use sea_orm::{ConnAcquireErr, DbErr};
use tokio::time::{MissedTickBehavior, interval};

use super::{Changes, Connection, Store, postgres};

/// How often to look.
const PERIOD: Duration = Duration::from_millis(250);

impl Store {
    /// From now on, what others change in the database is told here, so that rows can be remembered. It ends when the
    /// store is closed.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn follow_changes(&self) -> Result<(), DbErr> {
        if self.is_shared() {
            tokio::spawn(postgres::keep_listening(self.background.pool().clone(), self.changes.clone()));
            return Ok(());
        }
        look(&self.reader, &self.changes).await?;
        tokio::spawn(keep_looking(self.reader.clone(), self.changes.clone()));
        Ok(())
    }
}

async fn keep_looking(db: Connection, changes: Changes) {
    let mut due = interval(PERIOD);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sees = true;
    loop {
        due.tick().await;
        let seen = look(&db, &changes).await;
        match &seen {
            Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)) => return,
            Err(error) if sees => {
                tracing::warn!(%error, "what others change is not seen; nothing is answered from memory");
            }
            _ => {}
        }
        sees = seen.is_ok();
    }
}

async fn look(db: &Connection, changes: &Changes) -> Result<(), DbErr> {
    let began = Instant::now();
    let unread = changes.read(db).await?;
    changes.tell_read(&unread);
    changes.heard(began);
    Ok(())
}
