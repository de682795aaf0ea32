//! What is cleared away while the process serves: idempotency keys past their end, and records and webhooks
//! that are older than they are kept.

use std::time::Duration;

use tokio::time::interval;

use crate::{
    records::{
        audit::{AuditKey, ProofError},
        delivery, idempotency,
        retention::{self, Retention},
    },
    store::Store,
};

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

    /// Clears away what is past its time now.
    ///
    /// # Errors
    /// The database does not answer, or the records do not hold.
    pub async fn clear(&self) -> Result<(), ProofError> {
        let keys = idempotency::clear(self.store.writer()).await?;
        let (mut webhooks, mut executions) = (0, 0);
        let end = match self.retention.map(Retention::horizon) {
            Some(horizon) => {
                webhooks = delivery::clear(self.store.writer(), horizon).await?;
                retention::remove_older(&self.store, &self.audit_key, horizon, |more| executions += more).await
            }
            None => Ok(()),
        };
        if keys + webhooks + executions > 0 {
            tracing::info!(executions, webhooks, keys, "removed what was past its time");
        }
        end
    }
}
