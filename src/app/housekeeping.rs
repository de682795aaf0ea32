//! Housekeeping while the process serves: deletes expired idempotency keys and tickets, and records and webhooks past
//! their retention.

use std::time::Duration;

use sea_orm::DbErr;
use tokio::time::interval;

use crate::{
    executions::{
        audit::{self, Actor, AuditKey, ProofError, Source},
        delivery, idempotency,
        retention::{self, Retention},
    },
    store::Store,
    users::{login_address, ticket},
};

/// Number of rows deleted by one statement.
const PAGE: u64 = 1000;
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// The housekeeping job.
#[derive(Clone, Debug)]
pub struct Housekeeping {
    pub store: Store,
    pub audit_key: AuditKey,
    /// How long records are kept; `None` for ever.
    pub retention: Option<Retention>,
}

impl Housekeeping {
    /// Runs at once, and then every hour.
    pub async fn run_hourly(self) {
        let mut due = interval(PERIOD);
        loop {
            due.tick().await;
            if let Err(error) = self.clear().await {
                tracing::error!(%error, "housekeeping failed; it runs again in an hour");
            }
        }
    }

    /// Deletes everything that is expired now, and logs the head of the audit chain.
    ///
    /// # Errors
    /// The database failed, or a record that is to be deleted does not match the audit chain.
    pub async fn clear(&self) -> Result<(), ProofError> {
        let db = self.store.writer();
        let keys = by_pages(|| idempotency::clear_page(db, PAGE)).await?;
        login_address::clear(db).await?;
        let tickets = by_pages(|| ticket::clear_page(db, PAGE)).await?;
        let (mut webhooks, mut records) = (0, 0);
        let end = match self.retention.map(Retention::horizon) {
            Some(horizon) => {
                webhooks = by_pages(|| delivery::clear_page(db, horizon, PAGE)).await?;
                {
                    let actor = Actor::of(Source::system());
                    retention::remove_older(&self.store, &self.audit_key, &actor, horizon, |more| records += more).await
                }
            }
            None => Ok(()),
        };
        if keys + tickets + webhooks + records > 0 {
            tracing::info!(records, webhooks, keys, tickets, "deleted expired rows");
        }
        self.note_head().await?;
        end
    }

    /// Logs the head of the audit chain. With the log, an operator can detect that records were later cut off its end.
    pub async fn note_head(&self) -> Result<(), DbErr> {
        let head = audit::head(self.store.reader()).await?;
        tracing::info!(%head, "the head of the audit chain");
        Ok(())
    }
}

/// Deletes page after page until a page is not full. Returns the number of deleted rows.
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
