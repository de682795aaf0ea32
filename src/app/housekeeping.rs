//! What is cleared away while the process serves: idempotency keys and tickets past their end, and records and webhooks
//! that are older than they are kept.

use std::time::Duration;

use sea_orm::DbErr;
use tokio::time::interval;

use crate::{
    records::{
        audit::{self, AuditKey, ProofError},
        delivery, idempotency,
        retention::{self, Retention},
    },
    store::Store,
    users::{login_address, ticket},
};

/// How many rows are removed in one go.
const PAGE: u64 = 1000;
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// Somebody who clears away.
#[derive(Clone, Debug)]
pub struct Housekeeping {
    pub store: Store,
    pub audit_key: AuditKey,
    /// How long records are kept; for ever without it.
    pub retention: Option<Retention>,
}

impl Housekeeping {
    /// Clears away at once, and then every hour.
    pub async fn keep_clearing(self) {
        let mut due = interval(PERIOD);
        loop {
            due.tick().await;
            if let Err(error) = self.clear().await {
                tracing::error!(%error, "not everything past its time was removed");
            }
        }
    }

    /// Clears away what is past its time now, and notes the head of the audit chain where the database cannot change it.
    ///
    /// # Errors
    /// The database does not answer, or the records do not hold.
    pub async fn clear(&self) -> Result<(), ProofError> {
        let db = self.store.writer();
        let keys = by_pages(|| idempotency::clear_page(db, PAGE)).await?;
        login_address::clear(db).await?;
        let tickets = by_pages(|| ticket::clear_page(db, PAGE)).await?;
        let (mut webhooks, mut executions) = (0, 0);
        let end = match self.retention.map(Retention::horizon) {
            Some(horizon) => {
                webhooks = by_pages(|| delivery::clear_page(db, horizon, PAGE)).await?;
                retention::remove_older(&self.store, &self.audit_key, horizon, |more| executions += more).await
            }
            None => Ok(()),
        };
        if keys + tickets + webhooks + executions > 0 {
            tracing::info!(executions, webhooks, keys, tickets, "removed what was past its time");
        }
        self.note_head().await?;
        end
    }

    /// Writes the head of the audit chain into the log: whoever cuts records off its end later is found by that.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn note_head(&self) -> Result<(), DbErr> {
        let head = audit::head(self.store.reader()).await?;
        tracing::info!(%head, "the head of the audit chain");
        Ok(())
    }
}

/// Removes page after page, until one is not full; how much that was.
async fn by_pages<F>(mut remove: impl FnMut() -> F) -> Result<u64, DbErr>
where
    F: Future<Output = Result<u64, DbErr>>,
{
    let mut all = 0;
    loop {
        let removed = remove().await?;
        all += removed;
        if removed < PAGE {
            return Ok(all);
        }
    }
}
