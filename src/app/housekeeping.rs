//! Housekeeping while the process serves: deletes expired idempotency keys and tickets, and records and webhooks past
//! their retention.

use std::time::Duration;

use chrono::SecondsFormat;
use sea_orm::DbErr;
use tokio::time::interval;

use crate::{
    clock,
    executions::{
        audit::{self, Actor, CurrentKey, Head, ProofError, Source},
        delivery, idempotency,
        retention::{self, ChangeRetention, Horizons, Retention},
    },
    store::Store,
    users::{login_address, ticket},
    webhooks::{CallError, WebhookRequest, Webhooks},
};

/// Number of rows deleted by one statement.
const PAGE: u64 = 1000;
const PERIOD: Duration = Duration::from_secs(60 * 60);
/// Timeout of the webhook with the head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The housekeeping job.
#[derive(Clone, Debug)]
pub struct Housekeeping {
    pub store: Store,
    pub audit_key: CurrentKey,
    /// How long records are kept; `None` for ever.
    pub retention: Option<Retention>,
    /// How long changes are kept; `None` as long as other records.
    pub retention_changes: Option<ChangeRetention>,
    /// The webhook target that gets the head of the chain.
    pub head_target: Option<String>,
    pub webhooks: Webhooks,
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
        let horizons = Horizons::new(self.retention, self.retention_changes);
        if let Some(horizon) = horizons.executions {
            webhooks = by_pages(|| delivery::clear_page(db, horizon, PAGE)).await?;
        }
        let actor = Actor::of(Source::system());
        let removed =
            retention::remove_older(&self.store, &self.audit_key, &actor, horizons, |more| records += more).await;
        if keys + tickets + webhooks + records > 0 {
            tracing::info!(records, webhooks, keys, tickets, "deleted expired rows");
        }
        let head = self.note_head().await?;
        self.send_head(&head).await;
        removed
    }

    /// Logs the head of the audit chain. With the log, an operator can detect that records were later cut off its end.
    pub async fn note_head(&self) -> Result<Head, DbErr> {
        let head = audit::head(self.store.reader()).await?;
        tracing::info!(%head, "the head of the audit chain");
        Ok(head)
    }

    /// Sends the head to its target. If that fails, the next hour's head is sent in its place.
    async fn send_head(&self, head: &Head) {
        let Some(target) = self.head_target.clone() else { return };
        let now = clock::wall();
        let id = format!("head-{}-{}", head.position, now.timestamp());
        let body = serde_json::json!({
            "type": "audit.head",
            "timestamp": now.to_rfc3339_opts(SecondsFormat::Micros, true),
            "data": {"head": head.to_string(), "position": head.position, "mac": head.mac},
        });
        let request = WebhookRequest { id, target, body: body.to_string(), timeout: HEAD_TIMEOUT, trace: None };
        let sent = match self.webhooks.reserve(&request.target) {
            Some(permit) => self.webhooks.deliver(&request, permit).await,
            None => Err(CallError::Busy),
        };
        if let Err(error) = sent {
            tracing::error!(to = request.target, %error, "failed to send the head of the audit chain");
        }
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
